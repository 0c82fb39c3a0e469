"""Twenty who watch come and go, facts are said, and query is killed three times: nobody misses anything unknowingly."""

import asyncio
import contextlib
import random
import socket
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from libs.bus import Bus, publish
from libs.contracts.envelope import Fact, encode
from libs.contracts.facts import SegmentExpired
from libs.contracts.permissions import SERVICES
from libs.contracts.streams import CAMERAS
from libs.contracts.subjects import MSG_ID, covers
from tests.integration.query.harness import Query, start_query, until
from tests.integration.query.watchers import Heard, Watcher
from tests.nats_server import NatsServer
from tests.story import story

EVENTS, KILLS, PEOPLE = "/api/v1/events", 3, 20
SHOWS = {
    "look.started": "look",
    "look.completed": "look",
    "event.detected": "event",
    "event.extended": "event",
    "event.ended": "event",
    "event.reviewed": "event",
    "segment.closed": "segment",
    "segment.expired": "segment",
    "segment.analyzed": "analysis",
    "segment.analysis_failed": "analysis",
    "segment.analysis_attempted": "analysis",
    "report.published": "report",
    "camera.registered": "camera",
    "camera.updated": "camera",
    "camera.removed": "camera",
    "camera.desired": "camera",
    "camera.observed": "camera",
}
Said = tuple[int, int]
"""Stream (0 events, 1 cameras) and sequence of a fact."""


@dataclass
class World:
    """What was said so far, by its place."""

    facts: dict[Said, Fact] = field(default_factory=dict)

    async def say(self, buses: dict[str, Bus], fact: Fact) -> None:
        bus = buses[fact.source.partition("/")[2]]
        stored = await publish(bus, fact.nats_subject, encode(fact), {MSG_ID: fact.id})
        stream = int(any(covers(one, fact.nats_subject) for one in CAMERAS.subjects))
        self.facts.setdefault((stream, stored.sequence), fact)

    def shown(self, person: "Person") -> tuple[set[Said], set[Said]]:
        """The facts that this one must have been told since a place, and those that may have been."""
        gone = {fact.data.media_key for fact in self.facts.values() if isinstance(fact.data, SegmentExpired)}
        may = {
            at
            for at, fact in self.facts.items()
            if at[1] > person.since[at[0]]
            and fact.name in SHOWS
            and person.camera in (None, fact.subject)
            and person.kind in (None, SHOWS[fact.name])
        }
        # An archive that is deleted soon may be gone when it is told of.
        must = {at for at in may if getattr(self.facts[at].data, "media_key", "") not in gone}
        return must, may


@dataclass
class Person:
    """Watches, goes away and comes back; keeps the events as a page does."""

    number: int
    port: int
    dice: random.Random
    camera: str | None
    kind: str | None
    last_id: str | None = None
    since: tuple[int, int] = (0, 0)
    told: list[tuple[tuple[int, int], Heard]] = field(default_factory=list)
    """What came since `since`, with where one was before it."""
    here: tuple[int, int] = (0, 0)
    events: dict[str, dict[str, object]] = field(default_factory=dict)
    resets: int = 0
    visits: int = 0

    async def watch(self, url: str, done: asyncio.Event) -> None:
        while not done.is_set():
            await self.visit(url, self.dice.uniform(0.05, 1.5))
            await asyncio.sleep(self.dice.uniform(0, 0.3))

    async def visit(self, url: str, seconds: float, target: tuple[int, int] | None = None) -> None:
        asked: dict[str, str | list[str]] = {}
        asked |= {"camera": self.camera} if self.camera else {}
        asked |= {"kind": self.kind} if self.kind else {}
        watcher = Watcher(self.port, self.last_id, asked=asked).start()
        end, used = asyncio.get_running_loop().time() + seconds, 0
        while asyncio.get_running_loop().time() < end and not watcher.ended:
            await asyncio.sleep(0.02)
            while used < len(watcher.heard):
                await self.learn(url, watcher.heard[used])
                used += 1
            if target and watcher.last_id and self.reached(watcher.last_id, target):
                break
        await watcher.stop()
        for heard in watcher.heard[used:]:
            await self.learn(url, heard)
        self.last_id, self.visits = watcher.last_id, self.visits + 1

    def reached(self, last_id: str, target: tuple[int, int]) -> bool:
        _, events, cameras = last_id.split(".")
        return int(events) >= target[0] and int(cameras) >= target[1]

    async def learn(self, url: str, heard: Heard) -> None:
        if heard.kind in ("hello", "reset"):
            self.resets += heard.kind == "reset"
            self.since, self.here, self.told = heard.place, heard.place, []
            await self.read_again(url)
        elif heard.kind != "state":
            self.told.append((self.here, heard))
            self.here = heard.place
            if heard.kind == "event":
                self.events[str(heard.data["event_id"])] = heard.data

    async def read_again(self, url: str) -> None:
        while True:
            with contextlib.suppress(httpx.HTTPError, KeyError):
                self.events = await listed(url)
                return
            await asyncio.sleep(0.1)

    def check(self, world: World, rest: dict[str, dict[str, object]]) -> int:
        """Each fact that concerns this one was told once, in order; events are what REST says."""
        must, may = world.shown(self)
        found = list[Said]()
        for before, heard in self.told:
            new = [(at, heard.place[at]) for at in (0, 1) if heard.place[at] > before[at]]
            told = [at for at in new if at in may and SHOWS[world.facts[at].name] == heard.kind]
            assert len(told) == 1, (self.number, before, heard, new)
            found += told
        assert must <= set(found) <= may, (self.number, must - set(found))
        for stream in (0, 1):
            mine = [at for at in found if at[0] == stream]
            assert mine == sorted(set(mine)), "in order and once"
        if self.kind in (None, "event"):
            assert (
                self.events.items()
                >= {name: item for name, item in rest.items() if self.camera in (None, item["camera_id"])}.items()
            )
        return len(found)


