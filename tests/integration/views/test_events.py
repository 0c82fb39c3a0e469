"""Lists of events are what the facts tell, whatever is asked for and in whatever pages."""

import random
from collections.abc import Callable

import httpx
import pytest
from pydantic import TypeAdapter

from services.query.rest.event_items import EventItem, EventList
from tests.integration.views.conftest import Told

EVENTS, CAMERA = "/api/v1/events", "camera-1"
Row = dict[str, object]


def expected(told: Told, keep: Callable[[Row], bool] = lambda row: True) -> list[str]:
    """Ids of the events, newest first, that the facts tell."""
    rows = [row for row in told.rows("realtime_events") if "detected_fact" in row and keep(row)]
    rows.sort(key=lambda row: (str(row["started_at"]), str(row["event_id"])), reverse=True)
    return [str(row["event_id"]) for row in rows]


def ids(items: list[Row]) -> list[str]:
    return [str(item["event_id"]) for item in items]


@pytest.mark.parametrize("limit", [3, 200])
def test_pages_of_any_size_give_every_event_once_and_in_order(told: Told, limit: int) -> None:
    assert ids(told.items(EVENTS, limit=limit)) == expected(told)
    path = f"/api/live-monitoring/events/{CAMERA}"
    assert ids(told.items(path, limit=limit)) == expected(told, lambda row: row["camera_id"] == CAMERA)


def test_the_latest_are_the_first_page(told: Told) -> None:
    answer = told.get(f"/api/live-monitoring/events/{CAMERA}/latest")
    assert ids(answer.json()["items"]) == expected(told, lambda row: row["camera_id"] == CAMERA)[:20]


def test_items_are_what_the_document_says_and_what_the_facts_say(told: Told) -> None:
    body = told.get(EVENTS, limit=200).content
    listed = EventList.model_validate_json(body, extra="forbid")
    assert TypeAdapter(EventList).dump_json(listed) == body
    rows = {row["event_id"]: row for row in told.rows("realtime_events")}
    costs = {row["look_id"]: row["cost_usd"] for row in told.rows("looks")}
    for item in listed.items:
        row = rows[item.event_id]
        same = set(EventItem.model_fields) - {"title", "description", "cost_usd", "ended", "confirmed", "late"}
        assert {name: getattr(item, name) for name in same} == {name: row.get(name) for name in same}
        assert (item.ended, item.cost_usd) == (bool(row.get("ended")), costs[row["look_id"]])
        assert {"title": item.title.model_dump(), "description": item.description.model_dump()} == {
            name: row[name] for name in ("title", "description")
        }


def test_filters_alone_and_together(told: Told) -> None:
    dice, seed = random.Random(5), 5
    rows = [row for row in told.rows("realtime_events") if "detected_fact" in row]
    for number in range(25):
        some, other = dice.sample(rows, 2)
        asked: dict[str, str | bool] = {}
        asked |= {"camera": str(some["camera_id"])} if dice.random() < 0.5 else {}
        asked |= {name: str(some[name]) for name in ("kind", "severity", "code") if dice.random() < 0.3}
        moments = sorted(row["started_at"].isoformat() for row in (some, other))  # type: ignore[attr-defined]
        asked |= {"from": moments[0]} if dice.random() < 0.5 else {}
        asked |= {"to": moments[1]} if dice.random() < 0.5 else {}
        asked |= {"reviewed": dice.random() < 0.5} if dice.random() < 0.4 else {}

        def keep(row: Row, asked: dict[str, str | bool] = asked) -> bool:
            at = row["started_at"].isoformat()  # type: ignore[attr-defined]
            return (
                row["camera_id"] == asked.get("camera", row["camera_id"])
                and all(row[name] == asked.get(name, row[name]) for name in ("kind", "severity", "code"))
                and asked.get("from", at) <= at
                and ("to" not in asked or at < str(asked["to"]))
                and ("reviewed" not in asked or ("reviewed" in row) == asked["reviewed"])
            )

        found = ids(told.items(EVENTS, limit=dice.choice((7, 200)), **asked))
        assert found == expected(told, keep), (seed, number, asked)


@pytest.mark.parametrize(
    ("field", "asked"),
    [
        ("query.limit", {"limit": "1000000000"}),
        ("query.limit", {"limit": "-1"}),
        ("query.cursor", {"cursor": "1; DROP TABLE looks"}),
        ("query.cursor", {"cursor": "JyBPUiAxPTE"}),
        ("query.from", {"from": "yesterday"}),
        ("query.from", {"from": "2026-03-02T09:00:00"}),
        ("query.from", {"from": "0001-01-01T00:00:00+14:00"}),
        ("query.to", {"to": "9999-12-31T23:59:59-14:00"}),
        ("query.camera", {"camera": "' OR 1=1 --"}),
        ("query.severity", {"severity": "worst"}),
        ("query.code", {"code": "x' OR 'x'='x"}),
        ("query.order_by", {"order_by": "started_at"}),
        ("query.offset", {"offset": "500000"}),
    ],
)
def test_what_is_not_valid_is_named(told: Told, field: str, asked: dict[str, str]) -> None:
    answer = told.get(EVENTS, **asked)
    assert (answer.status_code, answer.headers["Content-Type"]) == (422, "application/problem+json")
    assert answer.json()["detail"].startswith(field), answer.text


def test_a_page_that_is_known_is_not_sent_again(told: Told) -> None:
    first = told.get(EVENTS, limit=5)
    again = told.get(EVENTS, limit=5)
    assert again.headers["ETag"] == first.headers["ETag"]
    headers = {"If-None-Match": first.headers["ETag"]}
    unchanged = httpx.get(f"{told.query.url}{EVENTS}?limit=5", headers=headers)
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert httpx.get(f"{told.query.url}{EVENTS}?limit=6", headers=headers).status_code == 200


def test_cameras_that_are_not_there(told: Told) -> None:
    assert told.get(EVENTS, camera="absent").status_code == 404
    assert told.get("/api/live-monitoring/events/absent").status_code == 404
