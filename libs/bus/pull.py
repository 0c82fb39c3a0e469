"""The messages of a durable consumer: asked for, held with a sign of life, answered, and none taken along."""

import asyncio
import contextlib
import json
from collections import deque
from collections.abc import AsyncGenerator, Awaitable
from dataclasses import dataclass, field

import nats
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.errors import APIError
from prometheus_client import Counter

from libs.bus.cancellation import obey_cancellation
from libs.bus.connection import Bus
from libs.bus.errors import WrongStream
from libs.bus.follow import Received
from libs.clock import real
from libs.observe import get_log

IDLE = 1.0
"""Seconds after which the server ends a request that nothing answered."""
_NOTHING_MORE = ("404", "408")
UNREACHED = (nats.errors.Error, nats.js.errors.Error, OSError, TimeoutError)
log = get_log()
_regressed = Counter("dolbom_log_regressed_total", "Streams found shorter than what was read of them", ["stream"])


@dataclass(frozen=True, slots=True)
class Durable:
    """A durable consumer: from the stream's start, acknowledged one by one, shared by all who name it.

    `batch`: messages at once for a handler that commits them together. `max_ack_pending` counts messages in
    back-off too, so it stands far above the number of workers. What the server cannot change needs a new name.
    """

    stream: str
    name: str
    subjects: tuple[str, ...]
    batch: int = 1
    ack_wait: float = 30.0
    max_ack_pending: int = 512


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message, how often it came (this time included), and which making of the stream it is from."""

    message: Received
    deliveries: int
    incarnation: str
    reply: str = field(repr=False)

    @property
    def key(self) -> tuple[str, int]:
        """What tells this message from all others of its stream."""
        return (self.incarnation, self.message.sequence)


class Ended(Exception):
    """The consumer or the connection is gone: bind again."""


class Pull:
    """One process's share of a durable consumer. What was delivered is kept alive here until it is answered."""

    def __init__(self, bus: Bus, durable: Durable, stop: asyncio.Event) -> None:
        self._bus, self._durable, self._stop = bus, durable, stop
        self._held: set[str] = set()
        self._newest = 0
        self._incarnation = ""

    async def batches(self) -> AsyncGenerator[list[Delivery], None]:
        """Yield what comes until stopped, then give back what was not answered.

        Raises Ended or a client error when the consumer or the connection are gone, WrongStream as in `consume`.
        """
        self._incarnation = await self._bind()
        alive = asyncio.create_task(self._keep_alive())
        try:
            async with contextlib.aclosing(self._pull()) as pulled:
                async for messages in pulled:
                    yield [self._delivery(message) for message in messages]
        finally:
            alive.cancel()
            for reply in list(self._held):
                await self._tell(reply, b"-NAK")
            self._held.clear()

    async def answer(self, one: Delivery, word: bytes) -> None:
        """The last word about a delivery: `+ACK`, `-NAK`, `+TERM why`. What the server misses it delivers again."""
        self._held.discard(one.reply)
        await self._tell(one.reply, word)

    async def _bind(self) -> str:
        """Make the consumer, or change it to what is wanted; returns the stream's incarnation.

        A stream that is shorter than what was read of it uses sequences again, and the server then delivers those;
        what is missing is for the reader's own database to say, so this is an alarm and no more.
        """
        durable, js = self._durable, self._bus.js
        config = ConsumerConfig(
            name=durable.name,
            durable_name=durable.name,
            deliver_policy=DeliverPolicy.ALL,
            ack_policy=AckPolicy.EXPLICIT,
            ack_wait=durable.ack_wait,
            max_deliver=-1,
            max_ack_pending=durable.max_ack_pending,
            filter_subjects=list(durable.subjects),
        )
        try:
            await js.add_consumer(durable.stream, config)
        except APIError as problem:
            if problem.code != 400 and "can not be updated" not in (problem.description or ""):
                raise
            raise WrongStream(f"consumer {durable.name} of {durable.stream}: {problem.description}") from problem
        info = await js.stream_info(durable.stream)
        incarnation, last = str(info.created), info.state.last_seq
        if incarnation == self._incarnation and last < self._newest:
            log.error("log_regressed", stream=durable.stream, last=last, read=self._newest)
            _regressed.labels(durable.stream).inc()
        self._newest = last
        return incarnation

    async def _pull(self) -> AsyncGenerator[list[Msg], None]:
        """Yield what comes, at most one request at a time, until stopped; leave without taking from others."""
        bus, generation, arrived, waiting = self._bus, self._bus.generation, asyncio.Event(), deque[Msg]()

        async def take(message: Msg) -> None:
            if "Status" not in (message.headers or {}):
                self._held.add(message.reply)
            waiting.append(message)
            arrived.set()

        inbox = bus.nc.new_inbox()
        subscription = await bus.nc.subscribe(inbox, cb=take)
        request = json.dumps({"batch": self._durable.batch, "expires": int(IDLE * 1e9)}).encode()
        asked = 0
        try:
            while not self._stop.is_set() and bus.generation == generation:
                if asked <= 0:
                    asked = self._durable.batch
                    next_one = f"$JS.API.CONSUMER.MSG.NEXT.{self._durable.stream}.{self._durable.name}"
                    await bus.nc.publish(next_one, request, reply=inbox)
                obey_cancellation()
                await self._word(arrived, generation)
                arrived.clear()
                messages, spent = _sorted(waiting)
                if waiting:
                    arrived.set()
                asked = 0 if spent else asked - len(messages)
                if messages:
                    yield messages
        finally:
            await self._leave(subscription, generation)

    async def _word(self, arrived: asyncio.Event, generation: int) -> None:
        """Wait for a message, the end of the request or `stop`; raises Ended when none can come any more."""
        end = real() + IDLE + 2.0
        while real() < end and self._bus.generation == generation and self._bus.nc.is_connected:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.25):
                    await either(arrived.wait(), self._stop)
                    return
        raise Ended("no answer")

    async def _leave(self, subscription: Subscription, generation: int) -> None:
        """End the request on the server first: what it has sent by then comes in, to be given back."""
        with contextlib.suppress(*UNREACHED):
            if self._bus.generation == generation and self._bus.nc.is_connected:
                async with asyncio.timeout(1.0):
                    await subscription.drain()  # type: ignore[no-untyped-call]
            else:
                await subscription.unsubscribe()

    async def _keep_alive(self) -> None:
        while True:
            obey_cancellation()
            await asyncio.sleep(self._durable.ack_wait / 3)
            for reply in list(self._held):
                if reply in self._held:  # not answered while the others were told
                    await self._tell(reply, b"+WPI")

    async def _tell(self, reply: str, word: bytes) -> None:
        with contextlib.suppress(*UNREACHED):
            await self._bus.nc.publish(reply, word)

    def _delivery(self, message: Msg) -> Delivery:
        seen = message.metadata
        self._newest = max(self._newest, seen.sequence.stream)
        received = Received(seen.sequence.stream, message.subject, message.headers or {}, message.data)
        return Delivery(received, seen.num_delivered, self._incarnation, message.reply)


def _sorted(waiting: deque[Msg]) -> tuple[list[Msg], bool]:
    """Take what waits: the messages, and whether the request is used up. Raises Ended when the consumer is gone."""
    messages, spent = [], False
    while waiting:
        message = waiting.popleft()
        status = (message.headers or {}).get("Status")
        if status is None:
            messages.append(message)
        elif status in _NOTHING_MORE:
            spent = True
        elif not messages:
            raise Ended(f"status {status}")
        else:
            waiting.appendleft(message)
            break
    return messages, spent


async def either(awaited: Awaitable[object], stop: asyncio.Event) -> bool:
    """Wait for the one or for `stop`; True when the first came to its end."""
    first, second = asyncio.ensure_future(awaited), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait((first, second), return_when=asyncio.FIRST_COMPLETED)
        return first.done()
    finally:
        first.cancel()
        second.cancel()
