"""The live stream of a running query: what it tells is what REST gives, to whoever may have it, and when it cannot."""

import asyncio
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from libs.contracts.envelope import Fact
from tests.integration.query.harness import Query, raw, start_query, until
from tests.integration.query.people import Site
from tests.integration.query.watchers import Heard, Watcher, gone
from tests.integration.views.conftest import say
from tests.nats_server import NatsServer
from tests.story import story

STREAM = "/api/v1/stream"
LISTS = {
    "event": ("/api/v1/events", "event_id"),
    "look": ("/api/v1/cameras/camera-1/looks", "look_id"),
    "segment": ("/api/v1/cameras/camera-1/segments", "segment_id"),
    "analysis": ("/api/v1/cameras/camera-1/segment-analyses", "segment_id"),
    "report": ("/api/v1/cameras/camera-1/reports", "day"),
}


def of_camera(item: dict[str, object]) -> str:
    """Whose a resource is; an archive says it in its file's key."""
    return str(item.get("camera_id") or item["media_key"]).partition("/")[0]


class Told:
    """A running query that is told a story, part by part."""

    def __init__(self, server: NatsServer, query: Query, facts: list[Fact]) -> None:
        self.server, self.query, self.facts = server, query, facts

    @property
    def port(self) -> int:
        return self.query.port

    async def say(self, count: int) -> list[Fact]:
        """The next facts of the story."""
        said, self.facts = self.facts[:count], self.facts[count:]
        await say(self.server, said)
        return said

    def items(self, path: str) -> list[dict[str, object]]:
        found: list[dict[str, object]] = []
        cursor: dict[str, str] = {}
        while True:
            answer = httpx.get(self.query.url + path, params={"limit": "100", **cursor}).json()
            found += answer["items"]
            if not answer["next"]:
                return found
            cursor = {"cursor": answer["next"]}


