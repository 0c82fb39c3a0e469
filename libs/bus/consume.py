"""Durable work: each message is handled until its handler says so, parked when that can never be, and never lost."""

import asyncio
import contextlib
import json
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from prometheus_client import Counter

from libs.bus.cancellation import obey_cancellation
from libs.bus.connection import Bus
from libs.bus.errors import BusError, NotStored
from libs.bus.park import check_word, one_line, park
from libs.bus.pull import UNREACHED, Delivery, Durable, Ended, Pull, either
from libs.contracts.envelope import FactError, NewerFact, decode
from libs.observe import get_log

AGAIN = 0.2
"""Seconds before a consumer that is gone is looked for again."""
log = get_log()
_retried = Counter("dolbom_messages_retried_total", "Deliveries that were given back for another try", ["consumer"])
_newer = Counter("dolbom_newer_facts_total", "Facts of a version that this code does not know", ["consumer"])


class Poison(Exception):
    """Raised by a handler: this message can never be handled; `word` is a part of the subject it is parked under."""

    def __init__(self, reason: str, word: str = "invalid") -> None:
        super().__init__(reason)
        self.word = check_word(word)


class Later(Exception):
    """Raised by a handler: what it needs is away (database, model). The message is kept in hand and tried again."""


@dataclass(frozen=True, slots=True)
class Retry:
    """Seconds and counts. `tries`: exceptions of one message in this process, after which it is parked.

    `deliveries`: how often a message may come at all, before it is parked unread: each time the process may have
    died of it. `newer` times the deliveries so far, up to `newer_longest`, is the wait of a newer fact.
    """

    first: float = 1.0
    longest: float = 60.0
    tries: int = 8
    deliveries: int = 60
    newer: float = 60.0
    newer_longest: float = 900.0

    def pause(self, failures: int, chance: float) -> float:
        """Seconds until the next try after so many failures; `chance` in [0, 1) spreads them."""
        return min(self.longest, self.first * 2.0 ** min(failures - 1, 30)) * (1 + chance / 2)


Handler = Callable[[Sequence[Delivery]], Awaitable[None]]


async def consume(
    bus: Bus,
    durable: Durable,
    handle: Handler,
    stop: asyncio.Event,
    retry: Retry | None = None,
    chance: Callable[[], float] = random.random,
) -> None:
    """Hand messages to `handle` until `stop`; then finish what is in hand, give back the rest, and return.

    `handle` returns: acknowledged. Raises FactError or Poison: parked. NewerFact: given back, told, never parked.
    Later or NotStored: tried again without being given back. Anything else: given back, parked after some tries.
    A batch that fails is handed over again one by one. Messages may come more than once and out of order, and again
    from another incarnation of the stream. A consumer that was deleted is made again. `chance` gives [0, 1).
    Raises WrongStream when the consumer stands in a form that cannot be changed: give it a new name.
    """
    worker, pull, said = _Worker(bus, durable, handle, stop, retry or Retry(), chance), Pull(bus, durable, stop), ""
    while not stop.is_set():
        obey_cancellation()
        try:
            if await either(bus.usable(), stop):
                async with contextlib.aclosing(pull.batches()) as batches:
                    async for deliveries in batches:
                        said = ""
                        await worker.settle(pull, deliveries)
        except (*UNREACHED, Ended) as problem:
            reason = str(problem) or type(problem).__name__
            if reason != said:
                log.info("consumer_waits", consumer=durable.name, reason=reason)
            said = reason
        await either(asyncio.sleep(AGAIN), stop)


