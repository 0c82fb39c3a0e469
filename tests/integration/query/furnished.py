"""A site where every example of the API's document is there: camera `sun`, its event, its files, user `kim`; and a
camera `moon`, which is nobody's business but that of those who see it.
"""

import asyncio
import json
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx

from libs.contracts.envelope import Fact
from libs.contracts.events import EventDetected
from libs.contracts.facts import SegmentClosed
from libs.contracts.ids import fact_id
from libs.contracts.slots import moment, slot_at
from libs.media import MediaStore
from libs.video.ffmpeg import ffmpeg_program
from tests.integration.query.harness import JPEG, Query, send_still, start_query, still, until
from tests.integration.query.people import PASSWORD, SESSION, USERS, Site
from tests.integration.views.conftest import say
from tests.nats_server import NatsServer
from tests.story import BEGIN_MS, FPS, LOOK_MS, WINDOW_MS, Room, text

OURS, OTHERS = "sun", "moon"
ROLES = ("guardian", "teacher", "director", "admin")
EVENT, OTHER_EVENT = "0f0a2f64-7a0c-5d0e-9c5e-4f7f0c1f6a11", fact_id("event.detected", OTHERS, "climb", 1, 0)
VIDEO, DAY = "소풍.mp4", "2026-03-02"
CAMERAS, VIDEOS = "/api/v1/cameras", f"/api/v1/cameras/{OURS}/videos"
PLAYLIST = b"#EXTM3U\n#EXT-X-PROGRAM-DATE-TIME:2026-03-02T00:03:20.000Z\n#EXTINF:10.000000,\nsun_1.ts\n"
ANY = {"If-Match": "*"}


def facts(camera: str, event_id: str, seed: int, hours: float = 1.0) -> Iterator[Fact]:
    """An hour of a camera, and one event of a known id."""
    room = Room(camera, seed)
    yield room.decided(BEGIN_MS, "registered")
    yield room.decided(BEGIN_MS + 1, "running")
    yield room.observed(BEGIN_MS + 2)
    end = BEGIN_MS + round(hours * 3_600_000)
    for at in range(BEGIN_MS + LOOK_MS, end + 1, LOOK_MS):
        yield from room.looked(at)
        if at // WINDOW_MS != (at - LOOK_MS) // WINDOW_MS:
            yield from map(_well_named, room.window(at - at % WINDOW_MS))
    yield from room.day(BEGIN_MS + 3_600_000)
    at = BEGIN_MS + 200_000
    climbed = EventDetected(
        event_id=event_id, severity="danger", kind="safety", code="climb", title=text(f"climb ({camera})"),
        description=text("climb"), confidence="high", first_slot=slot_at(at, FPS), last_slot=slot_at(at, FPS) + 9,
        fps=FPS, started_at=moment(at), source="rule", snapshot_key=f"{camera}/events/{event_id}.jpg",
    )  # fmt: skip
    yield room.fact("detector", at, climbed, camera, "climb", slot_at(at, FPS), 0)


def _well_named(fact: Fact) -> Fact:
    """The story's archives have names that nobody may ask for."""
    if not isinstance(fact.data, SegmentClosed):
        return fact
    key = f"{fact.subject}/archive/archive_{fact.data.started_at:%Y%m%d_%H%M%SZ}.mp4"
    return fact.model_copy(update={"data": fact.data.model_copy(update={"media_key": key})})


def film(folder: Path) -> bytes:
    """Two seconds of a film."""
    path = folder / "film.mp4"
    words = [ffmpeg_program(), "-v", "error", "-y", "-f", "lavfi", "-t", "2", "-i", "testsrc2=s=320x240:r=10"]
    subprocess.run([*words, "-c:v", "libx264", "-preset", "ultrafast", str(path)], check=True, timeout=60)
    return path.read_bytes()


