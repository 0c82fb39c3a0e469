"""Reading a stream for ever: everything that stands, then what comes; again from the start if it was made anew.

Why not the client's ordered consumer: it waits for ever on a stream that was made anew, and it cannot tell
"nothing more stands there" from "nobody answers", which is what slate and deadlines depend on.
"""

import asyncio
import contextlib
import json
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import nats
from nats.aio.msg import Msg
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

from libs.bus.cancellation import obey_cancellation
from libs.bus.connection import Bus
from libs.bus.errors import NoStream, NotStored
from libs.clock import real
from libs.observe import get_log

Start = Literal["first", "last_per_subject"]
IDLE = 1.0
"""Seconds after which a quiet stream gives an empty batch: the reader's tick."""
BATCH = 256
REWIND = 1000
"""Messages read again after a reconnect: a killed server may have lost its tail and used the sequences again."""
_NOTHING_MORE = ("404", "408")
_ENDED = (nats.errors.Error, nats.js.errors.Error, OSError, TimeoutError)
log = get_log()


@dataclass(frozen=True, slots=True)
class Received:
    """One message of a stream."""

    sequence: int
    subject: str
    headers: dict[str, str]
    payload: bytes


@dataclass(frozen=True, slots=True)
class Place:
    """The last message that was read: which of the streams that had this name (when it was made), and its number."""

    incarnation: str
    sequence: int


@dataclass(frozen=True, slots=True)
class Batch:
    """What came at once. `caught_up`: at real time `as_of` (or later) the server had nothing more than this.

    `anew`: the stream begins again, forget what was read from it. `incarnation`: when the stream was made.
    """

    messages: tuple[Received, ...]
    caught_up: bool
    as_of: float = 0.0
    anew: bool = False
    incarnation: str = ""


async def end_of(bus: Bus, stream: str) -> Place:
    """The last message that stands in a stream. Raises NoStream, and NotStored when nobody answers."""
    try:
        info = await bus.js.stream_info(stream)
    except nats.js.errors.NotFoundError as problem:
        raise NoStream(f"stream {stream} does not stand") from problem
    except _ENDED as problem:
        raise NotStored(f"{stream}: {problem or type(problem).__name__}") from problem
    return Place(str(info.created), info.state.last_seq)


class _Ended(Exception):
    """The consumer or the connection is gone: make another."""


class _Cursor:
    """Where a reader is: the stream's incarnation and the next sequence."""

    def __init__(self, start: Start, after: Place | None) -> None:
        self.start = start
        self.created = after.incarnation if after else None
        self.generation: int | None = None
        self.next = after.sequence + 1 if after else None

    def entering(self, created: str, last: int, generation: int) -> bool:
        """Meet the stream; True when it is another one than before, or has lost what was read from it."""
        anew = self.created is not None and (self.created != created or last + 1 < (self.next or 0))
        if anew or self.start == "last_per_subject":
            self.next = None
        elif self.next is not None and self.generation != generation:
            self.next = max(1, self.next - REWIND)
        self.created, self.generation = created, generation
        return anew

    def config(self, subjects: Sequence[str]) -> ConsumerConfig:
        """An ephemeral pull consumer, without acknowledgements, from here on."""
        if self.next is not None:
            where = DeliverPolicy.BY_START_SEQUENCE
        else:
            where = DeliverPolicy.ALL if self.start == "first" else DeliverPolicy.LAST_PER_SUBJECT
        return ConsumerConfig(
            deliver_policy=where,
            opt_start_seq=self.next,
            ack_policy=AckPolicy.NONE,
            filter_subjects=list(subjects),
            inactive_threshold=30.0,
            mem_storage=True,
            num_replicas=1,
        )


async def follow(
    bus: Bus, stream: str, subjects: Sequence[str], start: Start = "first", after: Place | None = None
) -> AsyncGenerator[Batch, None]:
    """Yield batches for ever, an empty one about once a second when the stream is quiet; none while it is out of reach.

    A missing stream is waited for. Messages may come again after a reconnect, and at the begin where `after` names the
    place that an earlier process came to. Cancel the task to stop.
    """
    cursor, pause, absent = _Cursor(start, after), 0.1, False
    while True:
        obey_cancellation()
        await bus.usable()
        try:
            info = await bus.js.stream_info(stream)
            anew = cursor.entering(str(info.created), info.state.last_seq, bus.generation)
            asked_at = real()
            consumer = await bus.js.add_consumer(stream, cursor.config(subjects))
            if anew:
                log.warning("stream_made_anew", stream=stream)
                yield Batch((), caught_up=False, anew=True, incarnation=cursor.created or "")
            pause, absent = 0.1, False
            if not consumer.num_pending:
                yield Batch((), caught_up=True, as_of=asked_at, incarnation=cursor.created or "")
            async with contextlib.aclosing(_read(bus, stream, consumer.name, cursor)) as batches:
                async for batch in batches:
                    yield batch
        except _ENDED as problem:
            if not absent:
                log.info("stream_waited_for", stream=stream, reason=str(problem) or type(problem).__name__)
            absent = True
        except _Ended:
            pass
        await asyncio.sleep(pause)
        pause = min(pause * 2, 2.0)


async def _read(bus: Bus, stream: str, name: str, cursor: _Cursor) -> AsyncGenerator[Batch, None]:
    """Pull until the consumer or the connection is gone (raises _Ended or a client error)."""
    generation, waiting, arrived = bus.generation, deque[Msg](), asyncio.Event()

    async def take(message: Msg) -> None:
        waiting.append(message)
        arrived.set()

    inbox = bus.nc.new_inbox()
    subscription = await bus.nc.subscribe(inbox, cb=take)
    bus.wakes.add(arrived)
    ask = json.dumps({"batch": BATCH, "expires": int(IDLE * 1e9)}).encode()
    pull = f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{name}"
    try:
        asked, asked_at = BATCH, real()
        await bus.nc.publish(pull, ask, reply=inbox)
        while bus.generation == generation:
            obey_cancellation()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(IDLE + 2.0):  # wait_for (3.11) loses a cancellation that meets an arrival
                    await arrived.wait()
            if not waiting:
                raise _Ended
            arrived.clear()
            batch, spent = _sorted(waiting, asked_at)
            if batch.messages:
                cursor.next = batch.messages[-1].sequence + 1
            asked -= len(batch.messages)
            if spent or asked <= 0:
                asked, asked_at = BATCH, real()
                await bus.nc.publish(pull, ask, reply=inbox)
            yield replace(batch, incarnation=cursor.created or "")
        raise _Ended
    finally:
        bus.wakes.discard(arrived)
        with contextlib.suppress(*_ENDED):
            await subscription.unsubscribe()
            if bus.generation == generation and bus.nc.is_connected:
                await bus.nc.publish(f"$JS.API.CONSUMER.DELETE.{stream}.{name}", b"")


def _sorted(waiting: deque[Msg], asked_at: float) -> tuple[Batch, bool]:
    """Take what waits: the batch, and whether the request is used up. Raises _Ended when the consumer is gone."""
    messages, caught_up, spent = [], False, False
    while waiting:
        message = waiting.popleft()
        headers = message.headers or {}
        status = headers.get("Status")
        if status is None:
            seen = message.metadata
            messages.append(Received(seen.sequence.stream, message.subject, headers, message.data))
            caught_up = seen.num_pending == 0
        elif status in _NOTHING_MORE:
            caught_up, spent = True, True
        elif not messages:
            raise _Ended
        else:
            break
    return Batch(tuple(messages), caught_up, asked_at), spent
