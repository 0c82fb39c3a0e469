"""Hears the facts, waits until the views hold them, and puts what they show into the ring, once for everybody.

What is told of a fact is the row as it stands then: whoever asks REST after a message never gets less.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing

from prometheus_client import Counter
from sqlalchemy import select

from libs.bus import Batch, Bus, NotStored, Place, Received, end_of, follow
from libs.clock import real
from libs.contracts.envelope import Fact, FactError, decode
from libs.contracts.streams import CAMERAS, EVENTS
from libs.observe import get_log
from services.query.live.feed import Anew, Feed
from services.query.live.positions import name_streams
from services.query.live.ring import Message, Ring
from services.query.live.standing import Condition, why_not_live
from services.query.live.texts import state
from services.query.records.keeping import Databases, Records
from services.query.records.rows import Away, compiled
from services.query.records.tables import TABLES

TOLD = Counter("dolbom_live_messages_total", "Messages of the live stream, by resource", ["kind"])
WATCHED_EVERY, PAUSE, PATIENCE = 0.25, 0.2, 1.0
FURTHEST = 3000
"""Facts before the end of a stream with which a start begins at most, however far behind the views are."""
STREAMS = (EVENTS, CAMERAS)
"""As places count them."""
_P = TABLES["checkpoints"].c
_PLACES = compiled(select(_P.stream, _P.incarnation, _P.sequence))
log = get_log()

Show = Callable[[Databases, Sequence[Fact]], Awaitable[list[list[Message]]]]
"""What each of these facts shows now. Raises Away."""


class Hub:
    """One per process. `ready`: the ring says where one is; `state`: whether what it tells is the present."""

    def __init__(self, records: Records, connected: Callable[[], bool], now_text: Callable[[], str]) -> None:
        """`now_text`: site time, as the API writes it."""
        self.ring, self.ready, self.closed = Ring(), False, False
        self._why = "starting"
        self.state = state(self._why, now_text())
        self._records, self._connected, self._now_text = records, connected, now_text
        self._feeds: list[Feed] = []
        self._asleep: set[asyncio.Future[None]] = set()
        self._began, self._away, self._generation = real(), False, 0

    # --- those who listen ---

    def sleeper(self) -> "asyncio.Future[None]":
        """Is done when there may be something to say; `forget` it, if it is not waited for any more."""
        waiter = asyncio.get_running_loop().create_future()
        self._asleep.add(waiter)
        return waiter

    def forget(self, waiter: "asyncio.Future[None]") -> None:
        """Do not wake it."""
        self._asleep.discard(waiter)

    def close(self) -> None:
        """Let all streams end now."""
        self.closed = True
        self._wake()

    def _wake(self) -> None:
        asleep, self._asleep = self._asleep, set()
        for waiter in asleep:
            if not waiter.done():
                waiter.set_result(None)

    # --- whether it is the present ---

    async def watch(self) -> None:
        """Say when it is the present no more, and when it is again; for ever."""
        while True:
            await asyncio.sleep(WATCHED_EVERY)
            self._judge()

    def _judge(self) -> None:
        connected, database = self._connected(), self._away or bool(self._records.problem)
        if not connected:
            for feed in self._feeds:
                feed.heard = 0.0  # what was heard before the bus went says nothing of now
        why = why_not_live(Condition(connected, database, self.ready, self._began, real()), self._feeds)
        if why == self._why:
            return
        log.info("not_live" if why else "live", why=why)
        self._why, self.state = why, state(why, self._now_text())
        self._wake()

    # --- the facts ---

    async def read(self, bus: Bus, show: Show) -> None:
        """Hear both streams for ever."""
        while True:
            self._feeds = await self._start(bus)
            self.ring.restart(name_streams(*(feed.end.incarnation for feed in self._feeds)))
            try:
                async with asyncio.TaskGroup() as readers:
                    for feed in self._feeds:
                        readers.create_task(self._follow(bus, feed, show))
            except* Anew as problem:
                self.ready, self._began = False, real()
                log.warning("live_anew", reason=str(problem.exceptions[0]))

    async def _start(self, bus: Bus) -> list[Feed]:
        """From a little before what the views hold: who comes back after a restart of this process missed nothing."""
        while True:
            now = self._records.now
            try:
                if now is not None:
                    places = await _places(now)
                    ends = [await end_of(bus, stream.name) for stream in STREAMS]
                    break
            except (Away, NotStored):
                pass
            await asyncio.sleep(PAUSE)
        self._generation = now.number
        feeds = []
        for number, (stream, end) in enumerate(zip(STREAMS, ends, strict=True)):
            held = places.get(stream.name)
            known = held.sequence if held and held.incarnation == end.incarnation else end.sequence
            after = min(end.sequence, max(known, end.sequence - FURTHEST))
            feeds.append(Feed(number, stream, end, Place(end.incarnation, after), heard=real()))
        return feeds

    async def _follow(self, bus: Bus, feed: Feed, show: Show) -> None:
        # It begins a thousand messages before the place, as every reader does that comes back.
        async with aclosing(follow(bus, feed.stream.name, feed.stream.subjects, after=feed.after)) as batches:
            async for batch in batches:
                feed.heard = real()
                if batch.anew or batch.incarnation != feed.end.incarnation:
                    raise Anew(f"{feed.stream.name} was made anew or is shorter than what was heard")
                await self._take(feed, batch, show)

    async def _take(self, feed: Feed, batch: Batch, show: Show) -> None:
        if (begins := feed.begin(batch)) is not None:
            self.ring.begin(feed.number, begins)
        new = feed.new(batch.messages)
        if new:
            facts = [_fact(one) for one in new]
            shown = await self._shown(feed, new[-1].sequence, [fact for fact in facts if fact is not None], show)
            for one, fact in zip(new, facts, strict=True):
                self.ring.tell(feed.number, one.sequence, shown.pop(0) if fact is not None else [])
        if feed.here is not None:
            feed.took(new[-1].sequence if new else feed.here, caught_up=batch.caught_up)
        if not self.ready and all(one.started for one in self._feeds):
            self.ready = True
            self._judge()
            self._wake()
        elif new and self.ready:
            self._wake()

    async def _shown(self, feed: Feed, sequence: int, facts: Sequence[Fact], show: Show) -> list[list[Message]]:
        """What these facts show, as soon as the views hold this sequence."""
        feed.late = real()
        while True:
            now = self._records.now
            if now is None:
                await asyncio.sleep(PAUSE)
                continue
            try:
                if await self._holds(now, feed, sequence):
                    found = await show(now, facts)
                    break
            except Away:
                self._away = True
                await asyncio.sleep(PAUSE)
            except RuntimeError:
                if self._records.now is now:
                    raise
                # These databases were closed meanwhile: there are others soon.
        feed.late, feed.heard, self._away = None, real(), False
        for one in (one for of_fact in found for one in of_fact):
            TOLD.labels(one.kind).inc()
        return found

    async def _holds(self, now: Databases, feed: Feed, sequence: int) -> bool:
        """Do the views hold the stream up to there? When not, it is worth asking again. Raises Anew and Away."""
        if now.number != self._generation:
            raise Anew(f"generation {now.number} of the views is shown")
        version = self._records.version
        place = (await _places(now)).get(feed.stream.name)
        if place and place.incarnation == feed.end.incarnation and place.sequence >= sequence:
            return True
        if self._records.version == version:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PATIENCE):
                    await self._records.moved()
        return False


async def _places(now: Databases) -> dict[str, Place]:
    """Up to where the views hold each stream. Raises Away."""
    return {str(name): Place(str(made), int(str(at))) for name, made, at in await now.rows.fetch(_PLACES)}


def _fact(message: Received) -> Fact | None:
    """None for what is no fact that this code knows: it shows nowhere, and the projector has told it."""
    try:
        return decode(message.payload)
    except FactError:
        return None
