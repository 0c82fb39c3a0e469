"""What can never be shown is parked, what a newer program said is kept and told, a past that changed is told."""

import asyncio
import json
import shutil
from collections.abc import Callable

import pytest
from sqlalchemy import select

from libs.bus import Bus, Received, follow, publish
from libs.bus import park as really_park
from libs.contracts import catalogue
from libs.contracts.envelope import encode
from libs.contracts.subjects import MSG_ID
from services.query.records import reading
from services.query.records.keeping import Records
from services.query.records.reading import READ_ANEW
from services.query.records.tables import TABLES
from services.query.records.troubles import BEHIND
from tests.integration.database.running import rebuilt, running
from tests.integration.database.test_reading import FACTS, assert_all, say, until_read
from tests.integration.database.views import Fresh
from tests.nats_server import NatsServer

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
LOOK = "look.started.camera-1"


async def until(what: Callable[[], bool], seconds: float = 20.0) -> None:
    async with asyncio.timeout(seconds):
        while not what():  # noqa: ASYNC110 - other tasks' work
            await asyncio.sleep(0.02)


async def put(server: NatsServer, subject: str, body: bytes, name: str) -> None:
    async with server.bus("detector") as bus:
        await publish(bus, subject, body, {MSG_ID: name})


async def parked(bus: Bus) -> list[Received]:
    """All that is parked now."""
    found: list[Received] = []
    async for batch in follow(bus, "PARKED", ("parked.>",)):
        found += batch.messages
        if batch.caught_up:
            return found
    raise AssertionError


async def holds(records: Records, count: int) -> None:
    assert records.now is not None
    await until_read(records.now.views, records.now.control, count)


async def test_what_can_never_be_used_is_parked_once_and_all_else_goes_on(fresh: Fresh, server: NatsServer) -> None:
    url = await fresh()
    broken = json.dumps({**json.loads(encode(FACTS[3])), "id": "6d1f0f0e-0000-5000-8000-000000000001", "data": {}})
    bad = {"no JSON": b"\xff\xfe", "no fact": b"{}", "no data": broken.encode()}
    await say(server, FACTS[:20])
    for name, body in bad.items():
        await put(server, LOOK, body, name)
    elsewhere = next(fact for fact in FACTS[20:] if fact.name == "look.started" and fact.subject == "camera-2")
    await put(server, LOOK, encode(elsewhere), "elsewhere")
    async with running(url, server) as records:
        await say(server, [fact for fact in FACTS[20:60] if fact.id != elsewhere.id])
        kept = [fact for fact in FACTS[:60] if fact.id != elsewhere.id]
        assert records.now is not None
        await until_read(records.now.views, records.now.control, len(kept), more_in_log=2)
        async with server.bus("query") as bus:
            found = await parked(bus)
    assert sorted(one.subject for one in found) == [f"parked.query.undecodable.{LOOK}"] * 4
    assert {one.headers["Dolbom-Parked-Id"] for one in found} == {*bad, "elsewhere"}
    assert {one.payload for one in found} == {*bad.values(), encode(elsewhere)}
    async with running(url, server), server.bus("query") as bus:
        await asyncio.sleep(1.5)
        assert len(await parked(bus)) == 4, "a start that reads them again parks nothing again"


async def test_what_no_column_holds_is_parked_too(fresh: Fresh, server: NatsServer) -> None:
    url, facts = await fresh(), FACTS[:40]
    whole = json.loads(encode(next(fact for fact in facts if fact.name == "look.completed")))
    other = "6d1f0f0e-0000-5000-8000-000000000002"
    big = {**whole, "id": other, "data": {**whole["data"], "look_id": other, "first_slot": 10**30}}
    where = f"look.completed.{whole['subject']}"
    await put(server, where, json.dumps(big).encode(), "big")
    async with running(url, server) as records:
        await say(server, facts)
        assert records.now is not None
        await until_read(records.now.views, records.now.control, len(facts), more_in_log=1)
        async with server.bus("query") as bus:
            (found,) = await parked(bus)
        assert "the database cannot hold it" in found.headers["Dolbom-Parked-Reason"]
        status, said = await rebuilt(url, server)
        assert status == 0, said


