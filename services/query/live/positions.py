"""Places in the two streams that the live stream tells of, as its ids name them. Pure."""

import hashlib
import re
from dataclasses import dataclass

EVENTS, CAMERAS = 0, 1
"""The streams, as a place counts them."""
Place = tuple[int, int]
"""The sequences of the last fact of either stream that was told, or passed over because it shows nowhere."""
_ID = re.compile(r"(?P<streams>[0-9a-f]{8})\.(?P<events>0|[1-9]\d{0,18})\.(?P<cameras>0|[1-9]\d{0,18})", re.ASCII)


class BadId(ValueError):
    """No id that this service ever gave."""


@dataclass(frozen=True, slots=True)
class Position:
    """What an id says: which streams it speaks of (8 hexadecimal digits), and a place in them."""

    streams: str
    place: Place

    def __str__(self) -> str:
        return f"{self.streams}.{self.place[EVENTS]}.{self.place[CAMERAS]}"


def read_position(text: str) -> Position:
    """The position of an id. Raises BadId."""
    match = _ID.fullmatch(text)
    if match is None:
        raise BadId
    return Position(match["streams"], (int(match["events"]), int(match["cameras"])))


def name_streams(*incarnations: str) -> str:
    """A short name of these very streams: one that was made anew under the same name gives another."""
    return hashlib.blake2b("|".join(incarnations).encode(), digest_size=4).hexdigest()


def later(one: Place, other: Place) -> Place:
    """What is known by whoever knows both."""
    return max(one[EVENTS], other[EVENTS]), max(one[CAMERAS], other[CAMERAS])
