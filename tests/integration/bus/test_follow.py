"""Following a stream of a real server: everything once in order, over kills, re-made streams and silence."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

from libs.bus import Batch, Bus, NotStored, follow, publish
from libs.clock import real
from libs.contracts.streams import SNAPSHOTS, VIDEO
from tests.nats_server import NatsServer

SUBJECT = "frames.video.camera-1"


@dataclass
class Reader:
    """Keeps what a follower yields."""

    batches: list[Batch] = field(default_factory=list)

    @property
    def bodies(self) -> list[str]:
        return [message.payload.decode() for batch in self.batches for message in batch.messages]


@contextlib.asynccontextmanager
async def reading(bus: Bus, stream: str = "VIDEO", subject: str = SUBJECT) -> AsyncIterator[Reader]:
    reader = Reader()

    async def read() -> None:
        async for batch in follow(bus, stream, [subject]):
            reader.batches.append(batch)

    task = asyncio.create_task(read())
    try:
        yield reader
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def until(done: Callable[[], bool], seconds: float = 10) -> None:
    end = real() + seconds
    while not done():
        assert real() < end, "not in time"
        await asyncio.sleep(0.01)


async def say(bus: Bus, *bodies: str, subject: str = SUBJECT) -> None:
    for body in bodies:
        await stubborn(lambda body=body: publish(bus, subject, body.encode(), {"Nats-Msg-Id": f"{subject}{body}"}))  # type: ignore[misc]


async def stubborn(work: Callable[[], Awaitable[object]]) -> None:
    for _ in range(100):
        try:
            await work()
            return
        except NotStored:
            await asyncio.sleep(0.05)
    raise AssertionError("never stored")


async def test_all_that_stands_then_what_comes_and_only_what_was_asked_for(server: NatsServer) -> None:
    async with server.bus("ingest") as writer, server.bus("encoder") as bus:
        await say(writer, *(f"{at}" for at in range(600)))
        await say(writer, "other", subject="frames.video.camera-2")
        async with reading(bus) as reader:
            await until(lambda: len(reader.bodies) == 600)
            await say(writer, "new")
            await until(lambda: len(reader.bodies) == 601)
    assert reader.bodies == [*(f"{at}" for at in range(600)), "new"]


async def test_a_quiet_stream_ticks_and_says_that_nothing_is_left(server: NatsServer) -> None:
    async with server.bus("ingest") as writer, server.bus("encoder") as bus:
        async with reading(bus) as reader:
            await until(lambda: len(reader.batches) >= 1, 0.5)
        await say(writer, "a")
        async with reading(bus) as reader:
            started = real()
            await until(lambda: len(reader.batches) >= 3)
            assert real() - started < 4
    assert all(batch.caught_up for batch in reader.batches)
    assert [len(batch.messages) for batch in reader.batches[:3]] == [1, 0, 0]
    assert all(started - 1 < batch.as_of <= real() for batch in reader.batches)


async def test_a_reader_that_is_behind_does_not_say_that_nothing_is_left(server: NatsServer) -> None:
    async with server.bus("ingest") as writer, server.bus("encoder") as bus:
        await say(writer, *(f"{at}" for at in range(600)))
        async with reading(bus) as reader:
            await until(lambda: len(reader.bodies) == 600)
    seen = 0
    for batch in reader.batches:
        seen += len(batch.messages)
        assert not batch.caught_up or seen == 600


async def test_a_killed_server_costs_no_message_and_a_silent_one_gives_no_tick(server: NatsServer) -> None:
    async with (
        server.bus("ingest", ensures=(VIDEO,)) as writer,
        server.bus("encoder") as bus,
        reading(bus) as reader,
    ):
        await say(writer, "1", "2", "3")
        await until(lambda: len(reader.bodies) == 3)
        for turn in range(2):
            server.kill()
            await asyncio.sleep(0.3)
            ticks = len(reader.batches)
            await asyncio.sleep(0.7)
            assert len(reader.batches) == ticks, "no word from a server that is not there"
            server.start()
            await say(writer, f"after {turn}")
            await until(lambda turn=turn: f"after {turn}" in reader.bodies)  # type: ignore[misc]
    assert list(dict.fromkeys(reader.bodies)) == ["1", "2", "3", "after 0", "after 1"]


async def test_a_stream_that_was_made_anew_is_read_from_its_start(server: NatsServer) -> None:
    async with (
        server.bus("setup") as boss,
        server.bus("ingest", ensures=(VIDEO,)) as writer,
        server.bus("encoder") as bus,
        reading(bus) as reader,
    ):
        await say(writer, "1", "2", "3")
        await until(lambda: len(reader.bodies) == 3)
        await boss.js.delete_stream("VIDEO")
        await say(writer, "a", "b")
        await until(lambda: reader.bodies[3:] == ["a", "b"])
    assert [batch.anew for batch in reader.batches if batch.anew] == [True]


async def test_a_memory_stream_that_died_with_its_server_is_made_again_and_read_from_its_start(
    server: NatsServer,
) -> None:
    subject = "frames.snapshot.camera-1"
    async with (
        server.bus("ingest", ensures=(SNAPSHOTS,)) as writer,
        server.bus("detector") as bus,
        reading(bus, "SNAPSHOTS", subject) as reader,
    ):
        await say(writer, "1", "2", "3", subject=subject)
        await until(lambda: len(reader.bodies) == 3)
        server.kill()
        server.start()
        await say(writer, "a", subject=subject)
        await until(lambda: "a" in reader.bodies)
    assert reader.bodies == ["1", "2", "3", "a"]


async def test_a_stream_that_is_not_there_yet_is_waited_for(server: NatsServer) -> None:
    async with server.bus("setup") as boss, server.bus("encoder") as bus:
        await boss.js.delete_stream("VIDEO")
        async with reading(bus) as reader:
            await asyncio.sleep(0.5)
            assert reader.batches == []
            async with server.bus("ingest", ensures=(VIDEO,)) as writer:
                await say(writer, "first")
                await until(lambda: reader.bodies == ["first"])


async def test_readers_leave_no_consumers_behind(server: NatsServer) -> None:
    async with server.bus("setup") as boss, server.bus("ingest") as writer, server.bus("encoder") as bus:
        await say(writer, "1")
        for _ in range(3):
            async with reading(bus) as reader:
                await until(lambda reader=reader: bool(reader.bodies))  # type: ignore[misc]
        await asyncio.sleep(0.2)
        assert (await boss.js.stream_info("VIDEO")).state.consumer_count == 0