async def listed(url: str) -> dict[str, dict[str, object]]:
    """All events as REST gives them."""
    found: dict[str, dict[str, object]] = {}
    cursor: dict[str, str] = {}
    async with httpx.AsyncClient(base_url=url) as client:
        while True:
            answer = (await client.get(EVENTS, params={"limit": "200", **cursor})).json()
            found |= {str(item["event_id"]): item for item in answer["items"]}
            if not answer["next"]:
                return found
            cursor = {"cursor": answer["next"]}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


@dataclass
class Mortal:
    """A query that is killed and started again at the same address."""

    server: NatsServer
    query: Query

    async def kill(self) -> None:
        self.query.stop()
        settings = {"HTTP_PORT": str(self.query.port)}
        self.query = await asyncio.to_thread(start_query, self.query.folder, self.server.url, "", settings)


async def tell(mortal: Mortal, world: World, facts: Sequence[Fact], dice: random.Random) -> None:
    """Say all facts, and kill query meanwhile."""
    kills = sorted(dice.sample(range(len(facts) // 10, len(facts) - 10), KILLS))
    restart: asyncio.Task[None] | None = None
    async with contextlib.AsyncExitStack() as stack:
        buses = {user: await stack.enter_async_context(mortal.server.bus(user)) for user in SERVICES}
        for number, fact in enumerate(facts):
            if number in kills:
                if restart is not None:
                    await restart
                restart = asyncio.create_task(mortal.kill())
            await world.say(buses, fact)
            await asyncio.sleep(dice.choice((0, 0, 0, 0.01, 0.05, 0.1)))
    if restart is not None:
        await restart


@pytest.mark.timeout(180)
async def test_nobody_misses_anything_unknowingly(server: NatsServer, tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(1, 1 << 32)
    print(f"seed {seed}")
    dice, world, done = random.Random(seed), World(), asyncio.Event()
    mortal = Mortal(server, start_query(tmp_path, server.url, settings={"HTTP_PORT": str(free_port())}))
    facts = [fact for fact in story(seed, hours=0.5) if fact.name != "camera.removed"]
    url, port = mortal.query.url, mortal.query.port
    try:
        until("query is ready", mortal.query.is_ready, 10)
        async with server.bus("query") as bus:
            for fact in facts[:4]:
                await world.say({"query": bus}, fact)
        people = [
            Person(number, port, random.Random(f"{seed}/{number}"), *_wishes(number, dice)) for number in range(PEOPLE)
        ]
        watching = [asyncio.create_task(person.watch(url, done)) for person in people]
        await tell(mortal, world, facts[4:], dice)
        done.set()
        await asyncio.gather(*watching)
        last = [max(sequence for stream, sequence in world.facts if stream == number) for number in (0, 1)]
        await asyncio.gather(*(person.visit(url, 30, (last[0], last[1])) for person in people))
        rest = await listed(url)
        told = sum(person.check(world, rest) for person in people)
    finally:
        mortal.query.stop()
    visits, resets = sum(one.visits for one in people), sum(one.resets for one in people)
    print(f"{len(world.facts)} facts, {told} messages, {visits} visits, {resets} resets")
    assert visits > 3 * PEOPLE


def _wishes(number: int, dice: random.Random) -> tuple[str | None, str | None]:
    """Two want everything, others a camera's or a resource's."""
    if number < 2:
        return None, None
    return dice.choice((None, None, "camera-1", "camera-2")), dice.choice((None, None, "event", "camera", "look"))