@pytest.fixture(scope="module")
def told(make_server: Callable[[], NatsServer], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    server = make_server()
    query = start_query(tmp_path_factory.mktemp("stream"), server.url)
    # Whoever is removed has no lists: a story in which nobody is.
    facts = [fact for fact in story(41, hours=2.0) if fact.name != "camera.removed"]
    try:
        until("query is ready", query.is_ready, 10)
        site = Told(server, query, facts)
        asyncio.run(site.say(10))
        yield site
    finally:
        query.stop()


async def test_it_tells_what_rest_gives(told: Told) -> None:
    watcher = Watcher(told.port).start()
    hello = (await watcher.until("hello"))[0]
    assert hello.data == {"id": hello.id}
    assert watcher.headers["content-type"].startswith("text/event-stream")
    assert (watcher.headers["cache-control"], watcher.headers["x-accel-buffering"]) == ("no-cache", "no")
    said = await told.say(700)
    looks = [fact for fact in said if fact.name.startswith("look.") and fact.name != "look.budget_changed"]
    await watcher.until("look", len(looks), 30)
    await asyncio.sleep(0.5)
    await watcher.stop()
    removed = {one.data["media_key"] for one in watcher.heard if "removed" in one.data}
    for kind, (path, key) in LISTS.items():
        newest = {
            str(one.data[key]): one.data
            for one in watcher.heard
            if one.kind == kind and "removed" not in one.data and of_camera(one.data) == "camera-1"
        }
        kept = {
            name: item for name, item in newest.items() if item.get("media_key") not in removed or kind != "segment"
        }
        assert kept, kind
        rest = {str(item[key]): item for item in await asyncio.to_thread(told.items, path)}
        assert {name: rest[name] for name in kept} == kept
    for camera in ("camera-1", "camera-2"):
        item = (await asyncio.to_thread(httpx.get, f"{told.query.url}/api/v1/cameras/{camera}")).json()
        del item["picture"], item["hls"]
        assert [one.data for one in watcher.heard if one.kind == "camera" and of_camera(one.data) == camera][-1] == item


async def test_who_comes_back_gets_what_was_missed_and_nothing_else(told: Told) -> None:
    first = Watcher(told.port).start()
    await first.until("hello")
    await told.say(30)
    await first.until("look", 8)
    await first.stop()
    back, other = Watcher(told.port, first.last_id).start(), Watcher(told.port).start()
    await other.until("hello")
    said = await told.say(30)
    count = sum(fact.name.startswith("look.") for fact in said)
    await other.until("look", count)
    await back.until("look", count)
    await gone([back, other])
    assert "reset" not in {one.kind for one in back.heard}
    seen = [one.id for one in (*first.heard, *back.heard) if one.id]
    assert len(set(seen)) == len(seen), "nothing twice"
    # Either may have been left a message before the other.
    end = min([one.place for one in who.heard if one.id][-1] for who in (back, other))
    both = [one for one in other.heard if one.id and one.kind != "hello" and one.place <= end]
    assert both and [one for one in back.heard if one in both] == both


async def test_only_what_is_asked_for(told: Told) -> None:
    asked: list[dict[str, str | list[str]]] = [
        {"camera": "camera-1"},
        {"camera": ["camera-1", "camera-2"], "kind": "look,event"},
        {"kind": ["event", "segment"], "severity": "danger,warning"},
    ]
    watchers = [Watcher(told.port, asked=one).start() for one in asked]
    everything = Watcher(told.port).start()
    for watcher in (*watchers, everything):
        await watcher.until("hello")
    await told.say(150)
    await everything.until("event", 3)
    await asyncio.sleep(1)
    await gone([*watchers, everything])
    # Those who came first may hear the end of what was said before.
    begin = [max(one.heard[0].place[at] for one in (*watchers, everything)) for at in (0, 1)]

    def since(watcher: Watcher) -> list[Heard]:
        shown = [one for one in watcher.heard if one.kind not in ("hello", "state")]
        return [one for one in shown if one.place[0] >= begin[0] and one.place[1] >= begin[1] and [*one.place] != begin]

    heard = since(everything)
    wanted = [
        [one for one in heard if of_camera(one.data) == "camera-1"],
        [one for one in heard if one.kind in ("look", "event")],
        [one for one in heard if one.kind == "segment" or one.data.get("severity") in ("danger", "warning")],
    ]
    for watcher, expected in zip(watchers, wanted, strict=True):
        assert expected
        assert since(watcher) == expected


@pytest.mark.parametrize(
    ("query", "status", "named"),
    [
        ("cameras=camera-1", 422, "query.cameras"),
        ("camera=camera-1&since=1", 422, "query.since"),
        ("kind=video", 422, "query.kind"),
        ("kind=event,", 422, "query.kind"),
        ("severity=worst", 422, "query.severity"),
        ("camera=absent", 404, "nothing at this address"),
        ("camera=camera-1,absent", 404, "nothing at this address"),
        ("camera=%27", 404, "nothing at this address"),
    ],
)
def test_what_is_not_known_is_refused(told: Told, query: str, status: int, named: str) -> None:
    answer = httpx.get(f"{told.query.url}{STREAM}?{query}")
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/problem+json")
    assert named in answer.json()["detail"]


def test_a_head_ends(told: Told) -> None:
    answer = raw(told.port, STREAM, method="HEAD")
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["content-type"].startswith("text/event-stream")


@pytest.mark.parametrize("last_id", ["", "nonsense", "00000000.1.1", "1.1", "0badcafe.1.1\x7f"])
async def test_an_id_that_it_never_gave_is_a_reset(told: Told, last_id: str) -> None:
    fresh, watcher = Watcher(told.port).start(), Watcher(told.port, last_id).start()
    hello, reset = (await fresh.until("hello"))[0], (await watcher.until("reset"))[0]
    await gone([fresh, watcher])
    assert watcher.heard[0] == reset
    assert (reset.id, reset.data["id"]) == (hello.id, hello.id)


@pytest.mark.soak  # it waits for two pings
async def test_a_ping_bears_an_id_and_a_lost_token_ends_it(server: NatsServer, tmp_path: Path) -> None:
    query = start_query(tmp_path, server.url, "- {id: camera-1, name: a}\n- {id: camera-2, name: b}\n")
    try:
        until("query is ready", query.is_ready, 10)
        site = Site(query.url)
        site.close()
        for user in ("one", "two"):
            assert site.add(user, "guardian", "camera-1").status_code == 201
        tokens = {user: site.token(user) for user in ("one", "two")}
        nobody, others = (
            Watcher(query.port).start(),
            Watcher(query.port, token=tokens["one"], asked={"camera": "camera-2"}).start(),
        )
        await nobody.until_ended()
        await others.until_ended()
        assert (nobody.status, others.status) == (401, 404)
        admin, one, two = (Watcher(query.port, token=it).start() for it in (site.admin, tokens["one"], tokens["two"]))
        for watcher in (admin, one, two):
            await watcher.until("hello")
        facts = [fact for fact in story(8, hours=1.0) if fact.name.startswith(("look.", "event."))]
        await say(server, facts)
        await admin.until("look", sum(fact.name in ("look.started", "look.completed") for fact in facts))
        assert site.ask("DELETE", "/api/v1/users/two", site.admin).status_code in (200, 204)
        began = time.monotonic()
        await two.until_ended(60)
        assert time.monotonic() - began < 20
        end = time.monotonic() + 20
        while not one.pings:
            assert time.monotonic() < end
            await asyncio.sleep(0.1)
        assert not one.ended
        assert one.last_id == admin.last_id, "also what was passed over counts"
        await gone([admin, one])
        for watcher in (one, two):
            heard = [one for one in watcher.heard if one.kind not in ("hello", "state")]
            assert heard == [
                one for one in admin.heard if one.kind not in ("hello", "state") and of_camera(one.data) == "camera-1"
            ]
        assert {of_camera(one.data) for one in admin.heard if one.kind not in ("hello", "state")} == {
            "camera-1",
            "camera-2",
        }
    finally:
        query.stop()


async def test_it_says_when_the_bus_is_away(server: NatsServer, tmp_path: Path) -> None:
    query = start_query(tmp_path, server.url)
    facts = list(story(8, hours=0.5))
    try:
        until("query is ready", query.is_ready, 10)
        watcher = Watcher(query.port).start()
        hello = (await watcher.until("hello"))[0]
        server.kill()
        away = (await watcher.until_state("bus-away")).data
        assert str(away["since"]).endswith("Z")
        late = Watcher(query.port, hello.id).start()
        assert (await late.until("state"))[0].data == away
        await asyncio.to_thread(server.start)
        for one in (watcher, late):
            await one.until_state("")
        await say(server, facts)
        count = sum(fact.name in ("look.started", "look.completed") for fact in facts)
        for one in (watcher, late):
            await one.until("look", count, 20)
        await gone([watcher, late])
        assert [one.id for one in watcher.heard if one.id] == [hello.id, *(one.id for one in late.heard if one.id)]
    finally:
        query.stop()


async def test_streams_that_were_made_anew_are_a_reset(server: NatsServer, tmp_path: Path) -> None:
    query = start_query(tmp_path, server.url)
    facts = [fact for fact in story(8, hours=0.5) if fact.name.startswith("look.")]
    try:
        until("query is ready", query.is_ready, 10)
        watcher = Watcher(query.port).start()
        await watcher.until("hello")
        await say(server, facts[:20])
        old = (await watcher.until("look", 20))[-1]
        server.kill()
        shutil.rmtree(server.folder / "js")
        await asyncio.to_thread(server.start)
        await asyncio.to_thread(server.set_up)
        reset = (await watcher.until("reset", 1, 20))[0]
        assert reset.id.partition(".")[0] != old.id.partition(".")[0]
        late = Watcher(query.port, old.id).start()
        assert (await late.until("reset"))[0].data["why"] == "unknown-streams"
        await say(server, facts[20:30])
        for one, count in ((watcher, 30), (late, 10)):
            await one.until("look", count, 20)
        await gone([watcher, late])
    finally:
        query.stop()


async def stopped(server: NatsServer, folder: Path) -> tuple[float, float]:
    """Seconds from SIGTERM until 200 streams ended, and until the process did."""
    query = start_query(folder, server.url)
    try:
        until("query is ready", query.is_ready, 10)
        watchers = [Watcher(query.port).start() for _ in range(200)]
        for watcher in watchers:
            await watcher.until("hello")
        began = time.monotonic()
        query.process.terminate()
        for watcher in watchers:
            await watcher.until_ended(5)
        streams = time.monotonic() - began
        assert await asyncio.to_thread(query.process.wait, 5) == 0
        assert all(watcher.body == b"" for watcher in watchers), "no message is cut in two"
        assert not [line for line in query.log if line["level"] == "error"]
        return streams, time.monotonic() - began
    finally:
        query.stop()


async def test_all_streams_end_when_it_stops(server: NatsServer, tmp_path: Path) -> None:
    tries = list[tuple[float, float]]()
    while len(tries) < 3:  # another test may need the machine at this very moment
        tries.append(await stopped(server, tmp_path / str(len(tries))))
        if tries[-1][0] < 1 and tries[-1][1] < 1.5:
            break
    print(f"streams and process ended after {tries} s")
    assert tries[-1][0] < 1
    assert tries[-1][1] < 1.5
