"""The rules within one version of a playlist."""

from collections.abc import Iterator

from tests.hls_checker.reading import REQUIRED, Document, Entry
from tests.hls_checker.rules import Finding, Rule, Terms

_ROUNDED = 0.0006
"""EXTINF is written with three decimals."""


def within(document: Document, terms: Terms) -> Iterator[Finding]:
    """What is wrong with one version, each fault under one name: what follows from it is not told again."""
    yield from document.flaws
    yield from _head(document, terms)
    yield from _names(document, terms)
    sound = {}
    for entry in document.entries:
        flaw = _extinf(entry, document, terms)
        sound[entry.line] = flaw is None
        if flaw:
            yield flaw
    yield from _times(document, terms, sound)


def slots_of(entry: Entry, fps: int) -> tuple[int, int] | None:
    """First slot and number of slots of a segment by its tags, when both can be read."""
    if entry.began_ms is None or entry.seconds is None:
        return None
    return entry.began_ms * fps // 1000, round(entry.seconds * fps)


def at(entry: Entry, rule: Rule, text: str) -> Finding:
    """A finding at a segment."""
    return Finding(rule, f"{entry.uri[:60]}: {text}", f"line {entry.line}")


def _head(document: Document, terms: Terms) -> Iterator[Finding]:
    if not document.cut:
        for name in REQUIRED:
            if name not in document.head:
                yield Finding("tag.missing", f"there is no #{name}")
        if not document.entries:
            yield Finding("list.empty", "no segment is listed")
    for name, value in (("EXT-X-VERSION", terms.version), ("EXT-X-TARGETDURATION", terms.target)):
        found = document.number(name)
        if found not in (None, value):
            yield Finding("tag.value", f"#{name} is {found}, not {value}")
    version = document.number("EXT-X-VERSION")
    if version is not None and version < 3 and any("." in (one.extinf or "") for one in document.entries):
        yield Finding("extinf.version", f"decimals in EXTINF with VERSION {version}")


def _names(document: Document, terms: Terms) -> Iterator[Finding]:
    seen: set[str] = set()
    before: int | None = None
    for entry in document.entries:
        camera, index = entry.named or ("", None)
        if index is None or (terms.camera and camera != terms.camera):
            yield at(entry, "uri.name", f"is no segment of {terms.camera or 'a camera'}")
            index = None
        elif entry.uri in seen:
            yield at(entry, "uri.twice", "is listed twice")
            index = None
        elif entry is document.entries[0] and document.sequence not in (None, index):
            yield at(entry, "sequence.name", f"is the first, but MEDIA-SEQUENCE is {document.sequence}")
        elif before is not None and index != before + 1:
            yield at(entry, "index.row", f"stands after index {before}")
        seen.add(entry.uri)
        before = index
    places = len(document.entries)
    if places > terms.listed:
        yield Finding("window.count", f"{places} places are listed, {terms.listed} are the most")


def _extinf(entry: Entry, document: Document, terms: Terms) -> Finding | None:
    target = document.number("EXT-X-TARGETDURATION") or terms.target
    if entry.extinf is None:
        return at(entry, "extinf.missing", "has no EXTINF")
    if entry.seconds is None:
        return at(entry, "extinf.form", f"EXTINF is {entry.extinf[:40]!r}")
    if entry.seconds < 0:
        return at(entry, "extinf.negative", f"EXTINF is {entry.extinf}")
    if entry.seconds > target:
        return at(entry, "extinf.over", f"EXTINF {entry.seconds:g} is over the target {target}")
    frames = round(entry.seconds * terms.fps)
    if frames < 1 or abs(entry.seconds - frames / terms.fps) > _ROUNDED:
        return at(entry, "extinf.frames", f"EXTINF {entry.seconds:g} is no whole number of pictures")
    return None


def _times(document: Document, terms: Terms, sound: dict[int, bool]) -> Iterator[Finding]:
    """Per segment the first fault of its time only; a segment after a faulty one is not measured against it."""
    newest, before = -1, None
    for entry in document.entries:
        flaw = _moment(entry, newest, terms) or (_span(entry, before, terms) if sound[entry.line] else None)
        if flaw:
            yield flaw
        newest = max(newest, entry.began_ms or -1)
        before = entry if flaw is None and sound[entry.line] else None


def _moment(entry: Entry, newest: int, terms: Terms) -> Finding | None:
    """A time that is none, that goes backwards, or that begins no slot."""
    began = entry.began_ms
    if entry.pdt is None:
        return at(entry, "pdt.missing", "has no PROGRAM-DATE-TIME")
    if began is None:
        return at(entry, "pdt.form", f"PROGRAM-DATE-TIME is {entry.pdt[:40]!r}")
    if began < newest:
        return at(entry, "pdt.backwards", f"{entry.pdt} is before the segment before it")
    slot = began * terms.fps // 1000
    if began != -(-slot * 1000 // terms.fps):
        return at(entry, "pdt.slot", f"{entry.pdt} lies within slot {slot}")
    return None


def _span(entry: Entry, before: Entry | None, terms: Terms) -> Finding | None:
    """Slots outside the index, a gap that is none, or a hole in a run (the two-hour playlist lists many runs)."""
    slots, named = slots_of(entry, terms.fps), entry.named
    if slots is None or named is None:
        return None
    first, frames = slots
    inside = first // terms.whole == named[1] == (first + frames - 1) // terms.whole
    if entry.gap and not terms.dvr:
        return at(entry, "gap.place", "is a gap in the live playlist")
    if entry.gap and (first, frames) != (named[1] * terms.whole, terms.whole):
        return at(entry, "gap.place", "is a gap and no whole segment")
    if not inside:
        return at(entry, "pdt.index", f"slots {first} to {first + frames - 1} do not lie in its index")
    earlier = slots_of(before, terms.fps) if before and before.named == (named[0], named[1] - 1) else None
    if earlier and not terms.dvr and sum(earlier) != first:
        return at(entry, "pdt.hole", f"begins at slot {first}, and the one before it ended with {sum(earlier) - 1}")
    return None
