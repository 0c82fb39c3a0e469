"""The live playlist checker: a history of one playlist in, findings out. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

from tests.hls_checker.between import between
from tests.hls_checker.files import File, against_files
from tests.hls_checker.history import History
from tests.hls_checker.reading import Document, read
from tests.hls_checker.rules import Finding, Terms
from tests.hls_checker.within import within


@dataclass(frozen=True, slots=True)
class _Version:
    number: int
    at: float
    document: Document


def check(history: History, terms: Terms | None = None, files: Iterable[File] | None = None) -> list[Finding]:
    """Every breach once, where it was seen first; with `files` (one may be there several times) those of files too."""
    terms = terms or Terms()
    versions = [_Version(number, seen.at, read(seen.text)) for number, seen in enumerate(history.versions, 1)]
    terms = terms if terms.camera else replace(terms, camera=_camera(versions))
    found: dict[tuple[str, str], Finding] = {}
    for finding in _all(versions, history, terms, files):
        found.setdefault((finding.rule, finding.text), finding)
    return list(found.values())


def _all(versions: list[_Version], history: History, terms: Terms, files: Iterable[File] | None) -> Iterator[Finding]:
    began = versions[0].at if versions else 0.0
    for one in versions:
        for finding in within(one.document, terms):
            yield _placed(finding, one, began)
    for one, two in pairwise(versions):
        for finding in between(one.document, two.document, terms, one.at, two.at):
            yield _placed(finding, two, began)
    yield from _stale(versions, history.until, terms)
    gone = [when for when, status, _ in history.refusals if status in (404, 410) and versions and when > began]
    if gone:
        yield Finding("list.gone", "the playlist was there and is not found any more", f"after {gone[0] - began:.1f} s")
    if files is not None:
        yield from against_files([one.document for one in versions], files, terms)


def _placed(finding: Finding, version: _Version, began: float) -> Finding:
    where = f"version {version.number}, {version.at - began:.1f} s" + (f", {finding.where}" if finding.where else "")
    return replace(finding, where=where)


def _camera(versions: list[_Version]) -> str:
    named = (entry.named for one in versions for entry in one.document.entries)
    return next((name[0] for name in named if name), "")


def _stale(versions: list[_Version], until: float, terms: Terms) -> Iterator[Finding]:
    """Spans without a new segment; a list that has ended owes none until the next run is listed."""
    newest, since, owing = -1, 0.0, False
    for one in [*versions, None]:
        now = one.at if one else until
        waited = now - since - terms.excused_seconds(since, now) if owing else 0.0
        if waited > terms.patience and (one is None or _last(one) > newest or one.document.ended):
            text = f"no new segment after {newest} for {waited:.1f} s, {terms.patience:.1f} s are the most"
            yield Finding("list.stale", text)
        if one and (_last(one) > newest or one.document.ended):
            newest, since = max(newest, _last(one)), one.at
        owing = not one.document.ended if one else owing


def _last(version: _Version) -> int:
    """The newest sequence number; versions that cannot be read gain nothing."""
    sequence, count = version.document.sequence, len(version.document.entries)
    return sequence + count - 1 if sequence is not None and count else -1
