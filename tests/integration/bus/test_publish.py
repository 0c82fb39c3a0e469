"""Publishing to a real server: stored once, conflicts seen, nothing that would break the connection."""

import asyncio

import pytest

from libs.bus import (
    BusError,
    Conflict,
    Full,
    NoServer,
    NoStream,
    NotStored,
    TooLarge,
    WrongStream,
    append_fact,
    connect,
    ensure_stream,
    last_message,
    publish,
    publish_fact,
)
from libs.contracts.envelope import Fact, Origin, new_fact
from libs.contracts.facts import CameraDesired, SegmentMissed
from libs.contracts.streams import CAMERAS, EVENTS, FACT_STREAMS, VIDEO, StreamSpec
from tests.nats_server import NatsServer

ANY = "camera.*.camera-1"


def wish(state: str, revision: int, request: str) -> Fact:
    data = CameraDesired(revision=revision, state="running" if state == "running" else "stopped", by="somebody")
    return new_fact(data, "camera-1", (request,), Origin("query", 0, 0))


def missed(reason: str) -> Fact:
    data = SegmentMissed(first_slot=1, frames=3000, fps=5, reason=reason)
    return new_fact(data, "camera-1", ("camera-1", 1), Origin("encoder", 0, 0))


async def test_two_who_decide_at_once_cannot_both_win(server: NatsServer) -> None:
    async with server.bus("query") as one, server.bus("query") as two:
        await append_fact(one, wish("running", 1, "r1"), "CAMERAS", ANY, 0)
        results = await asyncio.gather(
            append_fact(one, wish("stopped", 2, "r2"), "CAMERAS", ANY, 1),
            append_fact(two, wish("running", 2, "r3"), "CAMERAS", ANY, 1),
            return_exceptions=True,
        )
    assert sorted(type(result).__name__ for result in results) == ["Conflict", "Stored"]


async def test_a_retry_of_a_decision_that_did_arrive_is_no_conflict(server: NatsServer) -> None:
    async with server.bus("query") as bus:
        first = await append_fact(bus, wish("running", 1, "r1"), "CAMERAS", ANY, 0)
        again = await append_fact(bus, wish("running", 1, "r1"), "CAMERAS", ANY, 0)
    assert (first.sequence, first.duplicate) == (again.sequence, not again.duplicate) == (1, False)


async def test_the_same_fact_twice_is_stored_once_and_another_body_under_its_id_is_an_error(server: NatsServer) -> None:
    async with server.bus("encoder") as bus:
        assert not (await publish_fact(bus, missed("no picture"), EVENTS.name)).duplicate
        assert (await publish_fact(bus, missed("no picture"), EVENTS.name)).duplicate
        with pytest.raises(Conflict, match="another body"):
            await publish_fact(bus, missed("something else"), EVENTS.name)


async def test_what_would_break_the_connection_is_not_sent(server: NatsServer) -> None:
    async with server.bus("ingest") as bus:
        with pytest.raises(TooLarge):
            await publish(bus, "frames.video.camera-1", b"x" * (1 << 20), {"a": "b"})
        await publish(bus, "frames.video.camera-1", b"x", {"Nats-Msg-Id": "1"})
        assert bus.connected


async def test_a_server_that_is_away_is_an_unknown_outcome_and_the_same_id_is_stored_once(server: NatsServer) -> None:
    async with server.bus("ingest", ensures=(VIDEO,)) as bus:
        server.kill()
        with pytest.raises(NotStored):
            await publish(bus, "frames.video.camera-1", b"x", {"Nats-Msg-Id": "1"})
        server.start()
        for _ in range(100):
            await bus.usable()
            try:
                await publish(bus, "frames.video.camera-1", b"x", {"Nats-Msg-Id": "1"})
                break
            except NotStored:
                await asyncio.sleep(0.05)
        again = await publish(bus, "frames.video.camera-1", b"x", {"Nats-Msg-Id": "1"})
    assert (again.sequence, again.duplicate) == (1, True)


