"""An embedded bus with the configuration that `dolbom up` writes, set up once for the tests that only ask it."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from cli.access import Access
from cli.bus_server import free_port
from cli.nats_config import server_config
from cli.setup import make_streams
from libs.bus import connect, ensure_stream
from libs.contracts.permissions import USERS
from libs.contracts.streams import FRAME_STREAMS
from tests.integration.cli.raw_nats import RawNats

PROGRAM = Path(sys.executable).with_name("nats-server")


@dataclass(frozen=True)
class EmbeddedBus:
    """A running bus; every user's password begins with `pw-`."""

    port: int
    config: Path

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    def access(self, user: str) -> Access:
        return Access(self.url, user, password(user))


def password(user: str) -> str:
    return f'pw-{user} "quoted\\'


@pytest.fixture(scope="module")
def bus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedBus]:
    folder = tmp_path_factory.mktemp("버스 bus")
    port = free_port("127.0.0.1", 0)
    assert port
    config = folder / "nats.conf"
    config.write_text(server_config(port, folder / "store", {user: password(user) for user in USERS}), encoding="utf-8")
    with (folder / "nats.log").open("wb") as log, subprocess.Popen([PROGRAM, "-c", config], stderr=log) as server:
        try:
            embedded = EmbeddedBus(port, config)
            _wait(embedded)
            asyncio.run(_set_up(embedded))
            yield embedded
        finally:
            server.terminate()


def _wait(bus: EmbeddedBus) -> None:
    end = time.monotonic() + 10
    while time.monotonic() < end:
        with suppress(OSError), RawNats(bus.port, "setup", password("setup")):
            return
        time.sleep(0.02)
    raise AssertionError("the bus does not start")


async def _set_up(bus: EmbeddedBus) -> None:
    await make_streams(bus.access("setup"))
    async with connect(bus.url, "ingest", password("ingest")) as connection:
        for stream in FRAME_STREAMS:
            await ensure_stream(connection.js, stream)
