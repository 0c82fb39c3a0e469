"""Who may see and do what. Pure.

A guardian sees the cameras of their child's rooms; a teacher also judges events there, and starts and stops cameras; a
director sees every camera, changes them and reads who looked at what; an admin also manages accounts and reads facts.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

Role = Literal["guardian", "teacher", "director", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)
"""From the fewest rights to the most: each has those of the ones before."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Whoever asks. `cameras` is None for those who see all of them."""

    user: str
    role: Role
    cameras: frozenset[str] | None = None

    def at_least(self, role: Role) -> bool:
        """Does this one have the rights of `role`?"""
        return ROLES.index(self.role) >= ROLES.index(role)

    def sees(self, camera_id: str) -> bool:
        """Is this camera one of theirs?"""
        return self.cameras is None or camera_id in self.cameras


ANYONE = Principal("anyone", "admin")
"""Whoever uses this machine, as long as there are no accounts."""


def principal(user: str, role: Role, cameras: Iterable[str]) -> Principal:
    """An account's holder: directors and admins see every camera."""
    return Principal(user, role, None if ROLES.index(role) >= ROLES.index("director") else frozenset(cameras))
