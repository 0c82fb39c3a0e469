"""What is asked for reads: our query on a MariaDB with many events, and a bare application on the same database."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import text

from services.query.records.database import open_engine
from services.query.rest.event_items import EVENTS
from services.query.rest.listing import Asked
from tests.integration.database.views import create
from tests.integration.query.harness import Query, start_query, until
from tests.mariadb import MariaDb
from tests.nats_server import NatsServer

CAMERAS, BARE_PORT = 10, 18_999
FILL = Path(__file__).with_name("reads.sql")
BARE = "uvicorn bench.bare_api:app --loop uvloop --http httptools --no-access-log --log-level error --port"


@contextmanager
def site(rows: int) -> Iterator[tuple[Query, MariaDb]]:
    """A running query whose views hold so many events of ten cameras."""
    with ExitStack() as closing:
        folder = Path(closing.enter_context(TemporaryDirectory(prefix="dolbom-reads-", ignore_cleanup_errors=True)))
        folder.chmod(0o711)
        database, nats = MariaDb(folder / "server"), NatsServer(folder)
        closing.callback(database.kill)
        database.make()
        database.start()
        asyncio.run(create(database.url, "dolbom"))
        closing.callback(nats.kill)
        nats.start()
        nats.set_up()
        cameras = "".join(f"- {{id: cam{at}, name: c, source: {{kind: demo}}}}\n" for at in range(CAMERAS))
        settings = {"DATABASE_URL": f"{database.url}dolbom?charset=utf8mb4"}
        query = start_query(folder / "query", nats.url, cameras, settings)
        closing.callback(query.stop)
        until("query is ready", query.is_ready, 30)
        asyncio.run(_fill(database, rows))
        yield query, database


async def _fill(database: MariaDb, rows: int) -> None:
    engine = open_engine(f"{database.url}dolbom_views_1?charset=utf8mb4")
    async with engine.begin() as connection:
        for words in FILL.read_text(encoding="utf-8").strip().split(";\n"):
            await connection.execute(text(words.rstrip(";").replace(":rows", str(rows)).replace('":', '"\\:')))
    await engine.dispose()


@contextmanager
def bare(database: MariaDb) -> Iterator[tuple[str, int]]:
    """The address and process of an application that asks the same and does nothing else."""
    sql = EVENTS.statement(Asked(("cam1",))).mysql.replace("LIMIT %s", "LIMIT 20")
    told = {"BARE_PORT": str(database.port), "BARE_SQL": sql}
    process = subprocess.Popen(
        [sys.executable, "-m", *BARE.split(), str(BARE_PORT)], env={**os.environ, **told}, cwd=Path(__file__).parents[1]
    )
    try:
        time.sleep(2)
        yield f"http://127.0.0.1:{BARE_PORT}/cam1", process.pid
    finally:
        process.kill()
        process.wait()
