"""Steps of migrations that may be repeated: MySQL and MariaDB keep a table that was made though the rest was not.

A process that is killed in the middle of a migration is followed by one that begins it again.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op


def create_table(name: str, *columns: sa.Column[object]) -> None:
    """Make the table, if it does not stand."""
    if not sa.inspect(op.get_bind()).has_table(name):
        op.create_table(name, *columns, mysql_charset="utf8mb4", mysql_collate="utf8mb4_unicode_ci")


def create_index(name: str, table: str, columns: Sequence[str], *, unique: bool = False) -> None:
    """Make the index, if it does not stand."""
    if name not in {one["name"] for one in sa.inspect(op.get_bind()).get_indexes(table)}:
        op.create_index(name, table, list(columns), unique=unique)


def insert_first(name: str, **values: int) -> None:
    """Put the one row into a table that is empty."""
    table = sa.table(name, *map(sa.column, values))
    if op.get_bind().scalar(sa.select(sa.func.count()).select_from(table)) == 0:
        op.bulk_insert(table, [values])
