"""Who may do what alone: write a SQLite database, make its tables, build a generation of views."""

import asyncio
import contextlib
import fcntl
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

_DAY = 86_400
_LOOKED_EVERY = 0.05


class Taken(Exception):
    """Somebody else does it: there may be one."""


class Lock:
    """A file that one process holds; the kernel lets go of it when that dies."""

    def __init__(self, path: Path, why: str) -> None:
        """Raises Taken, with this text."""
        self._file = path.open("a")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as problem:
            self._file.close()
            raise Taken(why) from problem

    def close(self) -> None:
        """Let others have it."""
        self._file.close()


def only_writer(database: Path) -> Lock:
    """The lock of a SQLite database, which is held until it is closed. Raises Taken."""
    database.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = database.with_suffix(".lock")
    return Lock(path, f"{path.stem} is written by another process; name another DATABASE_URL, or stop it")


@contextlib.asynccontextmanager
async def only_builder(control: AsyncEngine) -> AsyncIterator[None]:
    """While a generation is built; a builder that dies lets go of it, and so does its server. Raises Taken."""
    async with _named("rebuild", control) as held:
        if not held:
            raise Taken("another rebuild of this site goes on: wait for its end, or stop it")
        yield


@contextlib.asynccontextmanager
async def only_maker(control: AsyncEngine) -> AsyncIterator[None]:
    """While tables are made or changed: those that start together wait in turn. Raises Taken after a day."""
    async with _named("tables", control, wait=True) as held:
        if not held:
            raise Taken("another process of this site makes or changes its tables: see what it does, or stop it")
        yield


@contextlib.asynccontextmanager
async def _named(what: str, control: AsyncEngine, *, wait: bool = False) -> AsyncIterator[bool]:
    """Hold what one process of a site may hold; False when another has it. Who dies lets go of it."""
    if control.dialect.name == "sqlite":
        path = Path(control.url.database or "").with_name(f"{what}.lock")
        while (lock := _locked(path)) is None and wait:  # noqa: ASYNC110 - another process's work
            await asyncio.sleep(_LOOKED_EVERY)
        try:
            yield lock is not None
        finally:
            if lock:
                lock.close()
        return
    name = f"dolbom_{what}_{sha256(str(control.url.database).encode()).hexdigest()[:32]}"
    async with control.connect() as connection:
        await connection.execute(text(f"SET SESSION wait_timeout = {_DAY}"))  # it says nothing while it holds the lock
        words = {"name": name, "seconds": _DAY if wait else 0}
        held = await connection.scalar(text("SELECT GET_LOCK(:name, :seconds)"), words) == 1
        try:
            yield held
        except BaseException:
            await connection.invalidate()  # the server lets go of it with the connection
            raise
        with contextlib.suppress(DBAPIError):  # a connection that was lost holds none
            await connection.execute(text("SELECT RELEASE_LOCK(:name)"), {"name": name})


def _locked(path: Path) -> Lock | None:
    try:
        return Lock(path, "")
    except Taken:
        return None
