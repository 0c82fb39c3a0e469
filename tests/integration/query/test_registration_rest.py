"""Cameras are registered, changed and removed by people, and no change is lost unseen."""

import httpx
import pytest

from tests.integration.query.harness import Running, until

CAMERAS = "/api/v1/cameras"


def create(at: Running, **asked: object) -> httpx.Response:
    headers = {"Idempotency-Key": str(asked.pop("key", "")) or "x"}
    return httpx.post(f"{at.url}{CAMERAS}", json=asked, headers=headers)


def test_from_registered_to_removed_and_again(running: Running) -> None:
    made = create(running, id="moon", name="달님반", room="2층")
    assert made.status_code == 201, made.text
    assert made.headers["Location"] == f"{CAMERAS}/moon"
    assert (made.json()["name"], made.json()["desired"], made.json()["revision"]) == ("달님반", "running", 2)
    assert create(running, id="moon", name="달님반", room="2층").json()["revision"] == 2  # the same request again
    other = create(running, id="moon", name="다른 반", key="other")
    assert (other.status_code, other.json()["type"]) == (409, "urn:dolbom:problem:id-taken")
    address = f"{running.url}{CAMERAS}/moon"
    seen = httpx.get(address).headers["ETag"]
    changed = httpx.patch(address, json={"name": "별님반"}, headers={"If-Match": seen})
    assert (changed.status_code, changed.json()["name"], changed.json()["room"]) == (200, "별님반", "2층")
    late = httpx.patch(address, json={"name": "해님반"}, headers={"If-Match": seen})
    assert (late.status_code, late.json()["type"]) == (412, "urn:dolbom:problem:other-revision")
    assert httpx.delete(address, headers={"If-Match": seen}).status_code == 412
    assert httpx.delete(address).status_code == 428
    assert httpx.delete(address, headers={"If-Match": "*"}).status_code == 204
    assert httpx.get(address).status_code == 404
    until("it is not listed", lambda: "moon" not in httpx.get(f"{running.url}{CAMERAS}").text)
    assert create(running, id="moon", name="달님반", running=False, key="again").json()["desired"] == "stopped"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"id": "Moon", "name": "x"}, "id"),
        ({"id": "a.b", "name": "x"}, "id"),
        ({"id": "ok", "name": ""}, "name"),
        ({"id": "ok", "name": "x", "time_zone": "Mars/North"}, "time_zone"),
        ({"id": "ok", "name": "x", "time_zone": "../etc/passwd"}, "time_zone"),
        ({"id": "ok", "name": "x", "profile": {"width": 641}}, "width"),
        ({"id": "ok", "name": "x", "source": {"kind": "rtsp", "url": "rtsp://a"}}, "kind"),
        ({"id": "ok", "name": "x", "source": {"kind": "files", "files": ["/etc/passwd"]}}, "files"),
        ({"id": "ok", "name": "x", "revision": 7}, "revision"),
        ({"id": "ok", "name": "x", "looks": {"consent": {"by": "me"}}}, "consent"),
        ({"id": "ok", "name": "x", "retention_days": 0}, "retention_days"),
    ],
)
def test_what_is_not_valid_is_named(running: Running, body: dict[str, object], field: str) -> None:
    answer = create(running, **body)
    assert answer.status_code == 422 and field in answer.json()["detail"], answer.text


def test_a_revision_is_written_as_an_etag(running: Running) -> None:
    address = f"{running.url}{CAMERAS}/cam1"
    for wrong in ("3", '"x"', 'W/"3"'):
        assert httpx.patch(address, json={"room": "x"}, headers={"If-Match": wrong}).status_code == 422
    assert httpx.patch(address, json={"room": "x"}).status_code == 428
