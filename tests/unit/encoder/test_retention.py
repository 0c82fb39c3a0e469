"""What retention may delete: oldest first, never much at once, never what no fact tells of."""

import random
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libs.contracts.facts import SegmentClosed, SegmentExpired, SegmentMissed
from libs.contracts.slots import hls_first_slot, moment, slot_at, slot_start_ms
from libs.media import archive_name, media_key
from services.encoder.retention_plan import (
    DAY_MS,
    GRACE,
    YOUNGEST_MS,
    Archive,
    Ledger,
    Limits,
    Old,
    Stock,
    aged,
    old_segments,
    shared,
    suspicious,
    to_expire,
)
from services.encoder.settings import Settings

FPS, WINDOW = 5, 3000
NOW = 1_794_000_600_000
"""A window's end, in November 2026."""
NOW_SLOT = slot_at(NOW, FPS)
NEWEST = NOW // 10_000 - 1


def closed(windows_ago: int, size: int = 100, camera: str = "a", frames: int = WINDOW) -> SegmentClosed:
    """The archive that ended so many windows ago (with less `frames`: the first of its window's slots)."""
    first = NOW_SLOT - (windows_ago + 1) * WINDOW
    began = moment(slot_start_ms(first, FPS))
    return SegmentClosed(
        segment_id="x", first_slot=first, frames=frames, fps=FPS, captured_frames=frames, held_frames=0, gaps=(),
        complete=True, started_at=began, ended_at=moment(slot_start_ms(first + frames, FPS)), width=64, height=48,
        media_key=media_key(camera, "archive", archive_name(began)), bytes=size, sha256="", previous_sha256=None,
    )  # fmt: skip


def expired(of: SegmentClosed, reason: str = "age") -> SegmentExpired:
    return SegmentExpired(first_slot=of.first_slot, fps=of.fps, media_key=of.media_key, reason=reason)


def stock(*facts: SegmentClosed, camera: str = "a", days: int | None = 1, segments: set[int] | None = None) -> Stock:
    """Everything that facts tell of stands on disk."""
    ledger = Ledger(camera)
    for fact in facts:
        ledger.learn(fact)
    names = frozenset(archive.name for archive in ledger.archives.values())
    return Stock(ledger, days, names, frozenset(segments or ()))


