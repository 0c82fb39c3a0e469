"""A rebuild while the site runs: whoever reads notices nothing, and whatever dies leaves what works."""

import asyncio
import json
import os
import random
import signal
from collections.abc import Callable

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from libs.clock import real
from services.query.records.database import open_engine
from services.query.records.generations import numbers, shown, views_url
from services.query.records.keeping import Databases, Records
from services.query.records.rows import Statement, compiled
from services.query.records.tables import TABLES
from tests.integration.database.running import rebuilt, running, start_rebuild
from tests.integration.database.test_reading import FACTS, assert_all, say, until_read
from tests.integration.database.views import Fresh
from tests.nats_server import NatsServer

SEED = int(os.environ.get("DOLBOM_SEED") or random.SystemRandom().randrange(10**6))
FACTS_HELD = compiled(select(func.count()).select_from(TABLES["inbox"]))
LOOKS_HELD = compiled(select(func.count()).select_from(TABLES["looks"]))
FOLLOWED_WITHIN = 2.0
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


Seen = list[tuple[int, int, int]]
"""The generation that was asked, its facts and its looks."""


async def count(now: Databases, asked: Statement) -> int:
    return int(str((await now.rows.fetch(asked))[0][0]))


async def until(what: Callable[[], bool], seconds: float) -> None:
    async with asyncio.timeout(seconds):
        while not what():  # noqa: ASYNC110 - other processes' work
            await asyncio.sleep(0.01)


async def begun(control: AsyncEngine, number: int) -> None:
    """Until the rebuild has taken this number."""
    async with asyncio.timeout(30):
        while True:
            async with control.connect() as connection:
                if number in await numbers(connection):
                    return
            await asyncio.sleep(0.002)


async def poll(records: Records, seen: Seen) -> None:
    """Ask all the time, as those do who look at the page; an error ends the test."""
    while True:
        now = records.now
        assert now is not None, "the databases are always there"
        seen.append((now.number, await count(now, FACTS_HELD), await count(now, LOOKS_HELD)))
        await asyncio.sleep(0.005)


async def follows(url: str, records: Records, late: list[float]) -> None:
    """How long after the row said so another generation is read."""
    control, told = open_engine(url), 1

    def followed() -> bool:
        return records.now is not None and records.now.number == told

    try:
        while True:
            async with control.connect() as connection:
                number = await shown(connection)
            if number is not None and number > told:
                began, told = real(), number
                await until(followed, 30)
                late.append(real() - began)
            await asyncio.sleep(0.01)
    finally:
        await control.dispose()


async def test_whoever_reads_notices_nothing(fresh: Fresh, server: NatsServer) -> None:
    url = await fresh()
    seen: Seen = []
    late: list[float] = []
    half = len(FACTS) // 2
    await say(server, FACTS[:half])
    async with running(url, server) as records:
        assert records.now is not None
        await until_read(records.now.views, records.now.control, half)
        watching = [asyncio.create_task(poll(records, seen)), asyncio.create_task(follows(url, records, late))]
        publishing = asyncio.create_task(say(server, FACTS[half:], lambda: asyncio.sleep(0.01)))
        for _ in range(2):
            status, said = await rebuilt(url, server)
            assert status == 0, said
            assert "all rows are those of generation" in said
        await publishing
        log = open_engine(url)
        await until_read(records.now.views, log, len(FACTS))
        await asyncio.sleep(0.1)
        for task in watching:
            task.cancel()
        for done in await asyncio.gather(*watching, return_exceptions=True):
            assert isinstance(done, asyncio.CancelledError), done
        await assert_all(records.now.views, log, FACTS)
        await log.dispose()
    print(f"{len(seen)} questions, followed after {late}")
    assert {number for number, _, _ in seen} == {1, 2, 3}
    assert seen == sorted(seen), "nobody saw another generation again"
    assert [facts for _, facts, _ in seen] == sorted(facts for _, facts, _ in seen), "nobody saw less than before"
    assert seen[0][1] >= half
    assert len(late) == 2
    assert max(late) < FOLLOWED_WITHIN


@pytest.mark.parametrize("turn", [0, *(pytest.param(turn, marks=pytest.mark.soak) for turn in (1, 2))])
async def test_a_rebuild_that_dies_leaves_what_was_shown(turn: int, fresh: Fresh, server: NatsServer) -> None:
    dice, url = random.Random(SEED + turn), await fresh()
    print(f"seed {SEED + turn}")
    facts = FACTS[:400]
    await say(server, facts)
    async with running(url, server) as records:
        assert records.now is not None
        log = open_engine(url)
        await until_read(records.now.views, log, len(facts))
        whole = json.loads((await rebuilt(url, server, "--json"))[1])["seconds"]
        for number in (3, 4):
            rebuild = start_rebuild(url, server)
            await begun(log, number)
            await asyncio.sleep(dice.uniform(0, whole))
            rebuild.process.kill()
            await rebuild.ended()
            async with log.connect() as connection:
                now = await shown(connection)
            assert now is not None
            stands = open_engine(views_url(url, now))
            await assert_all(stands, log, facts)
            await stands.dispose()
        status, said = await rebuilt(url, server)
        assert status == 0, said
        async with log.connect() as connection:
            now, all_of_them = await shown(connection), list(await numbers(connection))
        assert len(all_of_them) == 2, all_of_them
        assert all_of_them[-1] == now, "what was half-built is gone"
        await until(lambda: records.now is not None and records.now.number == now, FOLLOWED_WITHIN)
        await assert_all(records.now.views, log, facts)
        await log.dispose()


async def test_ctrl_c_leaves_what_is_shown(fresh: Fresh, server: NatsServer) -> None:
    url = await fresh()
    await say(server, FACTS[:300])
    async with running(url, server) as records:
        assert records.now is not None
        await until_read(records.now.views, records.now.control, 300)
        rebuild = start_rebuild(url, server)
        await begun(records.now.control, 2)
        rebuild.process.send_signal(signal.SIGINT)
        status, said = await rebuild.ended()
        async with records.now.control.connect() as connection:
            now = await shown(connection)
        assert (status, now) in ((1, 1), (0, 2)), said
        if status:
            assert "what is shown is as it was" in said
