"""Durable work on a real server: handled or parked, never lost, never in a hot loop, and others are left alone."""

import asyncio
import contextlib
import json
import shutil
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field

import pytest
from prometheus_client import REGISTRY

from libs.bus import (
    Bus,
    Delivery,
    Durable,
    Handler,
    Kept,
    Later,
    NotStored,
    Poison,
    Retry,
    WrongStream,
    consume,
    publish,
)
from libs.clock import real
from libs.contracts.envelope import Origin, decode, encode, new_fact
from libs.contracts.facts import SegmentMissed
from tests.nats_server import NatsServer

WORK = Durable("EVENTS", "analyzer", ("segment.missed.*",), ack_wait=1.0)
SUBJECT = "segment.missed.camera-1"
SOON = Retry(first=0.2, tries=3)


def body(at: int) -> bytes:
    data = SegmentMissed(first_slot=at, frames=3000, fps=5, reason="no picture")
    return encode(new_fact(data, "camera-1", ("camera-1", at), Origin("encoder", 0, 0)))


async def say(bus: Bus, *ats: int) -> None:
    for at in ats:
        await say_raw(bus, f"{at}", body(at))


async def say_raw(bus: Bus, name: str, payload: bytes) -> None:
    for _ in range(100):
        with contextlib.suppress(NotStored):
            await publish(bus, SUBJECT, payload, {"Nats-Msg-Id": name, "Dolbom-V": "1"})
            return
        await asyncio.sleep(0.05)
    raise AssertionError("never stored")


async def until(done: Callable[[], bool], seconds: float = 10) -> None:
    end = real() + seconds
    while not done():
        assert real() < end, "not in time"
        await asyncio.sleep(0.01)


@dataclass
class Worker:
    """Keeps what it was given, and when; `outcome` may raise, or take long."""

    outcome: Callable[[Delivery], Exception | float | None] = lambda _: None
    seen: list[Delivery] = field(default_factory=list)
    at: list[float] = field(default_factory=list)
    done: list[int] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)

    async def __call__(self, deliveries: Sequence[Delivery]) -> None:
        self.sizes.append(len(deliveries))
        for one in deliveries:
            self.seen.append(one)
            self.at.append(real())
            outcome = self.outcome(one)
            if isinstance(outcome, Exception):
                raise outcome
            if outcome:
                await asyncio.sleep(outcome)
        self.done += [slot(one) for one in deliveries]


def slot(one: Delivery) -> int:
    return int(json.loads(one.message.payload)["data"]["first_slot"])