def ages(chosen: Sequence[tuple[Archive, str]]) -> list[tuple[str, int, str]]:
    """(camera, windows ago, reason) of what was chosen."""
    return [(one.camera, (NOW - one.ended_ms) // 600_000, reason) for one, reason in chosen]


def test_an_archive_goes_when_its_last_picture_is_as_old_as_the_camera_keeps() -> None:
    days = stock(closed(143), closed(144), closed(145))
    assert ages(to_expire([days], NOW, 0, 20)) == [("a", 145, "age"), ("a", 144, "age")]
    assert ages(to_expire([days], NOW - 1, 0, 20)) == [("a", 145, "age")]
    assert to_expire([replace(days, days=2)], NOW, 0, 20) == []
    assert to_expire([replace(days, days=None)], NOW, 0, 20) == [], "nobody knows how long it is kept"


def test_a_pass_takes_the_oldest_of_all_cameras_and_no_more_than_its_budget() -> None:
    both = [stock(closed(200), closed(202)), stock(*(closed(at, camera="b") for at in (201, 203)), camera="b")]
    assert ages(to_expire(both, NOW, 0, 3)) == [("b", 203, "age"), ("a", 202, "age"), ("b", 201, "age")]


def test_for_space_the_oldest_go_until_it_is_enough_and_none_younger_than_an_hour() -> None:
    both = [
        stock(*(closed(at) for at in (3, 8, 90)), days=30),
        stock(*(closed(at, camera="b") for at in (5, 6, 50)), camera="b", days=30),
    ]
    assert ages(to_expire(both, NOW, 150, 20)) == [("a", 90, "space"), ("b", 50, "space")]
    everything = to_expire(both, NOW, 10**9, 20)
    assert ages(everything) == [(camera, at, "space") for camera, at in (("a", 90), ("b", 50), ("a", 8), ("b", 6))]
    assert len(to_expire(both, NOW, 10**9, 3)) == 3


def test_what_goes_by_age_counts_for_space_too() -> None:
    aging = stock(closed(10), closed(150), closed(160))
    assert ages(to_expire([aging], NOW, 200, 20)) == [("a", 160, "age"), ("a", 150, "age")]
    assert ages(to_expire([aging], NOW, 201, 20)) == [("a", 160, "age"), ("a", 150, "age"), ("a", 10, "space")]


def test_an_archive_that_is_gone_already_makes_no_room() -> None:
    missing = replace(stock(closed(10), closed(20), days=30), archives=frozenset())
    assert to_expire([missing], NOW, 100, 20) == []


@pytest.mark.parametrize(
    ("free", "total", "refused", "lacking"),
    [
        (3 << 30, 100 << 30, False, 0),
        (1 << 30, 100 << 30, False, 1 << 30),
        (1 << 20, 8 << 20, False, 0),
        (0, 8 << 20, False, (8 << 20) // 10),
        (3 << 30, 100 << 30, True, 1),
        (0, 100 << 30, True, 2 << 30),
    ],
)
def test_two_gibibytes_are_kept_free_but_never_more_than_a_tenth(
    free: int, total: int, refused: bool, lacking: int
) -> None:
    assert max(0, Limits().lacking(free, total, refused=refused)) == lacking


def test_more_than_half_at_once_is_suspicious() -> None:
    assert not suspicious(stock(), NOW)
    assert not suspicious(stock(closed(200), closed(10)), NOW)
    assert suspicious(stock(closed(200), closed(300), closed(10)), NOW)
    year = [closed(at) for at in range(100)]
    jumped = NOW + 365 * DAY_MS
    assert suspicious(stock(*year, days=30), jumped)
    assert len(to_expire([stock(*year, days=30)], jumped, 0, Limits().archives)) == 20


def test_without_a_closed_fact_or_after_an_expired_one_nothing_is_known_to_go() -> None:
    ledger, data = Ledger("a"), closed(200)
    ledger.learn(expired(data))
    ledger.learn(data)
    assert (ledger.archives, list(ledger.expired)) == ({}, [data.first_slot])
    names = frozenset({archive_name(moment(NOW)), data.media_key.rsplit("/", 1)[-1], "notes.txt"})
    assert Stock(ledger, 1, names).untold() == 1


@pytest.mark.parametrize(
    "key",
    [
        "b/archive/archive_20260302_050000Z.mp4",
        "a/archive/archive_20269902_050000Z.mp4",
        "a/archive/../../x",
        "a/archive/a.mp4",
        "a/archive/",
        "a/hls/a_1.ts",
        "",
    ],
)
def test_a_key_that_is_no_archive_of_the_camera_is_never_followed(key: str) -> None:
    ledger, data = Ledger("a"), closed(200).model_copy(update={"media_key": key})
    ledger.learn(data)
    ledger.learn(expired(data))
    assert (ledger.archives, ledger.expired) == ({}, {})


def behind(count: int) -> int:
    """The index so many places behind the newest."""
    return NEWEST - count


def test_segments_behind_the_two_hours_go_once_a_fact_tells_of_them() -> None:
    last = 720 + GRACE
    present = {NEWEST, behind(last - 1), behind(last), behind(last + 1), behind(900)}
    told = stock(closed(at := 12, frames=WINDOW), days=30, segments=present)
    covered = {behind(at * 60 + place) for place in range(60)}
    assert old_segments(told, NOW).archived == tuple(sorted(covered & {behind(last), behind(last + 1)}))
    assert old_segments(told, NOW).abandoned == ()


def test_a_missed_window_covers_its_segments_too() -> None:
    slate = stock(days=30, segments={NEWEST, behind(800), behind(801)})
    slate.ledger.learn(SegmentMissed(first_slot=hls_first_slot(behind(800), FPS), frames=50, fps=FPS, reason="x"))
    assert old_segments(slate, NOW) == Old((behind(800),))


def test_a_foreign_number_in_the_future_makes_nothing_old() -> None:
    recent = stock(closed(1), closed(0), days=30, segments={NEWEST, behind(100), NEWEST + 2, 999_999_999_999})
    assert old_segments(recent, NOW) == Old()


def test_the_last_two_hours_of_a_stopped_camera_go_when_their_time_has_passed() -> None:
    stopped = stock(closed(144), segments={behind(144 * 60), behind(144 * 60 + 59), behind(145 * 60), behind(143 * 60)})
    found = old_segments(stopped, NOW)
    assert found.archived == (behind(144 * 60 + 59), behind(144 * 60))
    assert (found.abandoned, found.waiting) == ((), (behind(145 * 60),)), "in no archive yet: it stays"


def test_a_segment_that_waits_for_its_archive_stays_however_old_it_is() -> None:
    old = stock(segments={NEWEST, *map(behind, range(9000, 9010))})
    spoilt = frozenset(map(behind, (9003, 9009, 9900)))
    waiting = tuple(behind(at) for at in range(9009, 8999, -1))
    assert old_segments(old, NOW) == Old(waiting=waiting)
    found = old_segments(replace(old, abandoned=spoilt), NOW)
    assert found.abandoned == (behind(9009), behind(9003)), "nobody can read them: nothing waits for them"
    assert set(found.waiting) == set(waiting) - spoilt
    assert old_segments(replace(old, abandoned=None), NOW) == Old(abandoned=waiting), "the camera was removed"
    assert old_segments(replace(old, abandoned=spoilt, days=30), NOW) == Old(), "its time has not passed"


def test_the_budget_of_segments_goes_to_the_oldest_of_all_cameras() -> None:
    assert shared([("a", [1, 5, 9]), ("b", [2, 3])], 4) == {"a": [1, 5], "b": [2, 3]}
    assert shared([("a", [1])], 0) == {}


def test_the_settings_reach_the_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings().limits == Limits()
    monkeypatch.setenv("MIN_FREE_BYTES", "5")
    monkeypatch.setenv("RETENTION_ARCHIVES_PER_PASS", "6")
    monkeypatch.setenv("RETENTION_SEGMENTS_PER_PASS", "7")
    assert Settings().limits == Limits(5, 6, 7)


sites = st.lists(
    st.tuples(st.sets(st.integers(0, 300), max_size=30), st.sampled_from([None, 1, 2])), min_size=1, max_size=3
).map(
    lambda cameras: [
        stock(*(closed(at, 10 + at % 7, str(number)) for at in sorted(windows)), camera=str(number), days=days)
        for number, (windows, days) in enumerate(cameras)
    ]
)


@settings(deadline=None)
@given(sites, st.integers(-100, 1000), st.integers(0, 30))
def test_a_pass_is_bounded_oldest_first_and_takes_no_more_than_it_must(
    stocks: list[Stock], lacking: int, budget: int
) -> None:
    chosen = to_expire(stocks, NOW, lacking, budget)
    by_age, for_space = ([one for one, why in chosen if why == reason] for reason in ("age", "space"))
    assert len(chosen) <= budget
    assert len({(one.camera, one.first_slot) for one, _ in chosen}) == len(chosen)
    every_aged = sorted(one.ended_ms for stock in stocks for one in aged(stock, NOW))
    assert [one.ended_ms for one in by_age] == every_aged[:budget]
    assert not for_space or len(by_age) == len(every_aged), "space comes after age"
    assert all(one.ended_ms + YOUNGEST_MS <= NOW for one in for_space)
    assert not for_space or sum(one.bytes for one in [*by_age, *for_space[:-1]]) < lacking, "no more than it must"
    rest = {one for stock in stocks for one in stock.ledger.archives.values()} - {one for one, _ in chosen}
    assert all(one.ended_ms <= other.ended_ms for one in for_space for other in rest)
    if sum(one.bytes for one, _ in chosen) < lacking and len(chosen) < budget:
        assert all(one.ended_ms + YOUNGEST_MS > NOW for one in rest), "what is left is too young"


@settings(deadline=None)
@given(
    st.sets(st.integers(0, 20_000), max_size=40),
    st.sets(st.integers(0, 333), max_size=200),
    st.sampled_from([None, 1, 30]),
    st.one_of(st.none(), st.frozensets(st.integers(NEWEST - 20_000, NEWEST), max_size=40)),
)
def test_no_segment_goes_that_is_listed_or_waits_for_an_archive(
    ago: set[int], windows: set[int], days: int | None, abandoned: frozenset[int] | None
) -> None:
    held = stock(*(closed(at) for at in windows), days=days, segments={behind(at) for at in ago})
    found = old_segments(replace(held, abandoned=abandoned), NOW)
    newest = max(held.segments, default=0)
    for index in (*found.archived, *found.abandoned):
        timed_out = held.too_old((index + 1) * 10_000, NOW)
        assert index in held.segments
        assert timed_out or index < newest - 720
        assert ((NEWEST - index) // 60 in windows) == (index in found.archived)
        assert index in found.archived or (timed_out and (abandoned is None or index in abandoned))
    assert not set(found.waiting) & {*found.archived, *found.abandoned}


@settings(deadline=None)
@given(st.lists(st.integers(0, 20), max_size=12), st.data())
def test_facts_that_come_again_or_after_a_rewind_change_nothing(history: list[int], data: st.DataObject) -> None:
    facts: list[SegmentClosed | SegmentExpired] = []
    for windows_ago in history:
        fact = closed(windows_ago)
        facts.append(expired(fact) if fact in facts else fact)
    once, again = Ledger("a"), Ledger("a")
    for one in facts:
        once.learn(one)
        again.learn(one)
    for one in facts[data.draw(st.integers(0, len(facts))) :]:
        again.learn(one)
    assert again == once


def test_a_ledger_remembers_what_is_covered_for_four_weeks_and_no_more() -> None:
    ledger, order = Ledger("a"), list(range(4100))
    random.Random(7).shuffle(order)
    for at in order:
        ledger.learn(SegmentMissed(first_slot=at * WINDOW, frames=WINDOW, fps=FPS, reason="x"))
    assert len(ledger.covered) == 4000
    assert min(ledger.covered) == 100 * 60
