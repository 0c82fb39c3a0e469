"""Archives, gaps, analyses, looks, spend, reports and facts are what was said, on both databases."""

from collections import defaultdict
from datetime import datetime, timedelta

import pytest
from pydantic import BaseModel, TypeAdapter

from libs.contracts.analyses import SegmentAnalyzed
from libs.contracts.envelope import encode
from libs.contracts.facts import SegmentClosed
from libs.contracts.slots import rfc3339
from services.query.rest.analyses import AnalysisList
from services.query.rest.coverage import MinuteList
from services.query.rest.looks import LookList
from services.query.rest.reports import ReportList
from services.query.rest.segments import GapList, SegmentList
from services.query.rest.spend import SpendList
from services.query.rest.stats import Stats
from tests.integration.views.conftest import Told

CAMERA, DAY = "camera-1", "2026-03-02"
HERE = f"/api/v1/cameras/{CAMERA}"
Row = dict[str, object]


def rows(told: Told, table: str) -> list[Row]:
    return [row for row in told.rows(table) if row.get("camera_id") == CAMERA]


@pytest.mark.parametrize(
    ("path", "model"),
    [
        (f"{HERE}/segments", SegmentList),
        (f"{HERE}/gaps", GapList),
        (f"{HERE}/segment-analyses", AnalysisList),
        (f"/api/live-monitoring/segment-analyses/{CAMERA}", AnalysisList),
        (f"{HERE}/looks", LookList),
        (f"{HERE}/spend?from={DAY}&to={DAY}", SpendList),
        (f"{HERE}/reports", ReportList),
        (f"{HERE}/coverage?day={DAY}", MinuteList),
        (f"{HERE}/stats?day={DAY}", Stats),
        (f"/api/live-monitoring/stats/{CAMERA}?day={DAY}", Stats),
    ],
)
def test_the_bytes_are_what_the_document_says(told: Told, path: str, model: type[BaseModel]) -> None:
    body = told.client.get(told.query.url + path)
    assert body.status_code == 200, body.text
    read = model.model_validate_json(body.content, extra="forbid")
    assert getattr(read, "items", True), "nothing was listed"
    again = TypeAdapter(model).dump_python(read, mode="json", by_alias=True)
    assert again == body.json()


def test_archives_that_stand_are_the_data_of_their_facts(told: Told) -> None:
    closed = {fact.data.segment_id: fact.data for fact in told.facts if isinstance(fact.data, SegmentClosed)}
    stand = [row for row in rows(told, "segments") if "closed_fact" in row and "expired_fact" not in row]
    stand.sort(key=lambda row: str(row["started_at"]))
    items = told.items(f"{HERE}/segments", limit=4)
    assert items == [closed[str(row["segment_id"])].model_dump(mode="json") for row in stand]