def metric(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(name, labels)


@contextlib.asynccontextmanager
async def working(
    bus: Bus, handle: Handler, durable: Durable = WORK, retry: Retry = SOON
) -> AsyncIterator[asyncio.Task[None]]:
    """Consume until the end of the block, which must come soon."""
    stop = asyncio.Event()
    task = asyncio.create_task(consume(bus, durable, handle, stop, retry, lambda: 0.0))
    try:
        yield task
        stop.set()
        began = real()
        await task
        assert real() - began < 1.0, "slow to stop"
    finally:
        task.cancel()
        await asyncio.wait((task,))


async def pending(server: NatsServer) -> tuple[int, int]:
    """Messages delivered and not answered, and messages to come."""
    async with server.bus("setup") as boss:
        info = await boss.js.consumer_info("EVENTS", "analyzer")
    return info.num_ack_pending or 0, info.num_pending or 0


async def parked(server: NatsServer) -> list[Kept]:
    async with server.bus("query") as bus:
        last = (await bus.js.stream_info("PARKED")).state.last_seq
        raw = [await bus.js.get_msg("PARKED", seq=at) for at in range(1, last + 1)]
    return [Kept(one.seq or 0, one.subject or "", one.headers or {}, one.data or b"") for one in raw]


@contextlib.asynccontextmanager
async def two(server: NatsServer) -> AsyncIterator[tuple[Bus, Bus]]:
    """Who says facts, and who works on them."""
    async with server.bus("encoder") as writer, server.bus("analyzer") as bus:
        for one in (writer, bus):
            one.nc.options["reconnect_time_wait"] = 0.1
        yield writer, bus


async def kill(server: NatsServer, bus: Bus) -> None:
    """End the server; returns when this connection has noticed."""
    server.kill()
    while bus.nc.is_connected:  # noqa: ASYNC110 - the client notices by itself
        await asyncio.sleep(0.01)


async def test_a_handler_that_fails_and_then_does_not_gets_each_message_until_it_is_done(server: NatsServer) -> None:
    worker = Worker(lambda one: RuntimeError("bug") if slot(one) == 2 and one.deliveries < 3 else None)
    async with two(server) as (writer, bus):
        await say(writer, 1, 2, 3)
        async with working(bus, worker):
            await until(lambda: len(worker.done) == 3)
            await asyncio.sleep(0.1)
        tries = [at for one, at in zip(worker.seen, worker.at, strict=True) if slot(one) == 2]
    assert worker.done == [1, 3, 2], "others are not held up"
    assert len(tries) == 3
    assert tries[1] - tries[0] >= 0.2
    assert tries[2] - tries[1] >= 0.4, "the pause grows"
    assert await pending(server) == (0, 0)
    assert await parked(server) == []


async def test_what_can_never_be_handled_is_parked_once_whole_and_with_its_reason(server: NatsServer) -> None:
    def outcome(one: Delivery) -> Exception | None:
        decode(one.message.payload)
        return {2: Poison("no such\nfile", "file_gone"), 3: RuntimeError("bug")}.get(slot(one))

    worker = Worker(outcome)
    async with two(server) as (writer, bus):
        await say(writer, 1, 2, 3)
        await say_raw(writer, "rot", b'{"type": NaN')
        await say(writer, 4)
        async with working(bus, worker, retry=Retry(first=0.05, tries=3)):
            await until(lambda: worker.done == [1, 4] and len(worker.seen) == 7)
            await asyncio.sleep(0.2)
    found = {one.subject: one for one in await parked(server)}
    assert sorted(found) == [
        f"parked.analyzer.failed.{SUBJECT}",
        f"parked.analyzer.file_gone.{SUBJECT}",
        f"parked.analyzer.undecodable.{SUBJECT}",
    ]
    gone = found[f"parked.analyzer.file_gone.{SUBJECT}"]
    assert gone.payload == body(2)
    assert gone.headers["Dolbom-Parked-Reason"] == "no such file"
    assert gone.headers["Dolbom-Parked-Id"] == "2"
    assert gone.headers["Dolbom-V"] == "1"
    assert (gone.headers["Dolbom-Parked-Stream"], gone.headers["Dolbom-Parked-Sequence"]) == ("EVENTS", "2")
    assert found[f"parked.analyzer.failed.{SUBJECT}"].headers["Dolbom-Parked-Reason"] == "RuntimeError: bug"
    assert await pending(server) == (0, 0)


async def test_a_newer_fact_waits_and_is_told_and_does_not_hold_up_the_others(server: NatsServer) -> None:
    newer = body(2).replace(b"missed.v1", b"missed.v2")

    def outcome(one: Delivery) -> None:
        decode(one.message.payload)

    worker = Worker(outcome)
    async with two(server) as (writer, bus):
        await say_raw(writer, "newer", newer)
        await say(writer, 3)
        async with working(bus, worker, retry=Retry(newer=0.4, tries=1, deliveries=1)):
            await until(lambda: worker.done == [3] and len(worker.seen) >= 2)
            await asyncio.sleep(0.7)
        deliveries = [one for one in worker.seen if slot(one) == 2]
    assert len(deliveries) == 1, "too often for a handler, yet not parked"
    assert 1 <= (metric("dolbom_newer_facts_total", consumer="analyzer") or 0) <= 3
    assert await parked(server) == []
    assert await pending(server) == (1, 0)


async def test_what_a_dead_worker_had_in_hand_comes_to_another(server: NatsServer) -> None:
    slow, quick = Worker(lambda _: 30.0), Worker()
    async with two(server) as (writer, bus), server.bus("analyzer") as other:
        await say(writer, 1)
        with contextlib.suppress(asyncio.CancelledError):
            async with working(bus, slow) as task:
                await until(lambda: len(slow.seen) == 1)
                cancelled_at = real()
                task.cancel()
                await task
        async with working(other, quick):
            await until(lambda: quick.done == [1])
            assert real() - cancelled_at < 0.8, "who is cancelled gives back what it has"
            await say(writer, 2)
        # A worker that is killed says nothing: what it was sent comes back after ack_wait.
        dead = await bus.js.pull_subscribe_bind(consumer="analyzer", stream="EVENTS")
        await say(writer, 3)
        taken = [message.metadata.sequence.stream for message in await dead.fetch(5, timeout=1)]
        async with working(other, quick):
            await until(lambda: sorted(quick.done) == [1, 2, 3], 3)
    assert 3 in taken
    assert quick.seen[-1].deliveries == 2


async def test_work_that_takes_longer_than_the_server_waits_is_not_given_to_another(server: NatsServer) -> None:
    quick = Durable("EVENTS", "analyzer", ("segment.missed.*",), ack_wait=0.5)
    one, other = Worker(lambda _: 1.3), Worker(lambda _: 1.3)
    async with (
        two(server) as (writer, bus),
        server.bus("analyzer") as second,
        working(bus, one, quick),
        working(second, other, quick),
    ):
        await say(writer, 1)
        await until(lambda: len(one.done + other.done) == 1)
        await asyncio.sleep(0.2)
    assert len(one.seen + other.seen) == 1


async def test_what_waits_for_something_else_stays_in_hand(server: NatsServer) -> None:
    away = [True, True, True]
    worker = Worker(lambda _: Later("the database is away") if away and away.pop() else None)
    async with two(server) as (writer, bus):
        await say(writer, 1, 2)
        async with working(bus, worker, retry=Retry(first=0.05, tries=1)):
            await until(lambda: worker.done == [1, 2])
    assert {one.deliveries for one in worker.seen} == {1}
    assert await parked(server) == []


async def test_a_batch_is_handled_at_once_and_its_bad_one_alone(server: NatsServer) -> None:
    worker = Worker(lambda one: Poison("bad") if slot(one) == 30 else None)
    async with two(server) as (writer, bus):
        await say(writer, *range(60))
        async with working(bus, worker, Durable("EVENTS", "analyzer", ("segment.missed.*",), batch=20)):
            await until(lambda: len(set(worker.done)) == 59)
            await asyncio.sleep(0.1)
    assert sorted(worker.done) == [at for at in range(60) if at != 30]
    assert max(worker.sizes) <= 20
    assert len(worker.sizes) < 45
    assert len(await parked(server)) == 1
    assert await pending(server) == (0, 0)


async def test_a_message_that_ended_every_process_is_parked_unread(server: NatsServer) -> None:
    worker = Worker()
    async with two(server) as (writer, bus):
        await say(writer, 1)
        async with working(bus, Worker(lambda _: RuntimeError("x")), retry=Retry(first=0.02, longest=0.02, tries=99)):
            await asyncio.sleep(0.3)
        await say(writer, 2)
        async with working(bus, worker, retry=Retry(deliveries=3)):
            await until(lambda: worker.done == [2])
            await asyncio.sleep(0.1)
    assert [one.subject for one in await parked(server)] == [f"parked.analyzer.deadly.{SUBJECT}"]


async def test_deleted_consumers_and_streams_made_anew_are_met_again(server: NatsServer) -> None:
    worker = Worker()
    async with two(server) as (writer, bus), server.bus("setup") as boss, working(bus, worker):
        await say(writer, 1)
        await until(lambda: worker.done == [1])
        await boss.js.delete_consumer("EVENTS", "analyzer")
        await say(writer, 2)
        await until(lambda: 2 in worker.done)
        config = (await boss.js.stream_info("EVENTS")).config
        await boss.js.delete_stream("EVENTS")
        await boss.js.add_stream(config)
        await say(writer, 3)
        await until(lambda: 3 in worker.done)
    assert worker.seen[-1].incarnation != worker.seen[0].incarnation
    assert worker.seen[-1].message.sequence == 1


async def test_a_consumer_that_stands_in_a_form_that_cannot_change_is_refused(server: NatsServer) -> None:
    async with server.bus("setup") as boss, server.bus("analyzer") as bus:
        await boss.js.add_consumer("EVENTS", name="analyzer", durable_name="analyzer", deliver_policy="new")
        with pytest.raises(WrongStream, match="consumer analyzer of EVENTS: deliver policy"):
            await asyncio.wait_for(consume(bus, WORK, Worker(), asyncio.Event()), 2)


async def test_a_killed_server_costs_no_message(server: NatsServer) -> None:
    worker = Worker(lambda _: 0.002)
    async with two(server) as (writer, bus), working(bus, worker):
        saying = asyncio.create_task(say(writer, *range(150)))
        await until(lambda: len(set(worker.done)) >= 50)
        server.kill()
        server.start()
        await saying
        await until(lambda: set(worker.done) == set(range(150)))


async def test_a_stream_that_lost_its_tail_is_alarmed_and_its_reused_sequences_are_delivered(
    server: NatsServer,
) -> None:
    worker, stream = Worker(), server.folder / "js/jetstream/$G/streams/EVENTS/msgs"
    async with two(server) as (writer, bus), working(bus, worker):
        await say(writer, 1, 2)
        await until(lambda: worker.done == [1, 2])
        shutil.copytree(stream, server.folder / "old")
        await say(writer, 3, 4, 5)
        await until(lambda: {3, 4, 5} <= set(worker.done))
        await asyncio.sleep(0.3)
        await kill(server, writer)
        shutil.rmtree(stream)
        shutil.copytree(server.folder / "old", stream)
        server.start()
        await say(writer, 6)
        await until(lambda: 6 in worker.done)
    assert [one.message.sequence for one in worker.seen if slot(one) == 6] == [3]
    assert metric("dolbom_log_regressed_total", stream="EVENTS") == 1
