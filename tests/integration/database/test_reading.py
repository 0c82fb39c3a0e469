"""From the bus into real databases: readers, bus and database die at random, and every fact counts once."""

import asyncio
import contextlib
import os
import random
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import pytest
from pydantic import SecretStr
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from libs.bus import Bus, BusSettings, NotStored, Received, end_of, publish, with_bus
from libs.contracts.envelope import Fact, encode
from libs.contracts.permissions import SERVICES
from libs.contracts.streams import CAMERAS, EVENTS
from libs.contracts.subjects import MSG_ID
from services.query.records.archiver import LOG, write_log
from services.query.records.control import Control
from services.query.records.database import open_engine
from services.query.records.places import places_of, reaches, read_places
from services.query.records.projector import write_views
from services.query.records.reading import READ_ANEW, Reader, read_into
from services.query.records.tables import TABLES
from tests.integration.database.test_projector import folded, of_views
from tests.integration.database.views import Fresh, read_all, views
from tests.mariadb import MariaDb
from tests.nats_server import NatsServer
from tests.story import story

SEED = int(os.environ.get("DOLBOM_SEED") or random.SystemRandom().randrange(10**6))
FACTS = list(story(5, hours=0.7))
STREAMS = (CAMERAS, EVENTS)
# The drivers leave a connection whose server died, or whose reader was ended while it was made, to the collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@contextlib.asynccontextmanager
async def control(url: str) -> AsyncIterator[AsyncEngine]:
    engine = open_engine(url)
    async with engine.begin() as connection:
        await connection.run_sync(Control.metadata.create_all)
    yield engine
    await engine.dispose()


@contextlib.asynccontextmanager
async def reading(server: NatsServer, log: AsyncEngine, shown: AsyncEngine) -> AsyncIterator[None]:
    """Archiver and projector of one process, which waits for the bus; leaving it ends them wherever they are."""

    async def read(bus: Bus) -> None:
        turn = asyncio.Lock()
        async with asyncio.TaskGroup() as tasks:
            for stream in STREAMS:
                archiver = Reader("archiver", log, Control.metadata.tables["archived"], write_log(stream.name), turn)
                projector = Reader("projector", shown, TABLES["checkpoints"], write_views, turn)
                tasks.create_task(read_into(bus, stream, archiver))
                tasks.create_task(read_into(bus, stream, projector))

    settings = BusSettings(nats_url=server.url, nats_user="query", nats_password=SecretStr("query"))
    task = asyncio.create_task(with_bus(settings, "query", read, asyncio.Event(), lambda _: None))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def say(server: NatsServer, facts: Sequence[Fact], disturb: Callable[[], Awaitable[None]] | None = None) -> None:
    """Each fact by the service that says it, again until it is stored; after some of them something dies."""
    async with contextlib.AsyncExitStack() as stack:
        buses = {user: await stack.enter_async_context(server.bus(user)) for user in SERVICES}
        for fact in facts:
            if disturb is not None:
                await disturb()
            while True:
                with contextlib.suppress(NotStored):
                    bus = buses[fact.source.partition("/")[2]]
                    await publish(bus, fact.nats_subject, encode(fact), {MSG_ID: fact.id})
                    break
                await asyncio.sleep(0.05)


async def until_read(shown: AsyncEngine, log: AsyncEngine, count: int, more_in_log: int = 0) -> None:
    """Until both hold so many facts; the databases may be away meanwhile."""
    async with asyncio.timeout(60):
        for engine, table, wanted in ((shown, TABLES["inbox"], count), (log, LOG, count + more_in_log)):
            while True:
                with contextlib.suppress(DBAPIError, OSError):
                    async with engine.connect() as connection:
                        if await connection.scalar(select(func.count()).select_from(table)) == wanted:
                            break
                await asyncio.sleep(0.1)


async def assert_all(shown: AsyncEngine, log: AsyncEngine, facts: Sequence[Fact]) -> None:
    async with shown.connect() as connection:
        assert of_views(await read_all(connection)) == folded(facts)
    async with log.connect() as connection:
        kept = {row.event_id: bytes(row.body) for row in await connection.execute(select(LOG))}
    assert kept == {fact.id: encode(fact) for fact in facts}


@pytest.mark.parametrize("number", range(3))
async def test_nothing_is_doubled_or_lost(
    number: int, fresh: Fresh, server: NatsServer, request: pytest.FixtureRequest
) -> None:
    dice = random.Random(SEED + number)
    print(f"seed {SEED + number}")
    url = await fresh()
    mariadb: MariaDb | None = request.getfixturevalue("mariadb") if url.startswith("mysql") else None
    async with views(url) as shown, control(await fresh()) as log:
        readers = contextlib.AsyncExitStack()
        await readers.enter_async_context(reading(server, log, shown))

        async def disturb() -> None:
            nonlocal readers
            match dice.choices(("nothing", "readers", "nats", "mariadb"), (300, 6, 2, 2))[0]:
                case "readers":
                    await readers.aclose()
                    readers = contextlib.AsyncExitStack()
                    await readers.enter_async_context(reading(server, log, shown))
                case "nats":
                    server.kill()
                    await asyncio.to_thread(server.start)
                case "mariadb" if mariadb:
                    mariadb.kill()
                    await asyncio.to_thread(mariadb.start)

        async with contextlib.aclosing(readers):
            await say(server, FACTS, disturb)
            await until_read(shown, log, len(FACTS))
        await assert_all(shown, log, FACTS)


async def test_what_is_read_again_never_moves_the_place_back(fresh: Fresh, server: NatsServer) -> None:
    """A reader that comes back begins a thousand messages earlier, and takes some hundred at a time."""
    seen: list[int] = []
    async with views(await fresh()) as shown:

        async def write(connection: AsyncConnection, incarnation: str, messages: Sequence[Received]) -> None:
            seen.extend(place.sequence for place in (await places_of(connection, TABLES["checkpoints"])).values())
            await write_views(connection, incarnation, messages)

        reader = Reader("projector", shown, TABLES["checkpoints"], write, asyncio.Lock())
        await say(server, FACTS)
        async with server.bus("query") as bus:
            end = await end_of(bus, EVENTS.name)
            last = end.sequence
            for _ in range(2):
                task = asyncio.create_task(read_into(bus, EVENTS, reader))
                async with asyncio.timeout(20):
                    while not reaches(await read_places(shown, TABLES["checkpoints"]), {EVENTS.name: end}):  # noqa: ASYNC110
                        await asyncio.sleep(0.01)
                await asyncio.sleep(0.5)
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
    assert last > 256, "more than comes at once"
    assert seen == sorted(seen)
    assert seen.count(last) > 1, "and it did read again"


async def test_a_log_that_changed_its_past_is_told_and_read_again(fresh: Fresh, server: NatsServer) -> None:
    async with views(await fresh()) as shown, control(await fresh()) as log:
        async with reading(server, log, shown):
            await say(server, FACTS[:100])
            await until_read(shown, log, 100)
        server.kill()
        shutil.rmtree(server.folder / "js")
        server.start()
        await asyncio.to_thread(server.set_up)
        await say(server, FACTS[50:200])
        async with reading(server, log, shown):
            await until_read(shown, log, 200)
        assert READ_ANEW.labels(EVENTS.name)._value.get() == 1
        await assert_all(shown, log, FACTS[:200])
