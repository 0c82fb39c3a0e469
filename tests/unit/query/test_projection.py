"""The views do not depend on the order of facts, nor on how often each arrives."""

import random
from collections import Counter
from collections.abc import Iterable
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libs.contracts.cameras import Camera, fold
from libs.contracts.envelope import Fact, decode, encode
from libs.contracts.facts import CameraConfig
from libs.contracts.looks import LookCompleted
from services.query.records.merging import KEYS, Key, Row, born, merge
from services.query.records.projection import changes
from tests.contracts.examples import AT, EXAMPLES, example
from tests.story import story

Views = dict[tuple[str, Key], Row]
FACTS = list(story(7, hours=1.5))
OF_NO_VIEW = {name for name in EXAMPLES if name.startswith(("access.", "fact."))}


def views(facts: Iterable[Fact]) -> Views:
    rows: Views = {}
    for fact in facts:
        for change in changes(fact):
            at = change.table, change.key
            merge(rows.setdefault(at, born(*at)), change)
    return rows


@given(st.randoms(use_true_random=False))
@settings(max_examples=25, deadline=None)
def test_any_order_with_duplicates_gives_the_same_rows(dice: random.Random) -> None:
    mixed = FACTS + dice.choices(FACTS, k=200)
    dice.shuffle(mixed)
    assert views(mixed) == views(FACTS)


@pytest.mark.parametrize("name", sorted(set(EXAMPLES) - OF_NO_VIEW))
def test_every_fact_but_those_of_access_changes_a_view(name: str) -> None:
    assert changes(example(name))


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_a_row_holds_all_that_orders_it(name: str) -> None:
    for change in changes(example(name)):
        assert set(change.order) <= set(change.values)
        assert None not in [change.values[column] for column in change.order]
        assert len(change.key) == len(KEYS[change.table])


def test_what_comes_from_the_log_gives_what_was_said() -> None:
    assert views(decode(encode(fact)) for fact in FACTS) == views(FACTS)


def test_cameras_are_what_every_service_folds() -> None:
    known: dict[str, Camera] = {}
    for fact in FACTS:
        known = fold(known, fact) if fact.name.startswith("camera.") else known
    rows = views(FACTS)
    for camera in known.values():
        row = rows["cameras", (camera.id,)]
        config = None if row["removed"] else CameraConfig.model_validate(row["config"])
        assert (config, row["desired"], row["past"]) == (camera.config, camera.desired, camera.past)


def test_nothing_is_lost_and_nothing_counted_twice() -> None:
    rows = views(FACTS)
    said = Counter(fact.name for fact in FACTS)
    tables = Counter(table for table, _ in rows)
    assert tables["looks"] == said["look.started"] == said["look.completed"]
    assert tables["realtime_events"] == said["event.detected"]
    assert tables["reviews"] == said["event.reviewed"]
    assert tables["segments"] == said["segment.closed"] + said["segment.missed"]
    outcomes = Counter(fact.data.outcome for fact in FACTS if isinstance(fact.data, LookCompleted))
    assert Counter(row["outcome"] for (table, _), row in rows.items() if table == "looks") == outcomes


def test_the_newest_review_counts_and_all_are_kept() -> None:
    rows = views([example("event.detected"), example("event.reviewed")])
    (event,) = (row for (table, _), row in rows.items() if table == "realtime_events")
    assert (event["reviewed"], event["reviewed_by"], event["severity"]) == ("confirmed", "teacher-1", "warning")
    assert (event["started_at"], event["last_at"]) == (AT + timedelta(seconds=16), AT + timedelta(seconds=19.2))


def test_an_analysis_that_failed_later_hides_the_score_of_the_one_before() -> None:
    analyzed, failed = example("segment.analyzed"), example("segment.analysis_failed")
    later = failed.model_copy(update={"data": failed.data.model_copy(update={"version": 2})})
    for order in ([analyzed, later], [later, analyzed]):
        (row,) = (row for (table, _), row in views(order).items() if table == "segment_analyses")
        assert (row["safety_score"], row["analysis_result"], row["failed_reason"]) == (None, None, "blocked")
