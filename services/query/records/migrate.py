"""Brings the control database to the version of this code."""

from pathlib import Path

from sqlalchemy import Connection, inspect, text
from sqlalchemy.ext.asyncio import AsyncEngine

_SCRIPTS = Path(__file__).with_name("migrations")


async def migrate(control: AsyncEngine) -> None:
    """Make or change its tables; nothing to do is nothing done."""
    async with control.begin() as connection:
        await connection.run_sync(_upgrade)


def newest() -> str:
    """The last revision: their files begin with their numbers."""
    return max(path.name.partition("_")[0] for path in (_SCRIPTS / "versions").glob("[0-9]*.py"))


def _upgrade(connection: Connection) -> None:
    if _version(connection) == newest():
        return
    # Imported late: it costs every start of query a tenth of its time, and hardly any needs it.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _version(connection: Connection) -> str:
    if not inspect(connection).has_table("alembic_version"):
        return ""
    return str(connection.scalar(text("SELECT version_num FROM alembic_version")) or "")
