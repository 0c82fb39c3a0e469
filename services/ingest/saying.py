"""What is said of one camera, on the event loop: what becomes due in `states`, as `camera.observed`."""

import asyncio

from libs.bus import BusError, Spool, obey_cancellation
from libs.clock import SiteClock
from libs.contracts.envelope import Origin, new_fact
from libs.contracts.facts import CameraObserved
from libs.contracts.slots import moment
from libs.observe import get_log
from services.ingest.states import (
    Observed,
    Seen,
    hear,
    say,
    see_beginning,
    see_clock,
    see_end,
    see_pictures,
    worth_saying,
)

log = get_log()


class Saying:
    """Call everything on the event loop."""

    def __init__(self, camera: str, clock: SiteClock, facts: Spool) -> None:
        self._camera, self._clock, self._facts = camera, clock, facts
        self._observed = Observed(since_ms=clock.now_ms())
        self._epoch = 0

    def begin(self, epoch: int) -> None:
        """A recording begins; with another epoch than before, another process may have spoken meanwhile."""
        self._observed = see_beginning(self._observed, self._clock.now_ms(), anew=epoch != self._epoch)
        self._epoch = epoch

    def see(self, seen: Seen) -> None:
        """The pictures say this now."""
        self._observed = see_pictures(self._observed, seen, self._clock.now_ms())

    def see_clock(self, behind: bool) -> None:
        """Is the wall clock behind the site clock?"""
        self._observed = see_clock(self._observed, behind, self._clock.now_ms())

    def hear(self, notice: str) -> None:
        """Something that people should know although the camera goes on: a bad file, and why."""
        log.warning("camera_notice", camera_id=self._camera, text=notice)
        self._observed = hear(self._observed, notice, self._clock.now_ms())

    def end(self, cause: str) -> None:
        """The run came to its end."""
        self._observed = see_end(self._observed, cause, self._clock.now_ms())

    async def run(self) -> None:
        """Say what becomes due; runs until cancelled."""
        while True:
            obey_cancellation()
            await asyncio.sleep(0.25)
            await self.say_due()

    async def say_due(self) -> None:
        """Say what is due now, if anything is."""
        if worth_saying(self._observed, self._clock.now_ms()):
            await self._say(last=False)

    async def say_last(self) -> None:
        """Say that the run ended, if it did, and what people were not told yet: nobody will do so later."""
        while self._observed.notices or (self._observed.ended and self._observed.present != self._observed.said):
            await self._say(last=True)

    async def _say(self, *, last: bool) -> None:
        """One fact, on the bus or on disk until the bus is back."""
        now = self._clock.now_ms()
        self._observed, words = say(self._observed, now, last=last)
        state, cause, since = words.seen.state, words.seen.cause, words.since_ms
        data = CameraObserved(ordinal=words.ordinal, state=state, cause=cause, since=moment(since))
        key = (self._camera, self._epoch, words.ordinal)
        fact = new_fact(data, self._camera, key, Origin("ingest", since, now, epoch=self._epoch))
        try:
            await self._facts.say(fact)
        except BusError as problem:
            log.error("fact_lost", camera_id=self._camera, fact=fact.name, reason=str(problem))
        else:
            log.info("camera_observed", camera_id=self._camera, state=state, cause=cause)
