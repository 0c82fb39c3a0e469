"""The live stream where another process projects, and while the database is away."""

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.database.views import create
from tests.integration.query.harness import start_query, until
from tests.integration.query.watchers import Watcher, gone
from tests.integration.views.conftest import say
from tests.mariadb import SERVER, WHY_NOT, MariaDb
from tests.nats_server import NatsServer
from tests.story import story


@contextlib.contextmanager
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


async def test_it_says_what_is_away_and_loses_nothing(server: NatsServer, tmp_path: Path) -> None:
    looks = [fact for fact in story(8, hours=1.0) if fact.name in ("look.started", "look.completed")]
    with mariadb() as database:
        await create(database.url, "dolbom")
        where = {"DATABASE_URL": f"{database.url}dolbom?charset=utf8mb4"}
        projector = start_query(tmp_path / "projector", server.url, settings={**where, "QUERY_ROLE": "projector"})
        api = start_query(tmp_path / "api", server.url, settings={**where, "QUERY_ROLE": "api"})
        try:
            until("query is ready", api.is_ready, 20)
            watcher = Watcher(api.port).start()
            await watcher.until("hello")
            await say(server, looks[:20])
            await watcher.until("look", 20)

            projector.stop()
            await say(server, looks[20:40])
            await watcher.until_state("views-behind")
            projector = start_query(tmp_path / "projector", server.url, settings={**where, "QUERY_ROLE": "projector"})
            await watcher.until("look", 40, 20)
            await watcher.until_state("")

            database.kill()
            away = await watcher.until_state("database-away")
            await say(server, looks[40:60])
            late = Watcher(api.port, watcher.last_id).start()
            assert (await late.until("state"))[0].data == away.data
            await asyncio.sleep(0.5)
            assert not [one for one in late.heard if one.kind == "look"]
            await asyncio.to_thread(database.start)
            for one, count in ((watcher, 60), (late, 20)):
                await one.until("look", count, 30)
                await one.until_state("")
            await gone([watcher, late])
            told = [one.data["look_id"] for one in watcher.heard if one.kind == "look"]
            ids = [str(getattr(fact.data, "look_id", fact.id)) for fact in looks[:60]]
            assert told == ids
            assert [one.id for one in late.heard if one.kind == "look"] == [
                one.id for one in watcher.heard if one.kind == "look"
            ][40:]
        finally:
            projector.stop()
            api.stop()
