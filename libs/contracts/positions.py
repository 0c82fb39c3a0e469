"""Where each queue of files is, as data: what a restarted ingest goes on from, and what a page may show."""

import json
from dataclasses import asdict, dataclass

POSITIONS = "positions"


class BadPosition(ValueError):
    """The bytes are no position."""


@dataclass(frozen=True, slots=True)
class Position:
    """As of `slot`, picture `frame` of `file` was shown last: counted from 0 at `fps`, from the file's beginning.

    `then` is the file after it (empty: none). `begun` is the slot of this file's first picture; before it picture
    `before_frame` of file `before` was shown (empty: nothing was), for what is published is a little older than what
    is shown. `ended`: the list was to be played once, and is over.
    """

    file: str
    frame: int
    slot: int
    fps: int
    then: str = ""
    begun: int = 0
    before: str = ""
    before_frame: int = 0
    ended: bool = False


def position_subject(camera: str) -> str:
    """Where the position of a camera's queue is published."""
    return f"$KV.{POSITIONS}.{camera}"


def encode_position(position: Position) -> bytes:
    """The bytes in the bucket."""
    return json.dumps(asdict(position), ensure_ascii=False).encode()


def decode_position(body: bytes) -> Position:
    """Read the bytes of the bucket; raises BadPosition. Fields that this version does not know are left out."""
    try:
        raw = json.loads(body)
        texts = {name: raw.get(name, "") for name in ("then", "before")} | {"file": raw["file"]}
        numbers = {name: raw.get(name, 0) for name in ("begun", "before_frame")}
        numbers |= {name: raw[name] for name in ("frame", "slot", "fps")}
        ended = raw.get("ended", False)
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as problem:
        raise BadPosition("it cannot be read") from problem
    if not all(type(number) is int and number >= 0 for number in numbers.values()) or numbers["fps"] == 0:
        raise BadPosition("frames, slots and fps are whole numbers")
    if not all(isinstance(text, str) for text in texts.values()) or not isinstance(ended, bool):
        raise BadPosition("files are texts, ended is true or false")
    return Position(**texts, **numbers, ended=ended)
