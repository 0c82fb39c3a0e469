"""cameras.yaml becomes facts, once; on a real bus with query's own rights."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from libs.bus import append_fact, follow
from libs.clock import SiteClock
from libs.contracts.envelope import Fact, Origin, decode, new_fact
from libs.contracts.streams import CAMERAS
from services.query.cameras_file import parse_cameras
from services.query.commands import Wished, record_wish, register_cameras
from services.query.domain import plan
from services.query.settings import Settings
from services.query.site import Site
from tests.nats_server import NatsServer

DEMO = "- {id: camera-1, name: 햇살반, source: {kind: demo}}\n"
FILE = "- {id: camera-1, name: 햇살반, source: {kind: files, files: [a.mp4]}}\n"
TWO = DEMO + "- {id: camera-2, name: Yard, source: {kind: demo}}\n"


@asynccontextmanager
async def site(server: NatsServer, folder: Path, text: str) -> AsyncIterator[Site]:
    """The parts of a query that registers cameras, without a web server."""
    path = folder / "cameras.yaml"
    path.write_text(text, encoding="utf-8")
    held = Site(Settings(dolbom_cameras=str(path)), SiteClock())
    async with server.bus("query") as bus, asyncio.TaskGroup() as tasks:
        held.bus = bus
        keeping = tasks.create_task(held.view.keep(bus))
        yield held
        keeping.cancel()


async def start(server: NatsServer, folder: Path, text: str) -> list[str]:
    """Start, register, stop; returns all that stands in the stream by then."""
    async with site(server, folder, text) as held:
        await asyncio.wait_for(register_cameras(held), 5)
        assert held.registration == ""
    return [f"{fact.nats_subject} {state(fact)}".strip() for fact in await facts(server)]


async def facts(server: NatsServer) -> list[Fact]:
    async with server.bus("query") as bus:
        found: list[Fact] = []
        async for batch in follow(bus, CAMERAS.name, CAMERAS.subjects):
            found += [decode(received.payload) for received in batch.messages]
            if batch.caught_up:
                break
        return found


def state(fact: Fact) -> str:
    return str(getattr(fact.data, "state", ""))


FIRST = ["camera.registered.camera-1", "camera.desired.camera-1 running"]


async def test_a_second_start_says_nothing(server: NatsServer, tmp_path: Path) -> None:
    assert await start(server, tmp_path, DEMO) == FIRST
    assert await start(server, tmp_path, DEMO) == FIRST
    assert await start(server, tmp_path, "") == FIRST
    assert await start(server, tmp_path, TWO) == [
        *FIRST,
        "camera.registered.camera-2",
        "camera.desired.camera-2 running",
    ]


async def test_there_and_back_again(server: NatsServer, tmp_path: Path) -> None:
    updated = "camera.updated.camera-1"
    assert await start(server, tmp_path, DEMO) == FIRST
    assert await start(server, tmp_path, FILE) == [*FIRST, updated]
    assert await start(server, tmp_path, DEMO) == [*FIRST, updated, updated]
    assert await start(server, tmp_path, FILE) == [*FIRST, updated, updated, updated]
    revisions = [getattr(fact.data, "revision", 0) for fact in await facts(server)]
    assert revisions == [1, 2, 3, 4, 5]


async def test_a_wish_is_not_overruled(server: NatsServer, tmp_path: Path) -> None:
    async with site(server, tmp_path, DEMO) as held:
        await register_cameras(held)
        await record_wish(held, "camera-1", Wished("stopped", "anyone", "", "key"))
    stopped = [*FIRST, "camera.desired.camera-1 stopped"]
    assert await start(server, tmp_path, DEMO) == stopped
    assert await start(server, tmp_path, FILE) == [*stopped, "camera.updated.camera-1"]


async def test_a_death_between_the_two_facts(server: NatsServer, tmp_path: Path) -> None:
    planned = plan({}, parse_cameras(DEMO))[0]
    async with server.bus("query") as bus:
        fact = new_fact(planned.data, "camera-1", (planned.request,), Origin("query", 0, 0))
        await append_fact(bus, fact, CAMERAS.name, "camera.*.camera-1", 0)
    assert await start(server, tmp_path, DEMO) == FIRST


async def test_two_processes_at_once(server: NatsServer, tmp_path: Path) -> None:
    async with site(server, tmp_path, TWO) as one, site(server, tmp_path, TWO) as other:
        await asyncio.wait_for(asyncio.gather(register_cameras(one), register_cameras(other)), 5)
    subjects = sorted(fact.nats_subject for fact in await facts(server))
    assert subjects == sorted(
        f"camera.{kind}.camera-{number}" for kind in ("registered", "desired") for number in (1, 2)
    )


async def test_a_bad_file_is_told_and_read_again(
    server: NatsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.query.commands.READ_AGAIN", 0.05)
    async with site(server, tmp_path, "- {id: camera-1}") as held:
        work = asyncio.create_task(register_cameras(held))
        while not held.registration.startswith("cameras.yaml: entry 1 (camera-1): name: Field required"):
            assert not work.done()
            await asyncio.sleep(0.02)
        (tmp_path / "cameras.yaml").write_text(DEMO, encoding="utf-8")
        await asyncio.wait_for(work, 5)
        assert held.registration == ""
