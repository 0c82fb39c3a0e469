"""How a service comes to its bus: whatever is there when it starts, it waits, says why, and can be stopped."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from pydantic import SecretStr

from libs.bus import Bus, BusSettings, with_bus
from libs.contracts.streams import VIDEO
from tests.nats_server import NatsServer


def settings(url: str, password: str = "ingest") -> BusSettings:  # noqa: S107 - as tests.nats_server has it
    return BusSettings(nats_url=url, nats_user="ingest", nats_password=SecretStr(password))


async def test_it_works_as_soon_as_a_server_is_there_and_returns_with_the_work(server: NatsServer) -> None:
    reasons: list[str] = []
    buses: list[Bus] = []

    async def work(bus: Bus) -> None:
        assert bus.connected
        buses.append(bus)

    server.kill()
    waiting = asyncio.create_task(with_bus(settings(server.url), "ingest", work, asyncio.Event(), reasons.append))
    async with asyncio.timeout(5):
        while len(reasons) < 3:  # noqa: ASYNC110 - what is waited for is a wait
            await asyncio.sleep(0.02)
    assert buses == []
    server.start()
    await asyncio.wait_for(waiting, 5)
    assert len(buses) == 1
    assert not buses[0].connected, "the connection ends with the work"
    assert "does not take user ingest" in reasons[0]


async def test_what_the_work_raises_comes_out(server: NatsServer) -> None:
    async def work(bus: Bus) -> None:
        raise ValueError(bus.user)

    with pytest.raises(ValueError, match="ingest"):
        await with_bus(settings(server.url), "ingest", work, asyncio.Event(), lambda why: None)


@asynccontextmanager
async def silent_server() -> AsyncIterator[str]:
    """Takes every user, and answers nothing but pings: JetStream without a leader looks so."""

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        told = {"server_id": "SILENT", "version": "2.12.0", "proto": 1, "max_payload": 1 << 20, "headers": True}
        writer.write(b"INFO " + json.dumps(told).encode() + b" \r\n")
        async for line in reader:
            if line.startswith(b"PING"):
                writer.write(b"PONG\r\n")
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    async with server:
        yield f"nats://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.mark.parametrize("there", ["nobody", "a wrong password", "no stream"])
async def test_it_stops_at_once_while_it_waits(server: NatsServer, there: str) -> None:
    """Also where a server is there and does not let the process make its streams."""

    async def work(bus: Bus) -> None:
        raise AssertionError(bus.user)

    async with silent_server() as silent:
        told = {"nobody": settings("nats://127.0.0.1:9"), "no stream": settings(silent)}
        stop = asyncio.Event()
        ensures = (VIDEO,) if there == "no stream" else ()
        wanted = told.get(there, settings(server.url, "wrong"))
        waiting = asyncio.create_task(with_bus(wanted, "ingest", work, stop, lambda why: None, ensures))
        await asyncio.sleep(0.5)
        assert not waiting.done()
        began = time.monotonic()
        stop.set()
        await asyncio.wait_for(waiting, 5)
        assert time.monotonic() - began < 1
