"""The rules of segments as files, on facts that a decoder found."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from tests.hls_checker.reading import Document, Entry
from tests.hls_checker.rules import Finding, Rule, Terms
from tests.hls_checker.within import slots_of

_MPEG_CLOCK = 90_000
_WRAP = 1 << 33


@dataclass(frozen=True, slots=True)
class File:
    """One `.ts` as it was read: pictures that came out, and per access unit its pts, its dts and its stamped slot.

    `problem`: the decoder's words when it gave up; `damaged`: packets or pictures that it called corrupt.
    """

    name: str
    sha256: str = ""
    pictures: int = 0
    pts: tuple[int | None, ...] = ()
    dts: tuple[int | None, ...] = ()
    slots: tuple[int | None, ...] = ()
    key: bool = True
    params: str = ""
    streams: tuple[str, ...] = ("video",)
    damaged: int = 0
    problem: str = ""

    @property
    def named(self) -> tuple[str, int] | None:
        """Camera and index by the name."""
        return Entry(0, self.name).named

    @property
    def sound(self) -> bool:
        """Does every access unit carry the stamp of the slot after the one before it?"""
        first = self.slots[0] if self.slots else None
        return first is not None and self.slots == tuple(range(first, first + len(self.slots)))


def file_findings(file: File, terms: Terms) -> Iterator[Finding]:
    """What is wrong with one file by itself."""
    named = file.named
    if named is None or (terms.camera and named[0] != terms.camera):
        yield _at(file, "file.name", f"is no segment of {terms.camera or 'a camera'}")
    if file.problem or file.damaged or file.pictures != len(file.slots) or not file.slots:
        text = f"{len(file.slots)} access units, {file.pictures} pictures, {file.damaged} damaged"
        yield _at(file, "file.decode", f"{text} {file.problem}".rstrip())
    if file.problem or not file.slots:
        return
    if file.streams != ("video",):
        yield _at(file, "file.streams", f"its streams are {', '.join(file.streams)}")
    if not file.key:
        yield _at(file, "file.key", "does not begin with a key picture")
    if file.sound:
        yield from _slots(file, [slot for slot in file.slots if slot is not None], terms)
    else:
        yield _at(file, "file.stamps", f"the stamps do not follow one another: {_broken(file.slots)}")


def _slots(file: File, slots: list[int], terms: Terms) -> Iterator[Finding]:
    if file.named and {slot // terms.whole for slot in slots} != {file.named[1]}:
        yield _at(file, "file.name", f"slots {slots[0]} to {slots[-1]} do not belong to its index")
    for slot, pts, dts in zip(slots, file.pts, file.dts, strict=False):
        wanted = slot * _MPEG_CLOCK // terms.fps % _WRAP
        if pts is None or pts % _WRAP != wanted or pts != dts:
            yield _at(file, "file.pts", f"slot {slot} has pts {pts} and dts {dts}, {wanted} is its time")
            return


def _at(file: File, rule: Rule, text: str) -> Finding:
    return Finding(rule, f"{file.name[:60]}: {text}")


def _broken(slots: tuple[int | None, ...]) -> str:
    for place, (one, two) in enumerate(pairwise(slots), 1):
        if one is None or two != one + 1:
            return f"{two} after {one} at picture {place}"
    return "the only picture has none"


def against_files(documents: list[Document], files: Iterable[File], terms: Terms) -> Iterator[Finding]:
    """Files by themselves, over time, and against what the playlist says of them."""
    known: dict[str, File] = {}
    for file in files:
        yield from file_findings(file, terms)
        first = known.setdefault(file.name, file)
        if first.sha256 != file.sha256:
            yield Finding("file.changed", f"{file.name}: its bytes changed")
    for document in documents:
        for entry in document.entries:
            yield from _listed(entry, known.get(entry.uri), terms)
        yield from _seams(document, known)


def _seams(document: Document, known: dict[str, File]) -> Iterator[Finding]:
    """Discontinuities and parameters; the first place has nothing before it to be compared with."""
    before = ""
    for entry in document.entries:
        params = known[entry.uri].params if entry.uri in known and not entry.gap else ""
        if before and params and entry.discontinuity != (params != before):
            word = "a discontinuity, but the same" if entry.discontinuity else "no discontinuity, but other"
            yield Finding("file.params", f"{entry.uri}: {word} parameters than the segment before it")
        before = params or ("" if not entry.gap else before)


def _listed(entry: Entry, file: File | None, terms: Terms) -> Iterator[Finding]:
    if entry.gap:
        if file is not None:
            yield Finding("file.gap", f"{entry.uri}: is listed as a gap and stands as a file")
        return
    if file is None:
        yield Finding("file.missing", f"{entry.uri[:60]}: is listed and not there")
        return
    said = slots_of(entry, terms.fps)
    if said is None or file.problem:
        return
    if file.pictures != said[1]:
        yield Finding("file.frames", f"{entry.uri}: {file.pictures} pictures, {said[1]} by EXTINF")
    if file.slots and file.slots[0] != said[0]:
        yield Finding("file.slot", f"{entry.uri}: begins with slot {file.slots[0]}, by its time with {said[0]}")
