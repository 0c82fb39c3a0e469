"""The migrations make the tables that the code describes, and run twice without harm."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect

from services.query.records.control import Control
from services.query.records.database import open_engine
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
