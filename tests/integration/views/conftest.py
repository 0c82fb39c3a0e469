"""A site whose facts were told: one running query on SQLite and one on MariaDB, for tests that only ask."""

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import httpx
import pytest

from libs.bus import publish
from libs.contracts.envelope import Fact, encode
from libs.contracts.permissions import SERVICES
from libs.contracts.subjects import MSG_ID
from tests.integration.database.test_projector import folded
from tests.integration.database.views import create
from tests.integration.query.harness import Query, start_query, until
from tests.mariadb import SERVER, WHY_NOT, MariaDb
from tests.nats_server import NatsServer
from tests.story import story

SEED, HOURS = 23, 3.0


@dataclass
class Told:
    """A running query and the facts that were said before it was asked anything."""

    server: NatsServer
    query: Query
    facts: list[Fact]
    client: httpx.Client = field(default_factory=httpx.Client)

    def get(self, path: str, **parameters: str | int | bool) -> httpx.Response:
        return self.client.get(self.query.url + path, params=parameters)

    def items(self, path: str, **parameters: str | int | bool) -> list[dict[str, object]]:
        """All items of a list, page after page."""
        found: list[dict[str, object]] = []
        while True:
            answer = self.get(path, **parameters)
            assert answer.status_code == 200, answer.text
            found += answer.json()["items"]
            if not answer.json()["next"]:
                return found
            parameters["cursor"] = answer.json()["next"]

    def rows(self, table: str) -> list[dict[str, object]]:
        """The rows of a view as the facts alone tell them."""
        return [row for (name, _), row in self._rows.items() if name == table]

    @cached_property
    def _rows(self) -> dict[tuple[str, tuple[str | int, ...]], dict[str, object]]:
        return folded(self.facts)


async def say(server: NatsServer, facts: Sequence[Fact]) -> None:
    """Each fact by the service that says it."""
    async with contextlib.AsyncExitStack() as stack:
        buses = {user: await stack.enter_async_context(server.bus(user)) for user in SERVICES}
        for fact in facts:
            bus = buses[fact.source.partition("/")[2]]
            await publish(bus, fact.nats_subject, encode(fact), {MSG_ID: fact.id})


@contextlib.contextmanager
def database(kind: str) -> Iterator[dict[str, str]]:
    """Settings for query that name a fresh database of the kind."""
    if kind == "sqlite":
        yield {}
        return
    if SERVER is None:
        pytest.skip(WHY_NOT)
    folder = Path(tempfile.mkdtemp(prefix="dolbom-mariadb-"))
    folder.chmod(0o711)
    mariadb = MariaDb(folder / "server")
    try:
        mariadb.make()
        mariadb.start()
        asyncio.run(create(mariadb.url, "dolbom"))
        yield {"DATABASE_URL": f"{mariadb.url}dolbom?charset=utf8mb4"}
    finally:
        mariadb.kill()
        shutil.rmtree(folder)


@pytest.fixture(scope="session", params=["sqlite", "mariadb"])
def told(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    server = NatsServer(tmp_path_factory.mktemp("nats"))
    server.start()
    server.set_up()
    facts = list(story(SEED, hours=HOURS))
    with contextlib.ExitStack() as closing:
        settings = closing.enter_context(database(request.param))
        query = start_query(tmp_path_factory.mktemp("query"), server.url, settings=settings)
        try:
            asyncio.run(say(server, facts))
            site = Told(server, query, facts)
            closing.enter_context(site.client)
            until("query is ready", query.is_ready, 10)
            last = len([row for row in site.rows("realtime_events") if row.get("detected_fact")])
            until("all is projected", lambda: len(site.items("/api/v1/events", limit=200)) == last, 20)
            yield site
        finally:
            query.stop()
            server.kill()
