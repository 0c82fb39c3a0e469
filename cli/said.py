"""How things are said on a terminal: lines, columns, and in whose language. Pure."""

import unicodedata
from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Literal
from zoneinfo import ZoneInfo

Language = Literal["ko", "en"]
_WIDEST = 40
"""A column is no wider for the sake of one long cell."""


def line(glyph: str, word: str, text: str) -> str:
    """A line of what was done."""
    return f"{glyph} {word:<9} {text}"


def plain(text: str) -> str:
    """What others wrote may not move the cursor or colour the terminal."""
    return "".join(letter if letter.isprintable() else "·" for letter in text)


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows of cells as aligned lines; Hangul takes two columns of a terminal."""
    widths = [min(max(map(_width, column)), _WIDEST) for column in zip(*rows, strict=True)]
    return ["  ".join(map(_filled, map(plain, row), widths)).rstrip() for row in rows]


def language(environment: Mapping[str, str]) -> Language:
    """The person's language: the first of these variables that says something."""
    said = next(filter(None, map(environment.get, ("LC_ALL", "LC_MESSAGES", "LANG"))), "")
    return "ko" if said.startswith("ko") else "en"


def in_language(text: object, wanted: Language) -> str:
    """A text in this language, or in the other one where there is none."""
    said: Mapping[str, object] = text if isinstance(text, Mapping) else {}
    return str(said.get(wanted) or said.get("en") or said.get("ko") or "")


def zone_of(name: object) -> tzinfo | None:
    """The zone of this name; None, which is that of this machine, for one that is not known here."""
    try:
        return ZoneInfo(str(name))
    except (OSError, ValueError, LookupError):
        return None


def moment(text: object, zone: tzinfo | None, form: str = "%Y-%m-%d %H:%M:%S %Z") -> str:
    """A moment of the API in a zone; a question mark for what is none."""
    at = read_moment(text)
    try:
        return at.astimezone(zone).strftime(form) if at else "?"
    except OverflowError:
        return "?"


def read_moment(text: object) -> datetime | None:
    """The moment that the API wrote, or None."""
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return at if at.tzinfo else None


def length(seconds: float) -> str:
    """How long, as people say it: `0.8 s`, `5 min`, `3 h`, `2 d`."""
    for unit, size, upto in (("s", 1, 100), ("min", 60, 6000), ("h", 3600, 172_800)):
        if abs(seconds) < upto:
            return f"{seconds / size:.1f} {unit}" if unit == "s" and seconds % 1 else f"{seconds / size:.0f} {unit}"
    return f"{seconds / 86_400:.0f} d"


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def _filled(text: str, width: int) -> str:
    return text + " " * (width - _width(text))