class _Worker:
    """What becomes of each delivery."""

    def __init__(
        self,
        bus: Bus,
        durable: Durable,
        handle: Handler,
        stop: asyncio.Event,
        retry: Retry,
        chance: Callable[[], float],
    ) -> None:
        self._bus, self._durable, self._handle, self._stop = bus, durable, handle, stop
        self._retry, self._chance = retry, chance
        self._failures: dict[tuple[str, int], int] = {}

    async def settle(self, pull: Pull, deliveries: list[Delivery]) -> None:
        """Handle them together; one by one when that fails, which shows whose fault it was."""
        fresh = [one for one in deliveries if not await self._deadly(pull, one)]
        if len(fresh) > 1 and await self._attempt(fresh) is None:
            for one in fresh:
                await self._done(pull, one, b"+ACK")
            return
        for one in fresh:
            await self._alone(pull, one)

    async def _attempt(self, deliveries: list[Delivery]) -> Exception | None:
        obey_cancellation()
        try:
            await self._handle(deliveries)
        except Exception as problem:  # noqa: BLE001 - whatever a handler's failure is, its message must not be lost
            return problem
        return None

    async def _alone(self, pull: Pull, one: Delivery) -> None:
        """Handle one message and answer for it."""
        waits = 0
        while isinstance(problem := await self._attempt([one]), Later | NotStored):
            waits += 1
            self._say("message_waits", one, str(problem))
            if not await either(asyncio.sleep(self._retry.pause(waits, self._chance())), self._stop):
                return await pull.answer(one, b"-NAK")
        match problem:
            case None:
                await self._done(pull, one, b"+ACK")
            case NewerFact():
                await self._give_back_newer(pull, one, problem)
            case Poison():
                await self._park(pull, one, problem.word, str(problem))
            case FactError():
                await self._park(pull, one, "undecodable", str(problem))
            case _:
                await self._failed(pull, one, f"{type(problem).__name__}: {problem}")
        return None

    async def _failed(self, pull: Pull, one: Delivery, reason: str) -> None:
        failures = self._failures[one.key] = self._failures.get(one.key, 0) + 1
        if failures >= self._retry.tries:
            return await self._park(pull, one, "failed", reason)
        self._say("message_failed", one, reason)
        return await self._give_back(pull, one, self._retry.pause(failures, self._chance()))

    async def _deadly(self, pull: Pull, one: Delivery) -> bool:
        """Park what came so often, and never with an outcome here, that this process may die of it too."""
        if one.deliveries <= self._retry.deliveries or one.key in self._failures:
            return False
        try:
            decode(one.message.payload)
        except NewerFact as problem:
            await self._give_back_newer(pull, one, problem)
        except FactError as problem:
            await self._park(pull, one, "undecodable", str(problem))
        else:
            await self._park(pull, one, "deadly", f"delivered {one.deliveries} times without an outcome")
        return True

    async def _give_back_newer(self, pull: Pull, one: Delivery, problem: NewerFact) -> None:
        """A deployment in the wrong order: wait for the code that knows it."""
        self._say("newer_fact", one, str(problem))
        _newer.labels(self._durable.name).inc()
        await self._give_back(pull, one, min(self._retry.newer * one.deliveries, self._retry.newer_longest))

    async def _park(self, pull: Pull, one: Delivery, word: str, reason: str) -> None:
        """Acknowledged in PARKED first, ended here second."""
        found = (self._durable.stream, one.incarnation, self._durable.name)
        try:
            await park(self._bus, one.message, found, word, reason)
        except BusError as problem:
            self._say("message_not_parked", one, str(problem))
            await self._give_back(pull, one, self._retry.longest)
        else:
            await self._done(pull, one, f"+TERM {one_line(reason)}".encode())

    async def _give_back(self, pull: Pull, one: Delivery, seconds: float) -> None:
        _retried.labels(self._durable.name).inc()
        await pull.answer(one, b"-NAK " + json.dumps({"delay": int(seconds * 1e9)}).encode())

    async def _done(self, pull: Pull, one: Delivery, word: bytes) -> None:
        self._failures.pop(one.key, None)
        await pull.answer(one, word)

    def _say(self, action: str, one: Delivery, reason: str) -> None:
        log.error(action, consumer=self._durable.name, subject=one.message.subject, reason=one_line(reason))
