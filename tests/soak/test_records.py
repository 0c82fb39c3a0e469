"""The real process that keeps log and views, the bus and the database die at random, and rebuilds with them.

At the end every fact stands in the log byte for byte and in the rows once. Of two seeds that follow one another one has
a MariaDB and a process that does nothing but project, the other a SQLite file.
"""

import asyncio
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from libs.contracts.envelope import Fact
from libs.media import prepare_store
from services.query.records.archiver import LOG
from services.query.records.database import open_engine
from services.query.records.generations import shown, views_url
from services.query.records.tables import TABLES
from tests.integration.database.test_reading import assert_all, say
from tests.integration.database.views import create
from tests.mariadb import SERVER, WHY_NOT, MariaDb
from tests.nats_server import NatsServer
from tests.soak.seeds import PATIENCE, SEEDS, chances, count
from tests.story import story

ROOT = Path(__file__).resolve().parents[2]
VICTIMS = {"nothing": 400, "query": 6, "nats": 2, "mariadb": 2, "rebuild": 2}
"""How often after a fact what dies; a rebuild is started first, and dies a little later."""
BETWEEN = 0.015
"""Seconds between two facts (the mean): the process lives long enough to be in the middle of something."""
pytestmark = [
    pytest.mark.soak,
    pytest.mark.timeout(300),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module")
def mariadb() -> Iterator[MariaDb]:
    if SERVER is None:
        pytest.skip(WHY_NOT)
    folder = Path(tempfile.mkdtemp(prefix="dolbom-mariadb-"))
    folder.chmod(0o711)
    server = MariaDb(folder / "server")
    try:
        server.make()
        server.start()
        yield server
    finally:
        server.kill()
        shutil.rmtree(folder)


@dataclass
class Site:
    """Everything that can die."""

    folder: Path
    nats: NatsServer
    url: str
    mariadb: MariaDb | None
    dice: random.Random
    done: Counter[str] = field(default_factory=Counter)
    query: "subprocess.Popen[bytes] | None" = None
    rebuilds: "list[subprocess.Popen[bytes]]" = field(default_factory=list)

    def start(self, *words: str) -> "subprocess.Popen[bytes]":
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "NATS_URL": self.nats.url, "DATABASE_URL": self.url}
        environment |= {"NATS_USER": "query", "NATS_PASSWORD": "query", "DOLBOM_DATA": str(self.folder)}
        environment |= {"MEDIA_URL": str(self.folder / "media"), "HTTP_PORT": "0"}
        environment |= {"QUERY_ROLE": "projector" if self.mariadb else "all"}
        with (self.folder / "said.txt").open("ab") as said:
            return subprocess.Popen([sys.executable, "-m", *words], cwd=ROOT, env=environment, stdout=said, stderr=said)

    async def disturb(self) -> None:
        """Perhaps something dies now."""
        await asyncio.sleep(self.dice.expovariate(1 / BETWEEN))
        victim = self.dice.choices(list(VICTIMS), list(VICTIMS.values()))[0]
        if victim == "nothing" or (victim == "mariadb" and self.mariadb is None):
            return
        self.done[victim] += 1
        match victim:
            case "query":
                end(self.query)
                self.query = self.start("services.query")
            case "nats":
                self.nats.kill()
                await asyncio.sleep(self.dice.choice((0, 0, 1)))
                await asyncio.to_thread(self.nats.start)
            case "mariadb" if self.mariadb:
                self.mariadb.kill()
                await asyncio.to_thread(self.mariadb.start)
            case _:
                self.rebuilds.append(self.start("cli", "rebuild"))
                asyncio.get_running_loop().call_later(self.dice.uniform(0.5, 4), end, self.rebuilds[-1])

    def close(self) -> None:
        for process in (self.query, *self.rebuilds):
            end(process)
        self.nats.kill()


def end(process: "subprocess.Popen[bytes] | None") -> None:
    if process:
        process.kill()
        process.wait()


@pytest.mark.parametrize("number", range(SEEDS))
def test_nothing_is_doubled_or_lost(
    number: int, tmp_path: Path, mariadb: MariaDb, record_property: Callable[[str, object], None]
) -> None:
    seed, dice = chances(number)
    nats = NatsServer(tmp_path)
    nats.start()
    nats.set_up()
    prepare_store(tmp_path / "media")
    server = mariadb if seed % 2 == 0 else None
    url = f"{mariadb.url}soak_{seed}?charset=utf8mb4" if server else f"sqlite+aiosqlite:///{tmp_path}/control.db"
    site = Site(tmp_path, nats, url, server, dice)
    facts = list(story(seed, hours=1.0))
    try:
        if server:
            asyncio.run(create(server.url, f"soak_{seed}"))
        asyncio.run(told_and_kept(site, facts))
        kills = ", ".join(f"{often} {what}" for what, often in sorted(site.done.items()))
        print(f"{'MariaDB' if server else 'SQLite'}: {len(facts)} facts; died: {kills or 'nothing'}")
        count(record_property, site.done | Counter({"facts": len(facts)}))
    except BaseException:
        print((tmp_path / "said.txt").read_text(encoding="utf-8", errors="replace")[-1500:])
        raise
    finally:
        site.close()
    shutil.rmtree(tmp_path)


async def told_and_kept(site: Site, facts: Sequence[Fact]) -> None:
    site.query = site.start("services.query")
    await say(site.nats, facts, site.disturb)
    for process in site.rebuilds:
        await asyncio.to_thread(process.wait)
    log = open_engine(site.url)
    try:
        async with asyncio.timeout(PATIENCE):
            await until_held(log, site.url, len(facts))
        async with log.connect() as connection:
            number = await shown(connection)
        views = open_engine(views_url(site.url, number or 0))
        try:
            await assert_all(views, log, facts)
        finally:
            await views.dispose()
    finally:
        await log.dispose()


async def until_held(log: AsyncEngine, url: str, wanted: int) -> None:
    """Until log and views hold so many facts; the databases may be away meanwhile, or not there yet."""
    while True:
        with suppress(DBAPIError, OSError):
            async with log.connect() as connection:
                logged = await connection.scalar(select(func.count()).select_from(LOG))
                number = await shown(connection)
            views = open_engine(views_url(url, number or 0))
            try:
                async with views.connect() as connection:
                    held = await connection.scalar(select(func.count()).select_from(TABLES["inbox"]))
            finally:
                await views.dispose()
            if logged == held == wanted:
                return
        await asyncio.sleep(0.2)
