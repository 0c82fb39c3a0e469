"""What a start finds: databases that are made once, one writer of a SQLite file, facts that arrive in both."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import select

from services.query.records.control import Control
from services.query.records.database import open_engine
from services.query.records.generations import views_url
from services.query.records.keeping import Records, Taken, databases
from tests.integration.database.test_reading import FACTS, say, until_read
from tests.integration.database.views import Fresh
from tests.nats_server import NatsServer

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


async def test_facts_of_the_bus_are_in_log_and_views_after_two_starts(fresh: Fresh, server: NatsServer) -> None:
    url = await fresh()
    log, shown = open_engine(url), open_engine(views_url(url, 1))
    for upto in (80, 160):
        async with server.bus("query") as bus:
            records = Records(url)
            keeping = [asyncio.create_task(work) for work in (records.keep(), records.read(bus))]
            await say(server, FACTS[upto - 80 : upto])
            await until_read(shown, log, upto)
            for task in keeping:
                task.cancel()
            await asyncio.wait(keeping)
    async with log.connect() as connection:
        assert (await connection.execute(select(Control.metadata.tables["generations"]))).all() == [(1, True)]
    await log.dispose()
    await shown.dispose()


async def test_a_second_writer_of_a_sqlite_file_is_refused(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/query/control.db"
    async with databases(url):
        with pytest.raises(Taken, match="control is written by another process"):
            async with databases(url):
                pass
    async with databases(url):
        pass
