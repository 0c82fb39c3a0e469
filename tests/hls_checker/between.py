"""The rules between two versions of a playlist, one after the other."""

from collections.abc import Iterator
from dataclasses import dataclass

from tests.hls_checker.reading import Document, Entry
from tests.hls_checker.rules import Finding, Rule, Terms
from tests.hls_checker.within import at

_BACKLOG = 2
"""Segments that are under way when a version is seen: one is open, one is being closed."""


def between(before: Document, after: Document, terms: Terms, began: float, ended: float) -> Iterator[Finding]:
    """What the second version may not have changed; it was seen `ended`, the first one first `began`."""
    targets = [one.number("EXT-X-TARGETDURATION") for one in (before, after)]
    if None not in targets and targets[0] != targets[1]:
        yield Finding("target.changed", f"TARGETDURATION was {targets[0]} and is {targets[1]}")
    if not (before.entries and after.entries) or before.sequence is None or after.sequence is None or after.cut:
        return
    if after.sequence < before.sequence:
        yield Finding("sequence.back", f"MEDIA-SEQUENCE went back from {before.sequence} to {after.sequence}")
        return
    pair = _Pair(before, after, before.sequence, after.sequence)
    if before.ended and (before.entries != after.entries or not after.ended):
        goes_on = pair.last_after > pair.last_before if terms.dvr else after.sequence > pair.last_before
        if not goes_on:
            yield Finding("changed.ended", f"sequence {before.sequence} to {pair.last_before} had ended, and changed")
            return
        if not terms.dvr:
            return
    yield from pair.segments()
    order = list(pair.order())
    yield from order
    if not order:
        yield from pair.removed(terms)
        yield from pair.jump(terms, began, ended)


@dataclass(frozen=True, slots=True)
class _Pair:
    before: Document
    after: Document
    first_before: int
    first_after: int

    @property
    def last_before(self) -> int:
        return self.first_before + len(self.before.entries) - 1

    @property
    def last_after(self) -> int:
        return self.first_after + len(self.after.entries) - 1

    def common(self) -> dict[str, tuple[tuple[int, Entry], tuple[int, Entry]]]:
        """URIs of both versions, with number and entry in each; of one that stands twice the first."""
        old, new = (
            {one.uri: (number, one) for number, one in reversed(list(document.numbered()))}
            for document in (self.before, self.after)
        )
        return {uri: (old[uri], new[uri]) for uri in old if uri in new}

    def segments(self) -> Iterator[Finding]:
        """What is said of one segment stays said."""
        for (_, old), (_, new) in self.common().values():
            changes: tuple[tuple[Rule, object, object], ...] = (
                ("changed.pdt", old.began_ms or old.pdt, new.began_ms or new.pdt),
                ("changed.extinf", old.extinf, new.extinf),
                ("changed.gap", old.gap, new.gap),
                ("changed.discontinuity", old.discontinuity, new.discontinuity),
            )
            for rule, was, now in changes:
                if was != now:
                    yield at(new, rule, f"was {was}, is {now}")

    def order(self) -> Iterator[Finding]:
        """Sequence numbers stick to segments, which leave at the beginning and come at the end only."""
        moves = {now - was for (was, _), (now, _) in self.common().values()}
        if len(moves) > 1:
            yield Finding("changed.hole", f"the middle of {self.first_before} to {self.last_before} changed")
        elif moves - {0}:
            gone, by = self.first_after - self.first_before - moves.pop(), self.first_after - self.first_before
            yield Finding("sequence.advance", f"{gone} segments were removed, MEDIA-SEQUENCE advanced by {by}")
        else:
            old = dict(self.before.numbered())
            for number, new in self.after.numbered():
                if number in old and old[number].uri != new.uri:
                    yield at(new, "changed.uri", f"sequence number {number} was {old[number].uri[:60]}")
            if self.last_after < self.last_before:
                yield Finding("changed.tail", f"the list ended with {self.last_before}, now with {self.last_after}")

    def removed(self, terms: Terms) -> Iterator[Finding]:
        """What left was old enough, enough is left, and its discontinuities are counted (a jump may be another run)."""
        gone = [(number, one) for number, one in self.before.numbered() if number < self.first_after]
        if self.first_after > self.last_before + 1:
            return
        left = sum(one.seconds or 0 for one in self.after.entries)
        early = [one for number, one in gone if number > self.last_after - terms.listed and not one.gap]
        if gone and not self.after.ended and not self.before.ended and left < 3 * terms.target:
            yield Finding("window.short", f"{left:g} s are left after a removal, {3 * terms.target} are the least")
        elif early:
            yield at(early[0], "window.count", f"was removed while it was among the last {terms.listed}")
        was, now = (one.number("EXT-X-DISCONTINUITY-SEQUENCE") or 0 for one in (self.before, self.after))
        left_list = sum(one.discontinuity for _, one in gone)
        if now != was + left_list:
            yield Finding(
                "discontinuity.sequence", f"{left_list} left the list, but the number went from {was} to {now}"
            )

    def jump(self, terms: Terms, began: float, ended: float) -> Iterator[Finding]:
        """Segments that were never listed: no clock runs so fast that they came and went between two looks."""
        more, seconds = self.last_after - self.last_before, ended - began
        possible = (seconds + terms.seconds_late) * terms.speed / terms.target + _BACKLOG
        excused = terms.excused_seconds(began, ended) > 0
        if self.first_after > self.last_before + 1 and more > possible and not excused:
            text = (
                f"the list ended with {self.last_before}, and {seconds:.1f} s later it begins with {self.first_after}"
            )
            yield Finding("list.jump", text)
