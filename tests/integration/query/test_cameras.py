"""The list of cameras, wishes on the bus, and the newest still."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import httpx
import pytest

from libs.bus import Kept, last_message, publish_fact
from libs.clock import wall_ms
from libs.contracts.envelope import Fact, Origin, decode, new_fact
from libs.contracts.facts import CameraDesired, CameraObserved, SegmentClosed, SegmentExpired
from libs.contracts.frames import Snapshot
from libs.contracts.slots import moment, slot_start_ms, unix_ms
from libs.media import MediaStore, archive_name
from tests.integration.query.harness import CAMERAS, JPEG, Running, send_still, still, until

LIVE = "/api/live-monitoring"


def item(running: Running, camera: str) -> dict[str, object]:
    return dict(httpx.get(f"{running.url}/api/v1/cameras/{camera}").json())


def last_wish(running: Running, camera: str) -> Fact:
    async def read() -> Kept | None:
        async with running.server.bus("query") as bus:
            return await last_message(bus, "CAMERAS", f"camera.desired.{camera}")

    kept = asyncio.run(read())
    assert kept is not None
    return decode(kept.payload)


def send(running: Running, *stills: Snapshot) -> None:
    async def publish() -> None:
        async with running.server.bus("ingest") as bus:
            for image in stills:
                await send_still(bus, image)

    asyncio.run(publish())


def test_the_list(running: Running) -> None:
    answer = httpx.get(f"{running.url}/api/v1/cameras")
    body = answer.json()
    assert [one["camera_id"] for one in body["items"]] == sorted(CAMERAS)
    assert body["next"] is None
    assert abs(int(answer.headers["Dolbom-Now"]) - wall_ms()) < 2000
    none = next(one for one in body["items"] if one["camera_id"] == "none-1")
    assert none == item(running, "none-1")
    assert none == {
        **none, "name": "none-1", "room": "", "time_zone": "Asia/Seoul", "source": "demo", "observed": None,
        "picture": None, "hls": None, "hls_url": "/api/live-monitoring/hls/none-1/none-1.m3u8",
        "now_url": "/api/v1/cameras/none-1/now.jpg", "profile": {"width": 640, "height": 480, "fps": 5},
    }  # fmt: skip


@pytest.mark.parametrize("camera", ["absent", "None-1", "%2e%2e", "a" * 5000])
@pytest.mark.parametrize("path", ["/api/v1/cameras/{}", "/api/v1/cameras/{}/now.jpg"])
def test_unknown_cameras(running: Running, camera: str, path: str) -> None:
    answer = httpx.get(running.url + path.format(camera))
    assert (answer.status_code, answer.headers["Content-Type"]) == (404, "application/problem+json")


def test_stop_and_start_are_facts(running: Running) -> None:
    stopped = httpx.post(f"{running.url}{LIVE}/stop-hls-stream/wish-1", json={"reason": "낮잠"})
    assert stopped.status_code == 202
    assert stopped.json() == {"camera_id": "wish-1", "desired": "stopped", "observed": None, "revision": 3}
    fact = last_wish(running, "wish-1")
    assert fact.data == CameraDesired(revision=3, state="stopped", by="anyone", reason="낮잠")
    assert fact.source == "dolbom/query"
    again = httpx.post(f"{running.url}{LIVE}/stop-hls-stream/wish-1")
    assert (again.status_code, again.json()) == (202, stopped.json())
    assert last_wish(running, "wish-1").id == fact.id
    assert item(running, "wish-1")["desired"] == "stopped"
    started = httpx.post(f"{running.url}{LIVE}/start-hls-stream/wish-1")
    assert started.json() == {"camera_id": "wish-1", "desired": "running", "observed": None, "revision": 4}


def test_a_repeated_key_is_one_wish(running: Running) -> None:
    def post(verb: str, camera: str) -> int:
        url = f"{running.url}{LIVE}/{verb}-hls-stream/{camera}"
        answer = httpx.post(url, headers={"Idempotency-Key": "monday"})
        assert answer.status_code == 202
        return int(answer.json()["revision"])

    assert post("stop", "wish-2") == 3
    assert post("start", "wish-2") == 4
    assert post("stop", "wish-2") == 4  # it was carried out already, long ago
    assert item(running, "wish-2")["desired"] == "running"
    assert post("stop", "wish-3") == 3  # the key of another camera is another key
    long = {"Idempotency-Key": "x" * 101}
    assert httpx.post(f"{running.url}{LIVE}/stop-hls-stream/wish-2", headers=long).status_code == 422


def test_wishes_at_the_same_time_follow_one_another(running: Running) -> None:
    verbs = ["stop", "start"] * 6

    def post(verb: str) -> int:
        return httpx.post(f"{running.url}{LIVE}/{verb}-hls-stream/race-1").status_code

    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(post, verbs)) == {202}
    before = item(running, "race-1")
    last = last_wish(running, "race-1")
    assert isinstance(last.data, CameraDesired)
    assert (before["revision"], before["desired"]) == (last.data.revision, last.data.state)


def test_observed(running: Running) -> None:
    def observe(epoch: int, ordinal: int, state: str) -> None:
        data = {"ordinal": ordinal, "state": state, "cause": "source", "since": moment(1_795_000_000_000)}
        origin = Origin("ingest", 0, 0, epoch)
        fact = new_fact(CameraObserved.model_validate(data), "fresh-1", ("fresh-1", epoch, ordinal), origin)
        asyncio.run(publish(fact))

    async def publish(fact: Fact) -> None:
        async with running.server.bus("ingest") as bus:
            await publish_fact(bus, fact, "EVENTS")

    def state() -> object:
        observed = item(running, "fresh-1")["observed"]
        return observed["state"] if isinstance(observed, dict) else None

    observe(7, 1, "starting")
    observe(7, 2, "offline")
    until("the newest state is shown", lambda: state() == "offline")
    observe(6, 9, "online")  # a writer whose lease was taken
    observe(7, 3, "degraded")
    until("the newest state is shown", lambda: state() == "degraded")
    assert item(running, "fresh-1")["observed"] == {
        "state": "degraded", "cause": "source", "since": "2026-11-18T11:06:40.000Z",
    }  # fmt: skip


def test_a_fresh_still(running: Running) -> None:
    taken = still("fresh-1", wall_ms(), epoch=5, kind="h")
    older = still("fresh-1", wall_ms() - 5000, epoch=5)
    lower = still("fresh-1", wall_ms() + 1000, epoch=4)
    send(running, taken, older, lower)
    until("the still is known", lambda: item(running, "fresh-1")["picture"] is not None)
    answer = httpx.get(f"{running.url}/api/v1/cameras/fresh-1/now.jpg")
    assert (answer.status_code, answer.content, answer.headers["Content-Type"]) == (200, JPEG, "image/jpeg")
    assert answer.headers["Cache-Control"] == "no-store"
    assert (answer.headers["Dolbom-Slot"], answer.headers["Dolbom-Kind"]) == (str(taken.slot), "h")
    at = unix_ms(datetime.fromisoformat(answer.headers["Dolbom-At"]))
    assert at == taken.slot * 200
    assert int(answer.headers["Dolbom-Age-Ms"]) == int(answer.headers["Dolbom-Now"]) - at
    picture = item(running, "fresh-1")["picture"]
    assert isinstance(picture, dict)
    assert (picture["slot"], picture["kind"], picture["live"]) == (taken.slot, "h", True)
    assert httpx.head(f"{running.url}/api/v1/cameras/fresh-1/now.jpg").status_code == 200


def test_a_stale_still_is_never_passed_off_as_live(running: Running) -> None:
    taken = still("stale-1", wall_ms() - 11_000)
    send(running, taken)
    until("the still is known", lambda: item(running, "stale-1")["picture"] is not None)
    answer = httpx.get(f"{running.url}/api/v1/cameras/stale-1/now.jpg")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    problem = answer.json()
    assert problem["type"] == "urn:dolbom:problem:no-picture"
    assert unix_ms(datetime.fromisoformat(problem["since"])) == taken.slot * 200
    picture = item(running, "stale-1")["picture"]
    assert isinstance(picture, dict)
    assert picture["live"] is False


def test_no_still_yet(running: Running) -> None:
    answer = httpx.get(f"{running.url}/api/v1/cameras/none-1/now.jpg")
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:dolbom:problem:no-picture")
    assert answer.json()["since"] is None


def test_what_the_playlist_lists(running: Running) -> None:
    text = "#EXTM3U\n#EXT-X-PROGRAM-DATE-TIME:2026-11-24T05:03:20.000Z\n#EXTINF:10.000000,\nwish-3_1.ts\n"
    store = MediaStore.open(str(running.media))
    store.replace("wish-3/hls", "wish-3.m3u8", text.encode(), "t")
    expected = {"segments": 1, "seconds": 10.0, "ended": False, "until": "2026-11-24T05:03:30.000Z"}
    assert item(running, "wish-3")["hls"] == expected


def test_facts_that_cannot_be_read_are_counted(running: Running) -> None:
    async def send() -> None:
        newer = b'{"type": "dolbom.camera.desired.v9", "data": {}}'
        async with running.server.bus("query") as bus:
            await bus.js.publish("camera.desired.none-1", newer)
            await bus.js.publish("camera.desired.none-1", b"no JSON")

    def metrics() -> str:
        return httpx.get(f"{running.query.health_url}/metrics").text

    asyncio.run(send())
    counted = 'dolbom_query_skipped_total{reason="%s",stream="CAMERAS"} 1.0'
    until("both are counted", lambda: all(counted % reason in metrics() for reason in ("newer", "undecodable")))
    stopped = httpx.post(f"{running.url}{LIVE}/stop-hls-stream/none-1")
    assert stopped.status_code == 202  # their sequences count for whoever writes over the camera


def test_archives_are_listed_oldest_first_until_they_expire(running: Running) -> None:
    def closed(first: int) -> SegmentClosed:
        began = moment(slot_start_ms(first, 5))
        return SegmentClosed(
            segment_id="s", first_slot=first, frames=3000, fps=5, captured_frames=3000, held_frames=0, gaps=(),
            complete=True, started_at=began, ended_at=moment(slot_start_ms(first + 3000, 5)), width=640, height=480,
            media_key=f"none-1/archive/{archive_name(began)}", bytes=1, sha256="ab", previous_sha256=None,
        )  # fmt: skip

    base = 3000 * 2_954_046

    async def tell() -> None:
        async with running.server.bus("encoder") as bus:
            for at in (2, 0, 1):
                fact = new_fact(
                    closed(base + 3000 * at), "none-1", ("none-1", base + 3000 * at), Origin("encoder", 0, 0)
                )
                await publish_fact(bus, fact, "EVENTS")

    asyncio.run(tell())
    url = f"{running.url}/api/v1/cameras/none-1/segments"
    until("three archives", lambda: len(httpx.get(url).json()["items"]) == 3)
    body = httpx.get(url).json()
    assert [one["first_slot"] for one in body["items"]] == [base, base + 3000, base + 6000]
    assert body["items"][0] == closed(base).model_dump(mode="json")
    page = httpx.get(url, params={"limit": 2}).json()
    assert (len(page["items"]), page["next"] is None) == (2, False)
    assert len(httpx.get(url, params={"cursor": page["next"]}).json()["items"]) == 1
    between = {"from": body["items"][1]["started_at"], "to": body["items"][1]["ended_at"]}
    assert [one["first_slot"] for one in httpx.get(url, params=between).json()["items"]] == [base + 3000]
    for wrong in ({"from": "yesterday"}, {"from": "2026-01-01T00:00:00"}, {"limit": 0}, {"when": "now"}):
        assert httpx.get(url, params=wrong).status_code == 422

    async def expire() -> None:
        async with running.server.bus("encoder") as bus:
            data = SegmentExpired(first_slot=base, fps=5, media_key="x", reason="age")
            fact = new_fact(data, "none-1", ("none-1", base), Origin("encoder", 0, 0))
            await publish_fact(bus, fact, "EVENTS")

    asyncio.run(expire())
    until("the first one is gone", lambda: len(httpx.get(url).json()["items"]) == 2)
