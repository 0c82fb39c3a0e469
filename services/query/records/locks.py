"""Who may do what alone: write a SQLite database, build a generation of views."""

import fcntl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine

_DAY = 86_400


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


@asynccontextmanager
async def only_builder(url: str, control: AsyncEngine) -> AsyncIterator[None]:
    """While a generation is built; a builder that dies lets go of it, and so does its server. Raises Taken."""
    why = "another rebuild of this site goes on: wait for its end, or stop it"
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        lock = Lock(Path(parsed.database or "").with_name("rebuild.lock"), why)
        try:
            yield
        finally:
            lock.close()
        return
    name = "dolbom_rebuild_" + sha256(str(parsed.database).encode()).hexdigest()[:32]
    async with control.connect() as connection:
        await connection.execute(text(f"SET SESSION wait_timeout = {_DAY}"))  # it says nothing while it holds the lock
        if await connection.scalar(text("SELECT GET_LOCK(:name, 0)"), {"name": name}) != 1:
            raise Taken(why)
        try:
            yield
        finally:
            await connection.invalidate()  # the server lets go of it with the connection
