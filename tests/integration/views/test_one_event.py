"""One event: its picture, its place in the archive, and judgements that are facts."""

import asyncio
import contextlib
from datetime import datetime, timedelta

import pytest

from libs.bus import last_message
from libs.contracts.envelope import decode
from libs.contracts.events import EventReviewed
from libs.contracts.ids import fact_id
from services.query.rest.event import OneEvent
from tests.integration.views.conftest import Told

EVENTS = "/api/v1/events"
JPEG = b"\xff\xd8\xff\xe0 a picture \xff\xd9"


def test_it_is_the_item_of_the_list_and_more(told: Told) -> None:
    for item in told.items(EVENTS, limit=200)[:20]:
        answer = told.get(f"{EVENTS}/{item['event_id']}")
        OneEvent.model_validate_json(answer.content, extra="forbid")
        whole = answer.json()
        assert {name: whole[name] for name in item} == item
        said = [row for row in told.rows("reviews") if row["event_id"] == item["event_id"]]
        assert [review["verdict"] for review in whole["reviews"]][: len(said)] == [
            row["verdict"] for row in sorted(said, key=lambda row: (row["at"], row["review_id"]))
        ]


def test_its_place_is_in_the_archive_that_holds_it(told: Told) -> None:
    states = set()
    for item in told.items(EVENTS, limit=200):
        place = told.get(f"{EVENTS}/{item['event_id']}").json()["archive"]
        states.add(place["state"])
        if place["state"] != "kept":
            assert place["url"] is None
            continue
        began = datetime.fromisoformat(str(item["started_at"])) - timedelta(seconds=place["offset_s"])
        (segment,) = [
            one
            for one in told.items(f"/api/v1/cameras/{item['camera_id']}/segments")
            if one["segment_id"] == place["segment_id"]
        ]
        assert datetime.fromisoformat(str(segment["started_at"])) == began
        assert 0 <= place["offset_s"] < 600
        assert place["url"].endswith(str(segment["media_key"]).rpartition("/")[2])
    assert {"kept", "missed"} <= states


@pytest.mark.parametrize("event_id", ["absent", "../../etc", fact_id("event.detected", "none", "x", 1, 0)])
def test_events_that_are_not_there(told: Told, event_id: str) -> None:
    for path in (event_id, f"{event_id}/picture"):
        assert told.get(f"{EVENTS}/{path}").status_code == 404
    judged = told.client.post(f"{told.query.url}{EVENTS}/{event_id}/review", json={"verdict": "confirmed"})
    assert judged.status_code == 404


def test_the_picture_is_the_one_that_was_judged(told: Told) -> None:
    item = told.items(EVENTS, limit=1)[0]
    folder = told.query.folder / "media" / str(item["camera_id"]) / "events"
    folder.mkdir(parents=True, exist_ok=True)
    address = f"{EVENTS}/{item['event_id']}/picture"
    assert told.get(address).status_code == 404
    (folder / f"{item['event_id']}.jpg").write_bytes(JPEG)
    answer = told.get(address)
    assert (answer.status_code, answer.headers["Content-Type"], answer.content) == (200, "image/jpeg", JPEG)
    (folder / f"{item['event_id']}.jpg").unlink()
    with contextlib.suppress(OSError):
        folder.rmdir()


def test_a_judgement_is_a_fact_and_is_shown_at_once(told: Told) -> None:
    item = next(one for one in told.items(EVENTS, limit=200) if one["reviewed"] is None)
    address = f"{told.query.url}{EVENTS}/{item['event_id']}/review"
    headers = {"Idempotency-Key": "monday"}
    answer = told.client.post(address, json={"verdict": "false_positive", "note": "인형이에요"}, headers=headers)
    assert answer.status_code == 202, answer.text
    assert answer.json()["reviewed"] == "false_positive"
    assert [one["note"] for one in answer.json()["reviews"]] == ["인형이에요"]
    again = told.client.post(address, json={"verdict": "false_positive", "note": "인형이에요"}, headers=headers)
    assert len(again.json()["reviews"]) == 1
    other = told.client.post(address, json={"verdict": "confirmed"}, headers=headers)
    assert (other.status_code, other.json()["type"]) == (422, "urn:dolbom:problem:key-used")

    async def read() -> bytes:
        async with told.server.bus("query") as bus:
            kept = await last_message(bus, "EVENTS", f"event.reviewed.{item['severity']}.{item['camera_id']}")
            assert kept is not None
            return kept.payload

    fact = decode(asyncio.run(read()))
    assert isinstance(fact.data, EventReviewed)
    assert (fact.data.event_id, fact.data.verdict, fact.data.by) == (item["event_id"], "false_positive", "anyone")


@pytest.mark.parametrize(
    ("body", "field"),
    [({}, "verdict"), ({"verdict": "fine"}, "verdict"), ({"verdict": "confirmed", "by": "admin"}, "by")],
)
def test_a_judgement_that_is_not_valid(told: Told, body: dict[str, str], field: str) -> None:
    item = told.items(EVENTS, limit=1)[0]
    answer = told.client.post(f"{told.query.url}{EVENTS}/{item['event_id']}/review", json=body)
    assert answer.status_code == 422 and field in answer.json()["detail"]
