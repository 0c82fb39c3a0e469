"""Every minute says what is known of it, and never more."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.query.coverage import MINUTE, Minute, Span, Told, Window, coverage

BEGIN = datetime(2026, 3, 2, tzinfo=UTC)
LATER = BEGIN + timedelta(days=1)


def at(minutes: float) -> datetime:
    return BEGIN + timedelta(minutes=minutes)


def archive(begin: float, end: float, **analysis: str) -> Window:
    return Window(at(begin), at(begin), at(end), **analysis)  # type: ignore[arg-type]


def told(minutes: list[Minute]) -> list[tuple[str, str, str]]:
    return [(minute.recorded, minute.looked, minute.analyzed) for minute in minutes]


def test_nothing_is_known_of_a_minute_without_facts() -> None:
    (minute,) = coverage(BEGIN, at(1), LATER, Told((), (), ()))
    assert told([minute]) == [("no", "no", "no")]
    assert minute.why == {"recorded": "not_recorded", "analyzed": "not_recorded", "looked": "no_look"}


def test_an_open_window_is_awaited_and_only_so_long() -> None:
    assert told(coverage(BEGIN, at(20), at(3), Told((), (), ()))) == [("pending", "no", "pending")] * 3
    assert told(coverage(BEGIN, at(1), at(11.4), Told((), (), ()))) == [("pending", "no", "pending")]
    assert told(coverage(BEGIN, at(1), at(11.6), Told((), (), ()))) == [("no", "no", "no")]


def test_a_recorded_and_analysed_window() -> None:
    looks = [Span(at(0.5), at(1.25), "assessed"), Span(at(2), at(2.5), "blocked")]
    minutes = coverage(BEGIN, at(4), LATER, Told([archive(0, 10, analysis="yes")], (), looks))
    assert [minute.looked for minute in minutes] == ["yes", "yes", "no", "no"]
    assert [minute.why for minute in minutes] == [{}, {}, {"looked": "blocked"}, {"looked": "no_look"}]


def test_gaps_take_parts_of_minutes_or_all() -> None:
    gaps = [Span(at(1.5), at(3.25), "ingest")]
    minutes = coverage(BEGIN, at(5), LATER, Told([archive(0, 10)], gaps, ()))
    assert [minute.recorded for minute in minutes] == ["yes", "partly", "no", "partly", "yes"]
    assert minutes[2].why["recorded"] == "gap_ingest"


def test_two_runs_in_one_window_and_nothing_between() -> None:
    minutes = coverage(BEGIN, at(10), LATER, Told([archive(0, 2.5), archive(6, 10)], (), ()))
    states = [minute.recorded for minute in minutes]
    assert states == ["yes", "yes", "partly", "no", "no", "no", "yes", "yes", "yes", "yes"]
    assert minutes[4].why["recorded"] == "not_running"


def test_a_missed_window_says_why_and_a_failed_analysis_too() -> None:
    missed = Window(at(0), missed="no picture")
    failed = archive(10, 20, analysis="no", analysis_why="blocked")
    minutes = coverage(BEGIN, at(11), LATER, Told([missed, failed], (), ()))
    assert (minutes[0].recorded, minutes[0].why["recorded"], minutes[0].analyzed) == ("no", "no picture", "no")
    assert (minutes[10].recorded, minutes[10].analyzed, minutes[10].why["analyzed"]) == ("yes", "no", "blocked")


def test_an_assessed_look_counts_beside_one_that_failed() -> None:
    looks = [Span(at(0), at(0.5), "assessed"), Span(at(0.5), at(1), "unavailable")]
    for order in (looks, looks[::-1]):
        assert coverage(BEGIN, at(1), LATER, Told((), (), order))[0].looked == "yes"


@given(st.lists(st.tuples(st.floats(-5, 40), st.floats(0, 20), st.sampled_from(["assessed", "blocked"])), max_size=8))
def test_a_minute_is_looked_at_exactly_if_an_assessed_look_touches_it(looks: list[tuple[float, float, str]]) -> None:
    spans = [Span(at(begin), at(begin + length), word) for begin, length, word in looks]
    for minute in coverage(BEGIN, at(30), LATER, Told((), (), spans)):
        touching = [s for s in spans if s.begin < minute.at + MINUTE and s.end > minute.at]
        assert (minute.looked == "yes") == any(span.word == "assessed" for span in touching)
        assert (minute.why.get("looked") == "no_look") == (not touching)
