"""Passwords are kept as argon2id hashes. One is worked on at a time, in a thread: a flood of tries takes one processor
and 19 MiB at most, and never the event loop.
"""

import asyncio
import unicodedata
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argon2 import PasswordHasher

WAITING = 16
"""So many may be worked on or wait for it; one takes about 60 ms."""
TIME_COST, MEMORY_KIB = 2, 19_456
# Of nobody, with the costs above: a user who is none takes the time of a wrong password.
_NOBODYS = "$argon2id$v=19$m=19456,t=2,p=1$vWBVvqwTeJtHq/t4bqqlZw$6EA1DgV2FCa94Q0AMFf980d9BUXoO312B8xZQy8JpXM"


class Busy(Exception):
    """Too many passwords are being worked on."""


class Passwords:
    """Makes and checks hashes."""

    def __init__(self) -> None:
        self._turn, self._waiting = asyncio.Lock(), 0

    async def hashed(self, password: str) -> str:
        """What is kept of a password. Raises Busy."""
        async with self._one():
            return await asyncio.to_thread(lambda: _hasher().hash(_composed(password)))

    async def right(self, kept: str | None, password: str) -> bool:
        """Is it the password whose hash is `kept`? None, for a user who is none, takes as long. Raises Busy."""
        async with self._one():
            return await asyncio.to_thread(_right, kept or _NOBODYS, password) and kept is not None

    @asynccontextmanager
    async def _one(self) -> AsyncIterator[None]:
        if self._waiting >= WAITING:
            raise Busy
        self._waiting += 1
        try:
            async with self._turn:
                yield
        finally:
            self._waiting -= 1


@cache
def _hasher() -> "PasswordHasher":
    """Imported when the first password comes: most starts never see one."""
    from argon2 import PasswordHasher

    return PasswordHasher(time_cost=TIME_COST, memory_cost=MEMORY_KIB, parallelism=1)


def _right(kept: str, password: str) -> bool:
    from argon2.exceptions import InvalidHashError, VerificationError

    try:
        return _hasher().verify(kept, _composed(password))
    except (VerificationError, InvalidHashError):
        return False


def _composed(password: str) -> str:
    """Hangul is the same password however a keyboard composes it."""
    return unicodedata.normalize("NFC", password)