@dataclass
class Furnished:
    """The running site. `admin` is a token; empty while there are no accounts."""

    server: NatsServer
    query: Query
    film: bytes
    admin: str = ""
    client: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=30))

    @property
    def url(self) -> str:
        return self.query.url

    @cached_property
    def document(self) -> dict[str, Any]:
        return dict(self.ask("GET", "/api/v1/openapi.json").json())

    def ask(self, method: str, path: str, headers: dict[str, str] | None = None, **more: Any) -> httpx.Response:
        """As the admin."""
        bearer = {"Authorization": f"Bearer {self.admin}"} if self.admin else {}
        return self.client.request(method, self.url + path, headers={**bearer, **(headers or {})}, **more)

    def needed(self, method: str, path: str, headers: dict[str, str] | None = None, **more: Any) -> httpx.Response:
        answer = self.ask(method, path, headers, **more)
        assert answer.is_success, (method, path, answer.text)
        return answer

    def publish(self) -> None:
        """A picture of this moment."""

        async def send() -> None:
            async with self.server.bus("ingest") as bus:
                await send_still(bus, still(OURS, round(time.time() * 1000)))

        asyncio.run(send())

    def present(self) -> None:
        """The camera has a picture of this moment."""
        self.with_camera()
        self.publish()
        until("the picture is there", lambda: self.ask("GET", f"{CAMERAS}/{OURS}/now.jpg").status_code == 200)

    def with_camera(self) -> None:
        if self.ask("GET", f"{CAMERAS}/{OURS}").status_code == 404:
            self.needed("POST", CAMERAS, json={"id": OURS, "name": "햇살반"})

    def with_video(self) -> None:
        self.with_camera()
        names = [item["name"] for item in self.needed("GET", VIDEOS).json()["items"]]
        if VIDEO not in names:
            kind = {"Content-Type": "video/mp4"}
            self.needed("POST", VIDEOS, kind, params={"name": VIDEO}, content=self.film)

    def without_video(self) -> None:
        self.with_camera()
        assert self.ask("DELETE", f"{VIDEOS}/{VIDEO}", ANY).status_code in (204, 404)

    def without(self, path: str) -> None:
        assert self.ask("DELETE", path, ANY).status_code in (204, 404)

    def with_user(self) -> None:
        body = {"user": "kim", "password": PASSWORD, "role": "guardian", "cameras": [OURS]}
        assert self.ask("POST", USERS, json=body).status_code in (201, 409)

    def token_of_kim(self) -> str:
        self.with_user()
        held = self.needed("GET", f"{USERS}/kim/tokens").json()["items"]
        if held:
            return str(held[0]["token_id"])
        return str(self.needed("POST", f"{USERS}/kim/tokens", json={"name": "hall"}).json()["token_id"])

    @property
    def prepared(self) -> dict[str, Callable[[], None]]:
        """What must be so before an operation can be carried out as its examples say."""
        videos = dict.fromkeys(("list_videos", "order_videos", "remove_video"), self.with_video)
        users = ("change_user", "remove_user", "list_tokens", "create_token", "create_session")
        return {
            **videos,
            **dict.fromkeys(users, self.with_user),
            "upload_video": self.without_video,
            "remove_camera": self.with_camera,
            "get_now_picture": self.present,
            "register_camera": lambda: self.without(f"{CAMERAS}/star"),
            "create_user": lambda: self.without(f"{USERS}/park"),
        }

    def prepare(self, operation: str) -> None:
        self.prepared.get(operation, self.with_camera)()


def furnish(server: NatsServer, folder: Path, *, accounts: bool, seed: int) -> Furnished:
    """Start it, and fill it."""
    query = start_query(folder, server.url, settings={"UPLOAD_RESERVE_BYTES": "0", "UPLOAD_MAX_BYTES": str(20 << 20)})
    site = Furnished(server, query, film(folder))
    both = [*facts(OURS, EVENT, seed), *facts(OTHERS, OTHER_EVENT, seed)]
    asyncio.run(say(server, both))
    until("query is ready", query.is_ready, 10)
    told = len({fact.data.event_id for fact in both if isinstance(fact.data, EventDetected)})
    until("all is projected", lambda: len(_events(site)) == told, 20)
    _fill(MediaStore.open(str(folder / "media")))
    if accounts:
        people = Site(query.url)
        people.close()
        site.admin = people.admin
    return site


def _events(site: Furnished) -> list[object]:
    return list(site.needed("GET", "/api/v1/events?limit=200").json()["items"])


def _fill(store: MediaStore) -> None:
    for camera, event_id in ((OURS, EVENT), (OTHERS, OTHER_EVENT)):
        store.write_once(f"{camera}/hls", f"{camera}_1.ts", b"0123456789" * 200, "t")
        store.write_once(f"{camera}/archive", "archive_20260302_000000Z.mp4", b"9876543210" * 200, "t")
        store.replace(f"{camera}/hls", f"{camera}.m3u8", PLAYLIST, "t")
        store.write_once(f"{camera}/events", f"{event_id}.jpg", JPEG, "t")


@dataclass
class Actor:
    """Somebody who asks: a role, whether `sun` is theirs, and how they show who they are."""

    name: str
    role: str
    theirs: bool
    headers: dict[str, str]

    def may(self, role: str | None) -> bool:
        """Does the role of this one suffice?"""
        return role is None or (self.role in ROLES and ROLES.index(self.role) >= ROLES.index(role))


def add_actors(site: Furnished) -> list[Actor]:
    """One of each role, and two who see the other camera; each by cookie and by token."""
    people, actors = Site(site.url, site.admin), [Actor("anonymous", "", False, {})]
    for name, role, cameras in (
        ("lee", "guardian", [OURS]), ("choi", "guardian", [OTHERS]), ("jung", "teacher", [OURS]),
        ("kang", "teacher", [OTHERS]), ("yoon", "director", []), ("han", "admin", []),
    ):  # fmt: skip
        assert people.add(name, role, *cameras).status_code == 201
        for headers in (cookie_of(site, name), {"Authorization": f"Bearer {people.token(name)}"}):
            actors.append(Actor(name, role, OTHERS not in cameras, headers))
    return actors


def cookie_of(site: Furnished, name: str) -> dict[str, str]:
    """Signed in as the page is."""
    answer = httpx.post(site.url + SESSION, json={"user": name, "password": PASSWORD})
    assert answer.status_code == 200, answer.text
    return {"Cookie": f"dolbom={answer.cookies['dolbom']}", "Origin": site.url, "Sec-Fetch-Site": "same-origin"}


def kept_document() -> dict[str, Any]:
    """The document as it is committed: what the code says of itself is compared with it elsewhere."""
    path = Path(__file__).parents[3] / "docs" / "openapi.json"
    return dict(json.loads(path.read_text(encoding="utf-8")))
