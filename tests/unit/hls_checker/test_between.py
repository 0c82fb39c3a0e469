"""Every fault between two versions is found under its own name, beside nothing but what it implies by the contract."""

from dataclasses import replace
from typing import get_args

import pytest

from tests.hls_checker import History, Rule, Terms, check
from tests.unit.hls_checker.lists import FIRST, Item, Run, full, live, story, text

SIX, NEXT = full(6), full(6, FIRST + 1)
SEAM = [replace(one, seam=place == 0) for place, one in enumerate(SIX)]
MIDDLE_SEAM = [replace(one, seam=place == 2) for place, one in enumerate(NEXT)]
RENAMED = [replace(one, name=f"camera-1_{one.index}-b.ts" if place == 2 else "") for place, one in enumerate(NEXT)]
SHORT_RUN = [Item(FIRST, FIRST * 50 + 10, 15)]


def shifted(items: list[Item], slots: int) -> list[Item]:
    """The same segments, at another time."""
    return [replace(one, slot=one.slot + slots) for one in items]


MEASURED: list[tuple[str, str, str, set[Rule]]] = [
    ("the sequence goes back", text(NEXT), text(SIX), {"sequence.back"}),
    # The contract ties the sequence to the first name, so that follows.
    ("removed without advance", text(SIX), text(NEXT, sequence=FIRST), {"sequence.advance", "sequence.name"}),
    # The contract fixes the target at 10.
    ("target changed", text(SIX), text(NEXT).replace("N:10", "N:12"), {"target.changed", "tag.value"}),
    # The contract makes names from the index.
    ("segment renamed", text(SIX), text(RENAMED), {"changed.uri", "uri.name"}),
    ("time shifted", text(SHORT_RUN), text(shifted(SHORT_RUN, 3)), {"changed.pdt"}),
    # Whole segments fill their index, so a shift leaves it.
    ("times shifted", text(SIX), text(shifted(NEXT, 1)), {"changed.pdt", "pdt.index"}),
    # Names and sequence numbers are one, so a hole in one version is one already.
    ("hole in the middle", text(SIX), text(SIX[:2] + SIX[3:] + full(1, FIRST + 6)), {"changed.hole", "index.row"}),
]
"""Pairs that parsers of others were measured with: all of them let all of these pass."""

OURS: list[tuple[str, str, str, set[Rule]]] = [
    (
        "one removed, advanced by two",
        text(SIX),
        text(NEXT, sequence=FIRST + 2),
        {"sequence.advance", "sequence.name"},
    ),
    ("duration changed", text([*SIX[:5], replace(SIX[5], frames=49)]), text(NEXT), {"changed.extinf"}),
    ("discontinuity added", text(SIX), text(MIDDLE_SEAM), {"changed.discontinuity"}),
    ("the end is shorter", text(SIX), text(SIX[:5]), {"changed.tail"}),
    ("goes on after the end", text(SIX[:3], ended=True), text(SIX[:4]), {"changed.ended"}),
    ("the end is taken back", text(SIX[:3], ended=True), text(SIX[:3]), {"changed.ended"}),
    ("a new run lists the old one", text(SIX[:3], ended=True), text(SIX[2:5]), {"changed.ended"}),
    ("a new run begins lower", text(NEXT, ended=True), text(full(1, FIRST - 9)), {"sequence.back"}),
    ("a discontinuity leaves uncounted", text(SEAM), text(NEXT), {"discontinuity.sequence"}),
    ("none left, and it is counted", text(SIX), text(NEXT, left=1), {"discontinuity.sequence"}),
    ("one that stays is counted", text(SEAM), text(SEAM, left=1), {"discontinuity.sequence"}),
    ("two segments are left", text(SIX), text(SIX[4:]), {"window.short"}),
    ("five segments are left", text(SIX), text(SIX[1:]), {"window.count"}),
    ("a segment was never listed", text(SIX), text(full(6, FIRST + 7)), {"list.jump"}),
]

DVR: list[tuple[str, list[Item], list[Item], set[Rule]]] = [
    ("a gap is filled", [SIX[0], replace(SIX[1], gap=True), SIX[2]], SIX[:3], {"changed.gap"}),
    ("a segment becomes a gap", SIX[:3], [SIX[0], replace(SIX[1], gap=True), *SIX[2:4]], {"changed.gap"}),
    ("removed too early", SIX, NEXT, {"window.count"}),
    ("almost all removed", SIX, SIX[4:], {"window.short"}),
    ("a run later, all the rest stays", SIX[:2], [*SIX[:2], replace(SIX[2], gap=True), SIX[3]], set()),
]


def rules(history: History, terms: Terms | None = None) -> set[Rule]:
    return {finding.rule for finding in check(history, terms)}


