"""A million facts are built anew: what it costs, all processes counted, and in how little memory."""

import asyncio
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import pytest

from bench.processes import tree
from libs.bus import Received
from libs.contracts.envelope import encode
from services.query.records.archiver import write_log
from services.query.records.database import upsert
from services.query.records.filling import ARCHIVED, fill
from services.query.records.keeping import databases
from tests.integration.database.views import create
from tests.mariadb import SERVER, WHY_NOT, MariaDb
from tests.story import story

ROOT = Path(__file__).resolve().parents[2]
FACTS = int(os.environ.get("DOLBOM_FACTS") or 1_000_000)
CAMERAS, AN_HOUR = 16, 230
"""Of a camera and hour there are more facts than this."""
CPU_LIMIT = 120.0 * FACTS / 1_000_000
MEMORY_LIMIT = 400
"""MiB: a thousand rows of each side and the facts of one transaction, whatever the number of facts."""
SEED = int(os.environ.get("DOLBOM_SEED") or random.SystemRandom().randrange(10**6))
pytestmark = [
    pytest.mark.soak,
    pytest.mark.timeout(3600),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture
def folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="dolbom-million-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(params=["sqlite", "mariadb"])
def kind(request: pytest.FixtureRequest, folder: Path) -> Iterator[MariaDb | None]:
    if request.param == "sqlite":
        yield None
        return
    if SERVER is None:
        pytest.skip(WHY_NOT)
    server = MariaDb(folder / "server", sizes="")
    server.make()
    server.start()
    yield server
    server.kill()


def test_a_million_facts(kind: MariaDb | None, folder: Path, record_property: Callable[[str, object], None]) -> None:
    url = f"{kind.url}control?charset=utf8mb4" if kind else f"sqlite+aiosqlite:///{folder}/control.db"
    if kind:
        asyncio.run(create(kind.url, "control"))
    print(f"seed {SEED}, {'MariaDB' if kind else 'SQLite'}")
    asyncio.run(lived(url))
    before = cpu(kind)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "DATABASE_URL": url, "NATS_URL": "nats://127.0.0.1:1"}
    words = [sys.executable, "-m", "cli", "rebuild", "--json"]
    done = json.loads(subprocess.run(words, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE).stdout)
    used = cpu(kind)
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10
    assert (done["facts"], done["differ"], done["shown"]) == (FACTS, 0, True)
    assert done["tables"]["inbox"]["rows"] == FACTS
    client, server = done["cpu_seconds"], used - before
    spent = f"{client + server:.1f} s of CPU ({client:.1f} dolbom, {server:.1f} server)"
    print(f"{FACTS} facts in {done['seconds']:.0f} s, {spent}, {memory} MiB; limit {CPU_LIMIT:g} s")
    record_property("facts", FACTS)
    assert client + server <= CPU_LIMIT
    assert memory <= MEMORY_LIMIT


async def lived(url: str) -> None:
    """A site that has kept so many facts, each once, and shows them."""
    made = story(SEED, CAMERAS, FACTS / CAMERAS / AN_HOUR)
    sequence, seen = 0, set[str]()
    async with databases(url) as now:
        while sequence < FACTS:
            fresh = {fact.id: fact for fact in islice(made, 2000) if fact.id not in seen}
            some = list(fresh.values())[: FACTS - sequence]
            assert some, "the story ended"
            seen.update(fact.id for fact in some)
            batch = [Received(sequence + n, one.nats_subject, {}, encode(one)) for n, one in enumerate(some, 1)]
            sequence += len(batch)
            place = {"stream": "EVENTS", "incarnation": "one", "sequence": sequence, "fact_id": "x"}
            async with now.control.begin() as connection:
                await write_log("EVENTS")(connection, "one", batch)
                await upsert(connection, ARCHIVED, [place])
        await fill(now.control, now.views, lambda _: None)


def cpu(server: MariaDb | None) -> float:
    """Seconds that the server used so far."""
    return sum(one.own for one in tree([server.pid]).values()) if server else 0.0
