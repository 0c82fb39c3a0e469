"""Reads a media playlist line by line and forgives nothing. Written from RFC 8216, apart from the writer."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal

from tests.hls_checker.rules import Finding, Rule

Kind = Literal["number", "flag", "text"]

HEAD: dict[str, Kind] = {
    "EXT-X-VERSION": "number",
    "EXT-X-TARGETDURATION": "number",
    "EXT-X-MEDIA-SEQUENCE": "number",
    "EXT-X-DISCONTINUITY-SEQUENCE": "number",
    "EXT-X-INDEPENDENT-SEGMENTS": "flag",
}
"""Tags of the list."""

PLACE: dict[str, Kind] = {
    "EXTINF": "text",
    "EXT-X-PROGRAM-DATE-TIME": "text",
    "EXT-X-GAP": "flag",
    "EXT-X-DISCONTINUITY": "flag",
}
"""Tags of one segment."""

REQUIRED = tuple(name for name in HEAD if name != "EXT-X-DISCONTINUITY-SEQUENCE")
END = "EXT-X-ENDLIST"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NUMBER = re.compile(r"[0-9]{1,20}")
_EXTINF = re.compile(r"(-?[0-9]+(?:\.[0-9]+)?),")
_PDT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z")
_NAME = re.compile(r"([a-z0-9-]{1,32})_(0|[1-9][0-9]{0,11})\.ts")


@dataclass(frozen=True, slots=True)
class Entry:
    """One place of the list, as it is written."""

    line: int
    uri: str
    extinf: str | None = None
    pdt: str | None = None
    gap: bool = False
    discontinuity: bool = False

    @property
    def seconds(self) -> float | None:
        """EXTINF, when it is a number."""
        found = _EXTINF.fullmatch(self.extinf or "")
        return float(found[1]) if found else None

    @property
    def began_ms(self) -> int | None:
        """EXT-X-PROGRAM-DATE-TIME in Unix milliseconds, when it has our form and names a moment that there is."""
        if not _PDT.fullmatch(self.pdt or ""):
            return None
        try:
            return (datetime.fromisoformat(self.pdt or "") - _EPOCH) // timedelta(milliseconds=1)
        except ValueError:
            return None

    @property
    def named(self) -> tuple[str, int] | None:
        """Camera and index by the name."""
        found = _NAME.fullmatch(self.uri)
        return (found[1], int(found[2])) if found else None


@dataclass(slots=True)
class Document:
    """A playlist as it is written: the first value of each tag of the list, and what is wrong with its lines."""

    head: dict[str, str] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)
    ended: bool = False
    cut: bool = False
    flaws: list[Finding] = field(default_factory=list)

    def number(self, name: str) -> int | None:
        """A number of the head, None when it is missing or malformed."""
        value = self.head.get(name, "")
        return int(value) if _NUMBER.fullmatch(value) else None

    @property
    def sequence(self) -> int | None:
        """EXT-X-MEDIA-SEQUENCE."""
        return self.number("EXT-X-MEDIA-SEQUENCE")

    def numbered(self) -> Iterator[tuple[int, Entry]]:
        """Each place with its sequence number."""
        yield from enumerate(self.entries, self.sequence or 0)


def read(text: str) -> Document:
    """Every line of a playlist. What a cut took away is told once, as the cut."""
    reader = _Reader()
    lines = text.split("\n")
    if lines[-1] or not text:
        reader.say("line.cut", f"the text ends in mid-line: {lines[-1][-40:]!r}", len(lines))
    for number, line in enumerate(lines[:-1], 1):
        reader.take(number, line)
    if reader.pending and not reader.document.cut:
        reader.say("line.cut", f"the text ends between {', '.join(reader.pending)} and a URI", len(lines) - 1)
    return reader.document


class _Reader:
    def __init__(self) -> None:
        self.document = Document()
        self.pending: dict[str, str] = {}

    def say(self, rule: Rule, text: str, line: int) -> None:
        self.document.cut |= rule == "line.cut"
        self.document.flaws.append(Finding(rule, text, f"line {line}"))

    def take(self, number: int, line: str) -> None:
        if number == 1:
            if line == "#EXTM3U":
                return
            self.say("line.extm3u", f"the first line is {line[:40]!r}", number)
        name, colon, value = line.removeprefix("#").partition(":")
        if self.document.ended:
            self.say("line.order", f"{line[:60]!r} stands after #EXT-X-ENDLIST", number)
        elif line and not line.startswith("#"):
            self._uri(number, line)
        elif not line.startswith("#EXT") or (name not in HEAD and name not in PLACE and name not in (END, "EXTM3U")):
            self.say("line.unknown", f"{line[:60]!r} is no line of ours", number)
        elif name == "EXTM3U":
            self.say("tag.twice", "#EXTM3U stands again", number)
        elif name == END:
            self.document.ended = True
        else:
            self._tag(number, name, value if colon else None)

    def _uri(self, number: int, line: str) -> None:
        tags, self.pending = self.pending, {}
        entry = Entry(
            number, line, tags.get("EXTINF"), tags.get("EXT-X-PROGRAM-DATE-TIME"),
            "EXT-X-GAP" in tags, "EXT-X-DISCONTINUITY" in tags,
        )  # fmt: skip
        self.document.entries.append(entry)

    def _tag(self, number: int, name: str, value: str | None) -> None:
        kind = HEAD.get(name) or PLACE[name]
        if (kind == "flag") != (value is None) or (kind == "number" and not _NUMBER.fullmatch(value or "")):
            self.say("tag.form", f"#{name} has {'no value' if value is None else f'the value {value[:40]!r}'}", number)
        if name in PLACE:
            if name in self.pending:
                self.say("tag.twice", f"#{name} stands twice before one URI", number)
            self.pending[name] = value or ""
            return
        if name in self.document.head:
            self.say("tag.twice", f"#{name} stands twice", number)
        elif self.document.entries or self.pending:
            self.say("line.order", f"#{name} stands after the first segment began", number)
        self.document.head.setdefault(name, value or "")