def test_archives_of_a_time_are_those_that_touch_it(told: Told) -> None:
    items = told.items(f"{HERE}/segments")
    some = items[len(items) // 2]
    inside = datetime.fromisoformat(str(some["started_at"])) + timedelta(minutes=3)
    within = {"from": rfc3339(inside), "to": rfc3339(inside + timedelta(seconds=1))}
    assert told.items(f"{HERE}/segments", **within) == [some]


def test_analyses_are_the_newest_of_each_archive(told: Told) -> None:
    newest: dict[str, SegmentAnalyzed] = {}
    for fact in told.facts:
        if isinstance(fact.data, SegmentAnalyzed) and fact.subject == CAMERA:
            newest[fact.data.segment_id] = fact.data
    found = {str(item["segment_id"]): item for item in told.items(f"{HERE}/segment-analyses", limit=3)}
    expected = {
        str(row["segment_id"]): row for row in rows(told, "segment_analyses") if "version" in row or "attempt" in row
    }
    assert set(found) == set(expected)
    for segment, item in found.items():
        if item["status"] == "analyzed":
            data = newest[segment].model_dump(mode="json", by_alias=True)
            assert item["safety_score"] == data["safety_score"] and item["incident_count"] == data["incident_count"]
            names = ("summary", "incidents", "development", "seen", "assessor")
            assert item["analysis_result"] == {name: data[name] for name in names}
        else:
            assert item["safety_score"] is None and item["analysis_result"] is None
    begins = [str(item["started_at"]) for item in found.values()]
    assert begins == sorted(begins, reverse=True)


def test_looks_show_every_outcome(told: Told) -> None:
    items = told.items(f"{HERE}/looks", limit=50)
    said = {row["look_id"]: row.get("outcome") for row in rows(told, "looks")}
    assert {item["look_id"]: item["outcome"] for item in items} == said
    blocked = told.items(f"{HERE}/looks", outcome="blocked")
    assert len(blocked) == sum(outcome == "blocked" for outcome in said.values()) > 0


def test_spend_is_the_sum_of_looks_and_analyses(told: Told) -> None:
    days = defaultdict[str, float](float)
    for name in ("looks", "analysis_costs"):
        for row in rows(told, name):
            at = row["at"]
            assert isinstance(at, datetime)
            day = (at + timedelta(hours=9)).date().isoformat()  # the day in Seoul
            days[day] += float(str(row.get("cost_usd", 0)))
    items = told.items(f"{HERE}/spend", **{"from": "2026-03-01", "to": "2026-03-04"})
    assert [item["day"] for item in items] == ["2026-03-04", "2026-03-03", "2026-03-02", "2026-03-01"]
    for item in items:
        assert item["cost_usd"] == pytest.approx(days[str(item["day"])], abs=1e-6)
    assert items[2]["cost_usd"] != 0


def test_stats_count_what_the_lists_show(told: Told) -> None:
    stats = told.get(f"{HERE}/stats", day=DAY).json()
    within = {"from": stats["since"], "to": stats["until"]}
    events = told.items(f"/api/live-monitoring/events/{CAMERA}", limit=200, **within)
    for name, field in (("danger", "severity"), ("warning", "severity"), ("info", "severity"), ("safety", "kind")):
        assert stats["events"][name] == sum(item[field] == name for item in events)
    assert stats["events"]["total"] == len(events) > 0
    assert stats["events"]["unreviewed"] == sum(item["reviewed"] is None for item in events)
    looks = told.items(f"{HERE}/looks", limit=500, day=DAY)
    assert sum(stats["looks"].values()) == len(looks) > 0
    minutes = told.items(f"{HERE}/coverage", day=DAY)
    assert stats["minutes"]["passed"] == len(minutes) == 24 * 60
    assert stats["minutes"]["blind"] == sum(minute["looked"] != "yes" for minute in minutes)
    assert stats["cost_usd"] == told.items(f"{HERE}/spend", **{"from": DAY, "to": DAY})[0]["cost_usd"]


def test_no_minute_is_told_as_watched_that_was_not(told: Told) -> None:
    minutes = told.items(f"{HERE}/coverage", day=DAY)
    looks = [
        (int(str(row["first_slot"])) / 5, (int(str(row["last_slot"])) + 1) / 5)
        for row in rows(told, "looks")
        if row.get("outcome") == "assessed"
    ]
    for minute in minutes:
        begin = datetime.fromisoformat(str(minute["at"])).timestamp()
        touched = any(since < begin + 60 and until > begin for since, until in looks)
        assert (minute["looked"] == "yes") == touched, minute
        for name in ("recorded", "looked", "analyzed"):
            assert (minute["why"][name] is None) == (minute[name] == "yes"), minute  # type: ignore[index]
    assert {minute["recorded"] for minute in minutes} >= {"yes", "no"}


def test_facts_are_given_byte_for_byte(told: Told) -> None:
    items = told.items("/api/v1/facts", limit=500)
    assert {str(item["id"]) for item in items} == {fact.id for fact in told.facts} | {
        str(item["id"]) for item in items if item["source"] == "dolbom/query" and item["subject"] == "site"
    }
    body = told.get("/api/v1/facts", limit=1000, type="event.detected", camera=CAMERA).content
    detected = [f for f in told.facts if f.name == "event.detected" and f.subject == CAMERA]
    assert detected and all(encode(fact) in body for fact in detected)
    assert len(told.items("/api/v1/facts", type="event.detected", camera=CAMERA)) == len(detected)


@pytest.mark.parametrize(
    ("path", "field"),
    [
        (f"{HERE}/segments?cursor=x", "query.cursor"),
        (f"{HERE}/looks?outcome=fine", "query.outcome"),
        (f"{HERE}/looks?day=2026-02-30", "query.day"),
        (f"{HERE}/looks?day=2026-03-02&from=2026-03-02T00:00:00Z", "query"),
        (f"{HERE}/spend?from=2000-01-01&to=2099-01-01", "query"),
        (f"{HERE}/coverage?day=0001-01-01", "query.day"),
        (f"{HERE}/stats?days=1", "query.days"),
        (f"{HERE}/reports/yesterday", "path.day"),
        ("/api/v1/facts?type=nothing.here", "query.type"),
        ("/api/v1/facts?camera=%25", "query.camera"),
    ],
)
def test_what_is_not_valid_is_named(told: Told, path: str, field: str) -> None:
    answer = told.client.get(told.query.url + path)
    assert (answer.status_code, answer.headers["Content-Type"]) == (422, "application/problem+json"), answer.text
    assert answer.json()["detail"].startswith(field), answer.text
