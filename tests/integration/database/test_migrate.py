"""The migrations make the tables that the code describes, and run twice without harm."""

import asyncio

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, event, inspect, select, text

from services.query.records.control import Control
from services.query.records.database import open_engine
from services.query.records.keeping import databases
from services.query.records.migrate import migrate
from tests.integration.database.views import Fresh


def odd(connection: Connection) -> list[object]:
    return list(compare_metadata(MigrationContext.configure(connection), Control.metadata))


async def test_they_make_what_the_code_describes(fresh: Fresh) -> None:
    control = open_engine(await fresh())
    for _ in range(2):
        await migrate(control)
    async with control.connect() as connection:
        assert await connection.run_sync(odd) == []
        names = await connection.run_sync(lambda there: inspect(there).get_table_names())
    assert set(names) == {*Control.metadata.tables, "alembic_version"}
    await control.dispose()


async def test_processes_that_start_together_make_them_once(fresh: Fresh) -> None:
    url = await fresh()

    async def started() -> int:
        async with databases(url, alone=False) as now:
            async with now.views.connect() as connection:
                await connection.execute(text("SELECT 1 FROM realtime_events"))
            return now.number

    assert await asyncio.gather(*(started() for _ in range(6))) == [1] * 6


class Died(Exception):
    """What a kill does to a migration, as far as the database can tell."""


async def test_one_that_dies_after_any_statement_is_finished_by_the_next(fresh: Fresh) -> None:
    for lives in range(1, 60):
        control, left = open_engine(await fresh()), lives

        def die(_c: object, _k: object, statement: str, *_rest: object) -> None:
            nonlocal left
            if statement.split()[0] in ("CREATE", "INSERT", "UPDATE", "ALTER"):
                left -= 1
                if left < 0:
                    raise Died

        event.listen(control.sync_engine, "before_cursor_execute", die)
        try:
            await migrate(control)
            died = False
        except Died:
            died = True
        event.remove(control.sync_engine, "before_cursor_execute", die)
        await migrate(control)
        async with control.connect() as connection:
            assert await connection.run_sync(odd) == []
            people = Control.metadata.tables["people"]
            assert (await connection.execute(select(people))).all() == [(1, 0)]
        await control.dispose()
        if not died:
            return
    raise AssertionError("it never came to its end")