async def test_a_stream_that_somebody_deleted_is_made_again_by_its_maker(server: NatsServer) -> None:
    async with server.bus("setup") as boss, server.bus("ingest", ensures=(VIDEO,)) as bus:
        await boss.js.delete_stream("VIDEO")
        with pytest.raises(NotStored):
            await publish(bus, "frames.video.camera-1", b"x", {"Nats-Msg-Id": "1"})
        await asyncio.wait_for(bus.usable(), 5)
        assert (await publish(bus, "frames.video.camera-1", b"x", {"Nats-Msg-Id": "1"})).sequence == 1


async def test_a_subject_that_no_stream_takes_is_named_and_nothing_else_is_doubted(server: NatsServer) -> None:
    async with server.bus("setup") as boss, server.bus("ingest", ensures=(VIDEO,)) as bus:
        await boss.js.delete_stream("EVENTS")
        for _ in range(2):
            with pytest.raises(NoStream, match=r"camera\.observed\.camera-1: no stream takes it"):
                await publish(bus, "camera.observed.camera-1", b"x", {"Nats-Msg-Id": "1"})
            assert bus.connected, "its own streams stand"
        await publish(bus, "frames.video.camera-1", b"x", {"Nats-Msg-Id": "1"})


async def test_a_missing_stream_is_not_a_subject_without_messages(server: NatsServer) -> None:
    async with server.bus("setup") as boss, server.bus("ingest", ensures=(VIDEO,)) as bus:
        assert await last_message(bus, "VIDEO", "frames.video.camera-1") is None
        await boss.js.delete_stream("PAST")
        with pytest.raises(NoStream, match=r"past\.video\.camera-1: stream PAST does not stand"):
            await last_message(bus, "PAST", "past.video.camera-1")
        await boss.js.delete_stream("VIDEO")
        with pytest.raises(NoStream):
            await last_message(bus, "VIDEO", "frames.video.camera-1")
        await asyncio.wait_for(bus.usable(), 5)
        assert await last_message(bus, "VIDEO", "frames.video.camera-1") is None


async def test_a_full_subject_pushes_back(server: NatsServer) -> None:
    async with server.bus("ingest") as bus:
        for at in range(60):
            await publish(bus, "past.video.camera-1", b"x", {"Nats-Msg-Id": f"{at}"})
        with pytest.raises(Full):
            await publish(bus, "past.video.camera-1", b"x", {"Nats-Msg-Id": "60"})
        await publish(bus, "past.video.camera-2", b"x", {"Nats-Msg-Id": "other"})


async def test_the_newest_message_of_a_subject_or_none(server: NatsServer) -> None:
    async with server.bus("ingest") as bus:
        assert await last_message(bus, "VIDEO", "frames.video.camera-1") is None
        await publish(bus, "frames.video.camera-1", b"1", {"Nats-Msg-Id": "1"})
        await publish(bus, "frames.video.camera-1", b"2", {"Nats-Msg-Id": "2", "Dolbom-V": "1"})
        kept = await last_message(bus, "VIDEO", "frames.video.camera-1")
    assert kept is not None
    assert (kept.payload, kept.headers["Dolbom-V"], kept.sequence) == (b"2", "1", 2)


async def test_set_up_may_be_repeated_and_a_stream_that_promises_less_is_refused(server: NatsServer) -> None:
    async with server.bus("setup") as bus:
        for spec in FACT_STREAMS:
            await ensure_stream(bus.js, spec)
        more = StreamSpec("CAMERAS", (*CAMERAS.subjects, "camera.dreamt.*"), max_bytes=CAMERAS.max_bytes)
        with pytest.raises(WrongStream, match=r"camera\.dreamt"):
            await ensure_stream(bus.js, more)
        await ensure_stream(bus.js, more, widen=True)
        await ensure_stream(bus.js, CAMERAS)


async def test_a_wrong_password_and_a_wrong_address_are_told_in_one_line(server: NatsServer) -> None:
    for url, password in ((server.url, "wrong"), ("nats://127.0.0.1:9", "ingest")):
        with pytest.raises(NoServer) as problem:
            async with connect(url, "ingest", password):
                pass
        assert "\n" not in str(problem.value)
        assert "wrong" not in str(problem.value)
    assert issubclass(NoServer, BusError)
