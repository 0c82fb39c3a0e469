"""The newest messages of the live stream, each made once for everybody, and what one reader still has to get. Pure.

A reader holds no messages, only a place in the ring: a slow one costs nothing, and is told when it was overtaken.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from services.query.live.positions import Place, Position, later

MOST_MESSAGES, MOST_BYTES = 4096, 8 << 20


@dataclass(frozen=True, slots=True)
class Message:
    """What a fact shows: a resource of a camera as it stands now. `text`: it without its id."""

    kind: str
    camera: str
    text: bytes
    severity: str | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which messages somebody may have and asked for; None: all. `severities` concerns what has a severity."""

    cameras: frozenset[str] | None = None
    kinds: frozenset[str] | None = None
    severities: frozenset[str] | None = None

    def wants(self, message: Message) -> bool:
        """Is this one of them?"""
        return (
            (self.cameras is None or message.camera in self.cameras)
            and (self.kinds is None or message.kind in self.kinds)
            and (self.severities is None or message.severity is None or message.severity in self.severities)
        )


@dataclass(frozen=True, slots=True)
class _Entry:
    """A message and the fact that it tells of; `place` is where one is who has it."""

    stream: int
    sequence: int
    place: Place
    message: Message
    text: bytes


class Overtaken(Exception):
    """The ring does not hold any more what this reader was to get next."""


class Ring:
    """Messages in the order in which they were made. A place in the ring is a number that only grows."""

    def __init__(self, most: int = MOST_MESSAGES, most_bytes: int = MOST_BYTES) -> None:
        self.streams, self.here = "", (0, 0)
        """Where one is who has everything."""
        self.first = 0
        self._floor: Place = (0, 0)
        self._entries: deque[_Entry] = deque()
        self._bytes, self._most, self._most_bytes = 0, most, most_bytes

    @property
    def end(self) -> int:
        """The place of the next message."""
        return self.first + len(self._entries)

    def restart(self, streams: str) -> None:
        """Forget everything: these are other streams. All readers are overtaken."""
        self.first = self.end + 1
        self._entries.clear()
        self._bytes, self.streams, self.here, self._floor = 0, streams, (0, 0), (0, 0)

    def begin(self, stream: int, sequence: int) -> None:
        """What stands in the stream up to this sequence is not told any more."""
        self.here, self._floor = _with(self.here, stream, sequence), _with(self._floor, stream, sequence)

    def tell(self, stream: int, sequence: int, messages: Sequence[Message]) -> None:
        """A fact and all that it shows. Only the last of its messages says that one has them all."""
        before, self.here = self.here, _with(self.here, stream, sequence)
        for number, one in enumerate(messages):
            place = self.here if number == len(messages) - 1 else before
            text = _id_line(self.streams, place) + one.text
            self._entries.append(_Entry(stream, sequence, place, one, text))
            self._bytes += len(text)
        while len(self._entries) > self._most or self._bytes > self._most_bytes:
            gone = self._entries.popleft()
            self.first += 1
            self._bytes -= len(gone.text)
            self._floor = _with(self._floor, gone.stream, gone.sequence)

    def position(self, place: Place) -> Position:
        """A place in these streams."""
        return Position(self.streams, place)

    def holds(self, position: Position) -> Literal["yes", "ahead", "no"]:
        """Does the ring hold everything after a position? `ahead`: nothing that far is known here yet."""
        if position.streams != self.streams or position.place != later(position.place, self._floor):
            return "no"
        return "yes" if self.here == later(self.here, position.place) else "ahead"

    def from_(self, at: int) -> Iterator[_Entry]:
        """Messages from a place on. Raises Overtaken."""
        if at < self.first:
            raise Overtaken
        # By number: an iterator would walk from one end, and readers are mostly at the other.
        return (self._entries[number] for number in range(at - self.first, len(self._entries)))


class Reader:
    """What somebody has of a ring, and what comes next."""

    __slots__ = ("_at", "_has", "_ring", "_wanted")

    def __init__(self, ring: Ring, wanted: Wanted, after: Place | None = None) -> None:
        """`after`: a place that the ring holds everything after; None: from now on."""
        self._ring, self._wanted = ring, wanted
        self._at, self._has = (ring.end, ring.here) if after is None else (ring.first, after)

    def take(self, most_bytes: int) -> bytes:
        """The next messages, up to about so many bytes; empty when there are none. Raises Overtaken."""
        texts, size = [], 0
        for entry in self._ring.from_(self._at):
            self._at += 1
            if entry.sequence > self._has[entry.stream] and self._wanted.wants(entry.message):
                texts.append(self._text(entry))
                size += len(entry.text)
                if size >= most_bytes:
                    break
        return texts[0] if len(texts) == 1 else b"".join(texts)

    @property
    def position(self) -> Position:
        """Where one is who took all there is."""
        return self._ring.position(later(self._has, self._ring.here))

    def _text(self, entry: _Entry) -> bytes:
        """The id never falls behind what this reader had before: after a restart streams are told in another order."""
        place = later(entry.place, self._has)
        return entry.text if place == entry.place else _id_line(self._ring.streams, place) + entry.message.text


def _id_line(streams: str, place: Place) -> bytes:
    return f"id: {Position(streams, place)}\n".encode()


def _with(place: Place, stream: int, sequence: int) -> Place:
    return (sequence, place[1]) if stream == 0 else (place[0], sequence)