@pytest.mark.parametrize(("what", "before", "after", "expected"), MEASURED + OURS, ids=[p[0] for p in MEASURED + OURS])
def test_a_fault_is_found_under_its_name(what: str, before: str, after: str, expected: set[Rule]) -> None:
    assert rules(story(before)) == set()
    assert rules(story(before, after)) == expected, what


@pytest.mark.parametrize(("what", "before", "after", "expected"), DVR, ids=[pair[0] for pair in DVR])
def test_two_hours(what: str, before: list[Item], after: list[Item], expected: set[Rule]) -> None:
    pair = (text(before, dvr=True, ended="later" in what), text(after, dvr=True))
    assert rules(story(*pair), Terms(dvr=True)) == expected, what


def test_two_hours_end_and_are_taken_back_without_anything_new() -> None:
    pair = (text(SIX, dvr=True, ended=True), text(SIX, dvr=True))
    assert rules(story(*pair), Terms(dvr=True)) == {"changed.ended"}


def test_the_same_fault_in_many_versions_is_told_once_with_the_first() -> None:
    late = [text(full(6, FIRST + step)).replace(":10\n", ":11\n") for step in range(4)]
    findings = check(story(text(full(6, FIRST - 1)), *late))
    assert [(one.rule, one.where) for one in findings] == [
        ("tag.value", "version 2, 10.0 s"),
        ("target.changed", "version 2, 10.0 s"),
    ]


def test_a_segment_that_comes_in_the_middle() -> None:
    assert rules(story(text(SIX[:2] + SIX[3:]), text(SIX))) == {"index.row", "changed.hole"}


def test_a_version_that_is_cut_is_told_as_cut_alone() -> None:
    whole = text(SIX)
    assert rules(story(whole, whole[:-30], text(NEXT))) == {"line.cut"}


@pytest.mark.parametrize(
    ("waits", "speed", "found"),
    [([20.9], 1, False), ([21.1], 1, True), ([10, 10, 22], 1, True), ([6.2], 60, False), ([6.3], 60, True)],
)
def test_a_list_that_gains_nothing_is_stale(waits: list[float], speed: float, found: bool) -> None:
    at, versions = 0.0, [(0.0, text(SIX))]
    for step, wait in enumerate(waits, 1):
        at += wait
        versions.append((at, text(full(6, FIRST + step))))
    expected = {"list.stale"} if found else set()
    assert rules(History.of(versions), Terms(speed=speed)) == expected
    assert rules(History.of(versions[:-1], at), Terms(speed=speed)) == expected, "also when nothing comes any more"
    assert rules(History.of(versions), Terms(speed=speed, excused=((at - 1, at),))) == set()


def test_other_limits_can_be_asked_for() -> None:
    history = History.of([(0, text(SIX)), (13, text(NEXT))])
    assert rules(history, Terms(segments_late=1, seconds_late=2)) == {"list.stale"}


def test_a_version_that_gains_nothing_does_not_make_a_list_fresh() -> None:
    changed = text(SIX).replace("camera-1_", "camera-1_")
    quiet = History.of([(0, text(SIX)), (15, changed + "#EXT-X-ENDLIST\n"), (80, text(full(1, FIRST + 9)))], 90)
    assert rules(quiet) == set(), "a run that is over owes nothing"
    noise = text(SIX).replace("#EXT-X-VERSION:6", "#EXT-X-VERSION:7")
    assert rules(History.of([(0, text(SIX)), (15, noise), (25, text(NEXT))])) == {"list.stale", "tag.value"}


def test_a_playlist_that_vanishes() -> None:
    history = History()
    for at, status, body in ((0, 404, b""), (1, 200, text(SIX).encode()), (2, 503, b"busy"), (3, 0, b"refused")):
        history.add(at, status, body)
    assert rules(history) == set(), "not yet there, or no answer: the playlist may stand well"
    history.add(4, 404, b"")
    assert rules(history) == {"list.gone"}


def test_every_rule_over_time_has_a_fault_here() -> None:
    planted = set[Rule]().union(*(expected for _, _, _, expected in MEASURED + OURS + DVR))
    kinds = ("sequence.", "target.", "changed.", "discontinuity.", "window.", "list.")
    wanted = {rule for rule in get_args(Rule) if rule.startswith(kinds)} - {"list.empty", "list.stale", "list.gone"}
    assert planted >= wanted


def test_faults_of_one_pair_are_found_in_a_long_history() -> None:
    versions = list(live([Run(FIRST * 50, 2000)]))
    shift = [
        (at, one.replace(":40.000Z", ":40.200Z") if place == 20 else one) for place, (at, one) in enumerate(versions)
    ]
    assert {"changed.pdt"} <= rules(History.of(shift))
