"""A query's records while they run on a bus, and `dolbom rebuild` beside them, as a process of its own."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from pydantic import SecretStr

from libs.bus import BusSettings, with_bus
from services.query.records.keeping import Records
from tests import forked
from tests.forked import Forked
from tests.nats_server import NatsServer

ROOT = Path(__file__).parents[3]


@contextlib.asynccontextmanager
async def running(url: str, server: NatsServer) -> AsyncIterator[Records]:
    """Until the block ends."""
    records = Records(url)
    settings = BusSettings(nats_url=server.url, nats_user="query", nats_password=SecretStr("query"))
    reading = with_bus(settings, "query", records.read, asyncio.Event(), lambda _: None)
    work = [asyncio.create_task(records.keep()), asyncio.create_task(reading)]
    try:
        async with asyncio.timeout(20):
            while records.now is None:
                for task in work:
                    assert not task.done(), task.exception()
                await asyncio.sleep(0.01)
        yield records
    finally:
        for task in work:
            task.cancel()
        for done in await asyncio.gather(*work, return_exceptions=True):
            assert isinstance(done, asyncio.CancelledError), done


@dataclass(frozen=True, slots=True)
class Rebuild:
    """`dolbom rebuild`, a process of its own."""

    process: Forked
    said: Path

    async def ended(self) -> tuple[int, str]:
        """Its exit status and all that it said, once it is over."""
        return await asyncio.to_thread(self.process.wait), self.said.read_text(encoding="utf-8")


def start_rebuild(url: str, server: NatsServer, *words: str) -> Rebuild:
    """`dolbom rebuild` of this site."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "DATABASE_URL": url, "NATS_URL": server.url}
    environment |= {"NATS_USER": "query", "NATS_PASSWORD": "query"}
    said = server.folder / f"rebuild-{uuid4().hex}.txt"
    return Rebuild(forked.start("cli", environment, said, "rebuild", *words, also="cli.rebuild_views"), said)


async def rebuilt(url: str, server: NatsServer, *words: str) -> tuple[int, str]:
    """Its exit status and all that it said, once it is over."""
    return await start_rebuild(url, server, *words).ended()
