"""The embedded bus: its port, its end and its return."""

import asyncio
import os
import re
import signal
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cli import bus_server
from cli.access import Access
from cli.bus_server import BusServer, find_server, free_port, start_bus
from cli.refusal import Refusal
from cli.setup import make_streams
from cli.site import Site
from libs.bus import connect, last_message, publish


@pytest.fixture
def site(tmp_path: Path) -> Site:
    site = Site.at(str(tmp_path / "데이터 data"))
    site.prepare()
    return site


@pytest.fixture
async def server(site: Site, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[BusServer]:
    """A bus whose wished port is taken."""
    with socket.create_server(("127.0.0.1", 0)) as taken, site.locked() as lock:
        monkeypatch.setattr(bus_server, "PORT", taken.getsockname()[1])
        server = await start_bus(site, find_server({}), lock, lambda text: None)
        assert server.port > bus_server.PORT
        yield server
        await server.keeper.stop(2.0)
        await server.task


async def test_it_comes_back_on_its_port_with_all_that_was_stored(site: Site, server: BusServer) -> None:
    await make_streams(Access(server.url, "setup", site.password("setup")))
    async with connect(server.url, "query", site.password("query")) as bus:
        await publish(bus, "camera.desired.camera-1", b"{}", {"Nats-Msg-Id": "a"})
        os.kill(_pid(site), signal.SIGKILL)
        async with asyncio.timeout(5):
            while bus.generation == 0 or not bus.connected:  # noqa: ASYNC110 - the bus offers no event for it
                await asyncio.sleep(0.02)
        kept = await last_message(bus, "CAMERAS", "camera.desired.camera-1")
    assert kept
    assert kept.payload == b"{}"
    assert server.keeper.ends == 1


async def test_it_is_in_a_session_of_its_own(site: Site, server: BusServer) -> None:
    assert os.getsid(_pid(site)) != os.getsid(0)


async def test_making_streams_again_changes_nothing(site: Site, server: BusServer) -> None:
    for _ in range(2):
        await make_streams(Access(server.url, "setup", site.password("setup")))
    with pytest.raises(Refusal, match="user setup"):
        await make_streams(Access(server.url, "setup", "guess"))


async def test_what_the_server_says_is_one_line(site: Site, tmp_path: Path) -> None:
    broken = tmp_path / "nats-server"
    broken.write_text("#!/bin/sh\necho 'nats-server: nats.conf:3:1: no such thing' >&2\nexit 1\n")
    broken.chmod(0o755)
    with site.locked() as lock, pytest.raises(Refusal, match="no such thing") as refused:
        await start_bus(site, find_server({"NATS_SERVER_BIN": str(broken)}), lock, lambda text: None)
    assert len(str(refused.value).splitlines()) == 1


def test_a_named_server_must_be_there() -> None:
    with pytest.raises(Refusal, match="NATS_SERVER_BIN"):
        find_server({"NATS_SERVER_BIN": "/nowhere/nats-server"})


def test_the_next_free_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        wished = taken.getsockname()[1]
        assert free_port("127.0.0.1", wished) in range(wished + 1, wished + 51)


def _pid(site: Site) -> int:
    """The server that runs now, by the last line it began its log with."""
    return int(re.findall(r"\[(\d+)\] .* Starting nats-server", site.log("nats").read_text(encoding="utf-8"))[-1])
