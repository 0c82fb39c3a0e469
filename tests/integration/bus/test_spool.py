"""The spool against a real server: what the bus does not take waits on disk, and arrives once and in order."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from libs.bus import Bus, Conflict, NotKept, Spool, publish_fact
from libs.clock import real
from libs.contracts.envelope import Fact, Origin, encode, new_fact
from libs.contracts.facts import SegmentMissed
from tests.nats_server import NatsServer


def missed(at: int, reason: str = "no picture") -> Fact:
    data = SegmentMissed(first_slot=at, frames=3000, fps=5, reason=reason)
    return new_fact(data, "camera-1", ("camera-1", at), Origin("encoder", 0, 0))


@contextlib.asynccontextmanager
async def draining(spool: Spool) -> AsyncIterator[None]:
    task = asyncio.create_task(spool.run())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def emptied(spool: Spool) -> None:
    end = real() + 10
    while spool.waiting:
        assert real() < end, "not in time"
        await asyncio.sleep(0.01)


async def stored(server: NatsServer) -> list[int]:
    """The first slots of all facts in the stream, in its order."""
    async with server.bus("setup") as boss:
        last = (await boss.js.stream_info("EVENTS")).state.last_seq
        bodies = [(await boss.js.get_msg("EVENTS", seq=at)).data or b"" for at in range(1, last + 1)]
    return [json.loads(body)["data"]["first_slot"] for body in bodies]


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def dead(server: NatsServer, bus: Bus) -> None:
    server.kill()
    bus.nc.options["reconnect_time_wait"] = 0.1
    while bus.nc.is_connected:  # noqa: ASYNC110 - the client notices by itself
        await asyncio.sleep(0.01)


async def test_nothing_touches_the_disk_while_the_bus_takes_it(server: NatsServer, tmp_path: Path) -> None:
    async with server.bus("encoder") as bus:
        spool = Spool(tmp_path / "spool", bus)
        await spool.say(missed(1), "EVENTS")
        assert (spool.waiting, files(tmp_path / "spool")) == (0, [])
    assert await stored(server) == [1]


async def test_facts_said_while_the_bus_is_away_arrive_once_and_in_order(server: NatsServer, tmp_path: Path) -> None:
    async with server.bus("encoder") as bus:
        spool = Spool(tmp_path / "spool", bus)
        async with draining(spool):
            await spool.say(missed(1))
            await dead(server, bus)
            await asyncio.gather(*(spool.say(missed(at)) for at in range(2, 30)))
            assert spool.waiting == 28
            server.start()
            at = 30
            while spool.waiting or at < 40:
                await spool.say(missed(at))
                at += 1
                await asyncio.sleep(0.02)
            await emptied(spool)
        assert files(tmp_path / "spool") == []
    assert await stored(server) == list(range(1, at))


async def test_what_a_crash_left_is_said_by_the_next_process(server: NatsServer, tmp_path: Path) -> None:
    folder = tmp_path / "spool"
    async with server.bus("encoder") as bus:
        spool = Spool(folder, bus)
        await dead(server, bus)
        for at in range(1, 13):
            await spool.say(missed(at), "EVENTS")
        (folder / "000000000013-half.part").write_bytes(b"EVENTS\n{")
        server.start()
    async with server.bus("encoder") as bus:
        await publish_fact(bus, missed(1), "EVENTS")  # published, but the crash came before the removal
        spool = Spool(folder, bus)
        assert spool.waiting == 12
        async with draining(spool):
            await emptied(spool)
        assert files(folder) == []
    assert await stored(server) == list(range(1, 13))


async def test_a_full_or_broken_disk_is_told_to_the_one_who_says(server: NatsServer, tmp_path: Path) -> None:
    async with server.bus("encoder") as bus:
        size = len(encode(missed(1)))
        few = Spool(tmp_path / "few", bus, max_facts=2)
        small = Spool(tmp_path / "small", bus, max_bytes=2 * size + size // 2)
        gone = Spool(tmp_path / "gone", bus)
        (tmp_path / "gone").rmdir()
        await dead(server, bus)
        for spool in (few, small):
            await spool.say(missed(1))
            await spool.say(missed(2))
            with pytest.raises(NotKept, match="is full: 2 facts"):
                await spool.say(missed(3))
        with pytest.raises(NotKept, match="cannot be written: No such file"):
            await gone.say(missed(1))
        server.start()


async def test_what_the_bus_will_never_take_is_set_aside_and_blocks_nobody(server: NatsServer, tmp_path: Path) -> None:
    folder = tmp_path / "spool"
    async with server.bus("encoder") as bus:
        spool = Spool(folder, bus)
        await spool.say(missed(1), "EVENTS")
        with pytest.raises(Conflict):
            await spool.say(missed(1, "something else"), "EVENTS")
        await dead(server, bus)
        for fact in (missed(2), missed(1, "something else"), missed(3)):
            await spool.say(fact, "EVENTS")
        next(folder.glob("000000000001-*.fact")).write_bytes(b"rot")
        server.start()
        async with draining(spool):
            await emptied(spool)
        assert len(files(folder / "refused")) == 2
        assert files(folder) == ["refused"]
    assert await stored(server) == [1, 3]
