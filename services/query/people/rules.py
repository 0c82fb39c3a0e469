"""What may be done to accounts. Pure."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from services.query.people.rights import ROLES, Principal, Role, principal

USER_ID = r"^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$"
RESERVED = ("anyone", "site")
"""Names that facts use for whoever is no account."""
_USER_ID = re.compile(USER_ID.strip("^$"), re.ASCII)


class Unfit(ValueError):
    """An account cannot be like this; the text says why."""


class LastAdmin(Exception):
    """Nobody could manage accounts any more."""


@dataclass(frozen=True, slots=True)
class Account:
    """A person as the site knows them; `cameras` are empty for those who see all."""

    user: str
    role: Role
    cameras: frozenset[str]
    created_at: datetime

    @property
    def principal(self) -> Principal:
        """Who asks when they ask."""
        return principal(self.user, self.role, self.cameras)


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be different; None = as it was."""

    role: Role | None = None
    cameras: frozenset[str] | None = None
    password_hash: str | None = None


def sees_all(role: Role) -> bool:
    """Does a role see every camera?"""
    return ROLES.index(role) >= ROLES.index("director")


def check_new(account: Account, others: Mapping[str, Account]) -> None:
    """Raises Unfit when the account cannot be added to the others."""
    if not _USER_ID.fullmatch(account.user) or account.user in RESERVED:
        raise Unfit("user: take 1 to 32 of a-z, 0-9 and '-', a letter or digit at both ends, and not anyone or site")
    if not others and account.role != "admin":
        raise Unfit("role: the first account must be an admin")
    _check_cameras(account)


def changed(account: Account, change: Change, others: Iterable[Account]) -> Account:
    """The account after the change; who comes to see all needs no cameras. Raises Unfit or LastAdmin."""
    role = change.role or account.role
    if account.role == "admin" != role:
        check_no_last_admin(others)
    kept = frozenset[str]() if sees_all(role) else account.cameras
    after = replace(account, role=role, cameras=kept if change.cameras is None else change.cameras)
    _check_cameras(after)
    return after


def check_no_last_admin(others: Iterable[Account]) -> None:
    """Raises LastAdmin when none of the others is an admin."""
    if not any(one.role == "admin" for one in others):
        raise LastAdmin


def _check_cameras(account: Account) -> None:
    if sees_all(account.role) and account.cameras:
        raise Unfit(f"cameras: a {account.role} sees every camera, so name none")
