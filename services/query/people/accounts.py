"""Accounts in the control database. Whoever changes them is the only one meanwhile, in whatever process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import cast

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.query.people.rights import Role
from services.query.people.rules import Account, Change, changed, check_new, check_no_last_admin
from services.query.records.control import Control

PATIENCE = 3.0
"""Seconds that a question or a change may take; a TimeoutError is one of a database that is away."""
_TABLES = Control.metadata.tables
PEOPLE, ACCOUNTS, ACCOUNT_CAMERAS = _TABLES["people"], _TABLES["accounts"], _TABLES["account_cameras"]
SESSIONS, TOKENS = _TABLES["sessions"], _TABLES["tokens"]
_OF_A_USER = (SESSIONS, TOKENS, ACCOUNT_CAMERAS)


class NoSuchUser(LookupError):
    """There is no account of this name."""


class UserTaken(Exception):
    """There is an account of this name."""


@dataclass(frozen=True, slots=True)
class Secret:
    """What a password is checked against. Who signs in with it while `changed` grows does not get in."""

    password_hash: str
    changed: int


@asynccontextmanager
async def changing(control: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A transaction that changes people, one at a time: everybody sees the new version only with the change."""
    async with asyncio.timeout(PATIENCE), control.begin() as connection:
        await connection.execute(update(PEOPLE).values(version=PEOPLE.c.version + 1))
        yield connection


@asynccontextmanager
async def reading(control: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A connection for as long as one may wait for it."""
    async with asyncio.timeout(PATIENCE), control.connect() as connection:
        yield connection


async def read_accounts(connection: AsyncConnection) -> dict[str, Account]:
    """All accounts by user."""
    cameras: dict[str, set[str]] = {}
    for row in await connection.execute(select(ACCOUNT_CAMERAS)):
        cameras.setdefault(row.user_id, set()).add(row.camera_id)
    return {
        row.user_id: Account(row.user_id, cast(Role, row.role), frozenset(cameras.get(row.user_id, ())), row.created_at)
        for row in await connection.execute(select(ACCOUNTS))
    }


async def secret_of(control: AsyncEngine, user: str) -> Secret | None:
    """What a password is checked against; None for a user who is none."""
    asked = select(ACCOUNTS.c.password_hash, ACCOUNTS.c.changed).where(ACCOUNTS.c.user_id == user)
    async with reading(control) as connection:
        row = (await connection.execute(asked)).first()
    return None if row is None else Secret(row.password_hash, row.changed)


async def add(control: AsyncEngine, account: Account, password_hash: str) -> None:
    """Raises UserTaken or Unfit."""
    async with changing(control) as connection:
        others = await read_accounts(connection)
        if account.user in others:
            raise UserTaken(account.user)
        check_new(account, others)
        values = {"password_hash": password_hash, "created_at": account.created_at, "changed": 0}
        await connection.execute(insert(ACCOUNTS).values(user_id=account.user, role=account.role, **values))
        await _set_cameras(connection, account)


async def change(control: AsyncEngine, user: str, wanted: Change) -> tuple[Account, Account]:
    """The account before and after; a new password ends its sessions and tokens.

    Raises NoSuchUser, Unfit or LastAdmin.
    """
    async with changing(control) as connection:
        others = await read_accounts(connection)
        before = _taken(others, user)
        after = changed(before, wanted, others.values())
        values: dict[str, object] = {"role": after.role, "changed": ACCOUNTS.c.changed + 1}
        if wanted.password_hash is not None:
            values["password_hash"] = wanted.password_hash
            for table in (SESSIONS, TOKENS):
                await connection.execute(delete(table).where(table.c.user_id == user))
        await connection.execute(update(ACCOUNTS).where(ACCOUNTS.c.user_id == user).values(values))
        await connection.execute(delete(ACCOUNT_CAMERAS).where(ACCOUNT_CAMERAS.c.user_id == user))
        await _set_cameras(connection, after)
    return before, after


async def remove(control: AsyncEngine, user: str) -> Account:
    """The account that is no more, nor its sessions and tokens. Raises NoSuchUser or LastAdmin."""
    async with changing(control) as connection:
        others = await read_accounts(connection)
        gone = _taken(others, user)
        if gone.role == "admin":
            check_no_last_admin(others.values())
        for table in (*_OF_A_USER, ACCOUNTS):
            await connection.execute(delete(table).where(table.c.user_id == user))
    return gone


def _taken(accounts: dict[str, Account], user: str) -> Account:
    """Out of the accounts, so that the others remain."""
    try:
        return accounts.pop(user)
    except KeyError:
        raise NoSuchUser(user) from None


async def _set_cameras(connection: AsyncConnection, account: Account) -> None:
    if account.cameras:
        rows = [{"user_id": account.user, "camera_id": camera} for camera in sorted(account.cameras)]
        await connection.execute(insert(ACCOUNT_CAMERAS), rows)
