"""One stream's conversation: what is said next, and when. It is told the time, and others send what it says."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from services.query.live.positions import BadId, read_position
from services.query.live.ring import Overtaken, Reader, Ring, Wanted
from services.query.live.texts import LIVE, PING, hello, reset, with_id
from services.query.people.rights import Principal

PING_EVERY = 15.0
"""Seconds between two pings; who asks is looked at again each time."""
AHEAD_FOR = 2.0
"""Seconds that somebody who knows more than this process waits for it: another process may have told it."""
AT_ONCE = 16 << 10
"""Bytes that are handed over at once."""
WELCOME = b"retry: 1500\n: Dolbom\n\n"
"""How soon a browser comes back, in milliseconds."""
_RIGHTS = "rights"
"""Stands for the id of somebody who may see other cameras than before."""


class Source(Protocol):
    """What is told to everybody. `ready`: the ring says where one is; `state`: whether that is the present."""

    ring: Ring
    ready: bool
    state: bytes


@dataclass(frozen=True, slots=True)
class Asked:
    """The cameras, resources and severities that were asked for; None: all of them."""

    cameras: frozenset[str] | None = None
    kinds: frozenset[str] | None = None
    severities: frozenset[str] | None = None

    def of(self, who: Principal) -> Wanted:
        """What of it is theirs."""
        both = self.cameras if who.cameras is None else who.cameras
        if self.cameras is not None and both is not None:
            both &= self.cameras
        return Wanted(both, self.kinds, self.severities)


class Client:
    """Ask `next` what to say until `over`; when it is nothing, ask again after a wake, or at `due`."""

    __slots__ = (
        "_asked",
        "_last_id",
        "_ping",
        "_reader",
        "_renew",
        "_said",
        "_source",
        "_waits",
        "_who",
        "due",
        "over",
    )

    def __init__(self, source: Source, asked: Asked, who: Principal, renew: Callable[[], Principal | None]) -> None:
        """`renew`: who asks as they are now, None when they may not any more."""
        self._source, self._asked, self._who, self._renew = source, asked, who, renew
        self._last_id: str | None = None
        self._reader: Reader | None = None
        self._said, self._ping, self.over = LIVE, False, False
        self._waits = self.due = 0.0

    def begin(self, last_id: str | None, now: float) -> bytes:
        """The first words. `last_id`: of the last message that is had already."""
        self._last_id, self.due = last_id, now + PING_EVERY
        return WELCOME

    def next(self, now: float) -> bytes:
        """What to say now; nothing: sleep."""
        if now >= self.due:
            self._look_again(now)
        if self.over:
            return b""
        if self._source.state != self._said:
            self._said = self._source.state
            return self._said
        return self._told(now) or self._pinged()

    def _look_again(self, now: float) -> None:
        self.due, self._ping = now + PING_EVERY, True
        who = self._renew()
        if who is None:
            self.over = True
        elif who.cameras != self._who.cameras:
            self._who, self._last_id, self._reader = who, _RIGHTS, None

    def _told(self, now: float) -> bytes:
        if not self._source.ready:
            return b""
        if self._reader is None:
            return self._found(now)
        try:
            return self._reader.take(AT_ONCE)
        except Overtaken:
            return self._reset("overtaken")

    def _found(self, now: float) -> bytes:
        """Where this one goes on."""
        ring = self._source.ring
        if self._last_id is None:
            self._reader = Reader(ring, self._asked.of(self._who))
            return hello(self._reader.position)
        try:
            position = read_position(self._last_id)
        except BadId:
            return self._reset("rights-changed" if self._last_id is _RIGHTS else "unknown-id")
        held = ring.holds(position)
        if held == "ahead":
            self._waits = self._waits or now + AHEAD_FOR
            if now < self._waits:
                self.due = min(self.due, self._waits)
                return b""
        if held != "yes":
            return self._reset("unknown-streams" if position.streams != ring.streams else "too-old")
        self._reader = Reader(ring, self._asked.of(self._who), position.place)
        return with_id(position)

    def _reset(self, why: str) -> bytes:
        self._reader = Reader(self._source.ring, self._asked.of(self._who))
        return reset(self._reader.position, why)

    def _pinged(self) -> bytes:
        """An id in it lets somebody who wants little come back without being too old."""
        if not self._ping:
            return b""
        self._ping = False
        reader = self._reader if self._source.ready else None
        return PING + (with_id(reader.position) if reader else b"\n")
