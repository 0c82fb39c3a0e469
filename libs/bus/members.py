"""One heartbeat per replica, and what a replica may believe of itself by its own monotonic clock."""

import asyncio
import contextlib
import json
from collections.abc import Callable
from datetime import datetime
from types import TracebackType

import nats
from nats.js.errors import NotFoundError
from prometheus_client import Gauge

from libs.bus.cancellation import obey_cancellation
from libs.bus.connection import Bus
from libs.bus.errors import BusError, NoStream
from libs.bus.publish import publish
from libs.clock import real
from libs.contracts.leases import MEMBERS, Timing, check_member, member_subject
from libs.contracts.subjects import EXPECTED_LAST
from libs.observe import get_log

AGAIN = 0.1
"""Seconds between a heartbeat that failed and the next."""
KV_OPERATION = "KV-Operation"
REMOVED = ("DEL", "PURGE")
_STREAM = f"KV_{MEMBERS}"
_NO_STREAM = 10059
_UNANSWERED = (nats.errors.Error, nats.js.errors.Error, OSError, TimeoutError)
log = get_log()
_missing = Gauge("dolbom_members_bucket_missing", "1 while the bucket of heartbeats does not stand")


class Membership:
    """This replica among those that are alive, for the length of an `async with`.

    `term` grows whenever the membership may have been interrupted, however briefly: what was held in an older
    term is lost for good. `superseded`: a younger process goes by the same name, so this one is silent.
    """

    def __init__(
        self, bus: Bus, service: str, member: str, note: str = "", *, timing: Timing | None = None,
        clock: Callable[[], float] = real,
    ) -> None:  # fmt: skip
        self.bus, self.service, self.member, self.clock = bus, service, check_member(member), clock
        self.timing = timing or Timing()
        self.term = 0
        self.superseded = False
        self._until = float("-inf")
        self._revision = 0
        self._body = json.dumps({"service": service, "note": note}, ensure_ascii=False).encode()
        self._beating: asyncio.Task[None] | None = None

    def valid_for(self, term: int) -> float:
        """Seconds for which nobody else may think that this member, as it was in `term`, is gone; 0 = lost."""
        return max(0.0, self._until - self.clock()) if term == self.term else 0.0

    def supersede(self) -> None:
        """A younger process has this name: hold nothing, and beat no more, or its leases would outlive it."""
        if not self.superseded:
            self.superseded = True
            self._interrupt()
            log.error("member_name_taken", member=self.member, service=self.service)

    async def __aenter__(self) -> "Membership":
        """Begin to beat; does not wait for the first answer."""
        self._beating = asyncio.create_task(self._beat(), name=f"beat {self.member}")
        return self

    async def __aexit__(self, kind: type[BaseException] | None, _: object, __: TracebackType | None) -> None:
        """Say goodbye, so that nobody has to wait for the key to expire."""
        if self._beating:
            self._beating.cancel()
            await asyncio.wait((self._beating,))
        self._interrupt()
        if not self.superseded and self._revision:
            farewell = {KV_OPERATION: REMOVED[0], EXPECTED_LAST: str(self._revision)}
            with contextlib.suppress(BusError):
                await publish(self.bus, member_subject(self.member), b"", farewell, self.timing.patience)

    async def _beat(self) -> None:
        """Until cancelled or superseded."""
        said = ""
        while not self.superseded:
            sent_at, pause = self.clock(), AGAIN
            try:
                stored = await publish(self.bus, member_subject(self.member), self._body, {}, self.timing.patience)
                self._revision, pause, problem = stored.sequence, self.timing.beat, ""
                self._confirm(sent_at)
            except NoStream:
                problem = await self._without_bucket(sent_at)
            except BusError as failed:
                problem = str(failed)
            _missing.set(problem == "missing")
            if problem and not said:
                log.error("heartbeat_failed", member=self.member, reason=problem)
            said = problem
            obey_cancellation()
            await asyncio.sleep(pause)

    async def _without_bucket(self, sent_at: float) -> str:
        """Where no bucket stands, nobody can find this member gone: its leases are kept, and it says so.

        Only the word of the whole system counts, not a server without a leader; and a new bucket proves nobody's
        absence until it is older than its keys may become (`is_gone`).
        """
        try:
            await self.bus.js.stream_info(_STREAM)
        except NotFoundError:
            self._confirm(sent_at)
            return "missing"
        except _UNANSWERED as problem:
            return str(problem) or type(problem).__name__
        return "not answered"

    def _confirm(self, sent_at: float) -> None:
        if self.superseded:
            return
        if self.clock() >= self._until:
            self.term += 1
        self._until = sent_at + self.timing.held_for

    def _interrupt(self) -> None:
        self.term += 1
        self._until = float("-inf")


async def is_gone(bus: Bus, member: str) -> bool:
    """Is it certain that this member beats no more? False when nobody can tell."""
    try:
        last = await bus.js.get_last_msg(_STREAM, member_subject(member))
    except NotFoundError as absent:
        return absent.err_code != _NO_STREAM and await _proves_absence(bus)
    except _UNANSWERED:
        return False
    return (last.headers or {}).get(KV_OPERATION) in REMOVED


async def _proves_absence(bus: Bus) -> bool:
    """Is the bucket older than its keys may become? Both times are the server's own."""
    try:
        answer = await bus.nc.request(f"$JS.API.STREAM.INFO.{_STREAM}", b"", timeout=2)
        info = json.loads(answer.data)
        age = datetime.fromisoformat(info["ts"]) - datetime.fromisoformat(info["created"])
        return bool(age.total_seconds() >= info["config"]["max_age"] / 1e9)
    except (*_UNANSWERED, ValueError, LookupError):
        return False