async def test_nothing_passes_what_is_not_parked_while_the_bus_is_away(
    fresh: Fresh, server: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    allowed = asyncio.Event()

    async def park(bus: Bus, *rest: object) -> object:
        """The bus goes away in just this moment."""
        if not allowed.is_set():
            server.kill()
            allowed.set()
        return await really_park(bus, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(reading, "park", park)
    url = await fresh()
    await put(server, LOOK, b"{}", "no fact")
    await say(server, FACTS[:20])
    async with running(url, server) as records:
        await until(allowed.is_set)
        await asyncio.sleep(1)
        assert records.now is not None
        async with records.now.views.connect() as connection:
            places = (await connection.execute(select(TABLES["checkpoints"]))).all()
        assert [row for row in places if row[0] == "EVENTS"] == []
        await asyncio.to_thread(server.start)
        await holds(records, 20)
        async with server.bus("query") as bus:
            assert len(await parked(bus)) == 1


async def test_newer_facts_are_kept_and_told_and_shown_by_code_that_knows_them(
    fresh: Fresh, server: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(catalogue.FACTS, "look.started")
    url, lacking = await fresh(), sum(fact.name == "look.started" for fact in FACTS[:60])
    async with running(url, server) as records:
        await say(server, FACTS[:60])
        assert records.now is not None
        await until_read(records.now.views, records.now.control, 60 - lacking, more_in_log=lacking)
        await until(lambda: "dolbom.look.started.v1" in records.worry)
        assert "dolbom rebuild --accept" in records.worry
        assert BEHIND._value.get() == 1
        monkeypatch.undo()
        status, said = await rebuilt(url, server)
        assert status == 1
        assert "  looks " in said
        assert (await rebuilt(url, server, "--accept"))[0] == 0
        await until(lambda: records.worry == "" and BEHIND._value.get() == 0)
        await assert_all(records.now.views, records.now.control, FACTS[:60])


async def test_a_past_that_changed_is_told_until_a_rebuild_shows_other_views(fresh: Fresh, server: NatsServer) -> None:
    url = await fresh()
    async with running(url, server) as records:
        await say(server, FACTS[:100])
        await holds(records, 100)
        assert records.worry == ""
        server.kill()
        shutil.rmtree(server.folder / "js")
        await asyncio.to_thread(server.start)
        await asyncio.to_thread(server.set_up)
        await say(server, FACTS[50:200])
        await holds(records, 200)
        await until(lambda: "EVENTS" in records.worry, 60)
        assert READ_ANEW.labels("EVENTS")._value.get() == 1
    async with running(url, server) as records:
        await until(lambda: "type `dolbom rebuild`" in records.worry)
        status, said = await rebuilt(url, server)
        assert status == 0, said
        await until(lambda: records.worry == "")
        assert READ_ANEW.labels("EVENTS")._value.get() == 0
        assert records.now is not None
        await assert_all(records.now.views, records.now.control, FACTS[:200])


async def test_another_past_of_the_same_stream_is_found_though_it_is_longer(fresh: Fresh, server: NatsServer) -> None:
    url, js = await fresh(), server.folder / "js"
    async with running(url, server) as records:
        await say(server, FACTS[:60])
        await holds(records, 60)
        server.kill()
        shutil.copytree(js, server.folder / "old")
        await asyncio.to_thread(server.start)
        await say(server, FACTS[60:80])
        await holds(records, 80)
        assert records.worry == ""
    server.kill()
    shutil.rmtree(js)
    (server.folder / "old").rename(js)
    await asyncio.to_thread(server.start)
    await say(server, FACTS[80:140])
    async with running(url, server) as records:
        await holds(records, 140)
        await until(lambda: "EVENTS" in records.worry)
        assert records.now is not None
        await assert_all(records.now.views, records.now.control, FACTS[:140])
