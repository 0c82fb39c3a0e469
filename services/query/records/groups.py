"""How rows of the views are merged by the database itself: no row is read before it is written.

The columns of a table form groups (see `merging`). A row that is written names the groups of which it has something to
say; of each the database keeps the one of the higher order. Rows that say the same groups are one statement.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from sqlalchemy import Table
from sqlalchemy.ext.asyncio import AsyncConnection

from services.query.records.literals import Encode, for_mysql, for_sqlite
from services.query.records.tables import TABLES

_ORDERS: dict[str, dict[tuple[str, ...], tuple[str, ...]]] = {
    "cameras": {
        ("config_revision",): ("config", "removed"),
        ("desired_revision",): ("desired", "desired_by", "desired_reason"),
        ("past_revision",): ("past",),
        ("state_epoch", "state_ordinal"): ("state", "state_cause", "state_since"),
    },
    "segments": {
        ("missed_fact",): ("missed_frames", "missed_reason"),
        ("expired_fact",): ("expired_at", "expired_reason"),
        ("closed_fact",): (),
    },
    "gaps": {("gap_fact",): ()},
    "looks": {
        ("at_rank", "at"): (),
        ("started_fact",): ("started_at", "estimate_usd"),
        ("completed_fact",): (),
    },
    "realtime_events": {
        ("camera_id", "severity"): (),
        ("last_slot",): ("last_at",),
        ("ended_fact",): ("ended",),
        ("reviewed_at", "reviewed_fact"): ("reviewed", "reviewed_by"),
        ("detected_fact",): (),
    },
    "reviews": {("event_id",): ()},
    "segment_analyses": {
        ("at_rank", "at"): (),
        ("attempt_version", "attempt"): ("attempt_outcome", "attempt_reason", "next_attempt_at"),
        ("version", "analyzed"): (),
    },
    "spend_daily": {("ordinal",): ()},
    "analysis_costs": {("camera_id",): ()},
    "reports": {("version",): ()},
    "accesses": {("kind",): ()},
}
"""Table → its groups: the columns of the order, and those that follow it. The last group has all the rest."""
INBOX = TABLES["inbox"]
_ALIKE = {"looks": ("camera_id",), "segment_analyses": ("camera_id",), "segments": ("at",)}
"""Columns that every fact of a row says, and says alike."""
_BYTES = 1 << 20
"""Of one statement; servers take 16 MB by default."""


@dataclass(frozen=True, slots=True)
class Group:
    """Columns of which the highest order wins."""

    order: tuple[str, ...]
    columns: tuple[str, ...]


def _groups(table: Table) -> tuple[Group, ...]:
    """The groups of a table; every column is in one, in the key, or said alike by all."""
    named = _ORDERS[table.name]
    taken = {column.name for column in table.primary_key} | set(_ALIKE.get(table.name, ()))
    for order, columns in named.items():
        taken |= {*order, *columns}
    rest = tuple(column.name for column in table.columns if column.name not in taken)
    last = len(named) - 1
    return tuple(Group(order, own + (rest if at == last else ())) for at, (order, own) in enumerate(named.items()))


GROUPS = {name: _groups(TABLES[name]) for name in _ORDERS}


@dataclass(frozen=True, slots=True)
class _Way:
    """How one database takes rows of one table that say the same groups."""

    columns: tuple[tuple[str, Encode], ...]
    head: str
    row: str
    tail: str


async def merge_rows(connection: AsyncConnection, table: str, rows: Sequence[dict[str, object]]) -> None:
    """Put rows in, each with what is known of it; what stands in the database already is merged with them.

    Raises OverflowError for numbers that no database holds.
    """
    firsts = [group.order[0] for group in GROUPS[table]]
    said: dict[tuple[bool, ...], list[dict[str, object]]] = {}
    for row in rows:
        said.setdefault(tuple([row.get(first) is not None for first in firsts]), []).append(row)
    lite = connection.dialect.name == "sqlite"
    for groups, some in said.items():
        way = _way(table, groups, lite)
        columns = [encode([row[name] for row in some]) for name, encode in way.columns]
        if lite:
            await connection.exec_driver_sql(f"{way.head}{way.row}{way.tail}", list(zip(*columns, strict=True)))
        else:
            await _insert(connection, way, [way.row % values for values in zip(*columns, strict=True)])


async def insert_ids(connection: AsyncConnection, ids: Sequence[str]) -> int:
    """Put facts into the inbox; returns how many of them were not there."""
    if not ids:
        return 0
    if connection.dialect.name == "sqlite":
        words = "INSERT INTO inbox VALUES (?) ON CONFLICT DO NOTHING"
        return (await connection.exec_driver_sql(words, [(one,) for one in ids])).rowcount
    values = "),(".join(map(str, for_mysql(INBOX.c.fact_id.type)(ids)))
    words = f"INSERT IGNORE INTO inbox VALUES ({values})"  # noqa: S608 - they are quoted
    return (await connection.exec_driver_sql(words, execution_options={"no_parameters": True})).rowcount


async def _insert(connection: AsyncConnection, way: _Way, rows: Sequence[str]) -> None:
    """The driver's own way to build this text takes four times as long (measured)."""
    size, begin = 0, 0
    for end, row in enumerate(rows, 1):
        size += len(row)
        if size > _BYTES or end == len(rows):
            words = f"{way.head}{','.join(rows[begin:end])}{way.tail}"
            await connection.exec_driver_sql(words, execution_options={"no_parameters": True})
            size, begin = 0, end


@cache
def _way(name: str, said: tuple[bool, ...], lite: bool) -> _Way:
    table = TABLES[name]
    groups = [group for group, has in zip(GROUPS[name], said, strict=True) if has]
    keys, alike = [column.name for column in table.primary_key], _ALIKE.get(name, ())
    names = (*keys, *alike, *(one for group in groups for one in (*group.columns, *group.order)))
    encoder, mark = (for_sqlite, "?") if lite else (for_mysql, "%s")
    head = f"INSERT INTO {name} ({', '.join(map(_quoted, names))}) VALUES "  # noqa: S608 - names of our own tables
    row = f"({', '.join([mark] * len(names))})"
    tail = f" ON CONFLICT ({', '.join(keys)}) DO UPDATE SET " if lite else " ON DUPLICATE KEY UPDATE "
    tail += _assignments(name, groups, "excluded.`{}`" if lite else "VALUES(`{}`)") or f"{keys[0]} = {name}.{keys[0]}"
    return _Way(tuple((one, encoder(table.columns[one].type)) for one in names), head, row, tail)


def _assignments(table: str, groups: Sequence[Group], new: str) -> str:
    """The order's own columns last, the least significant first: MySQL reads what it has assigned already."""
    found = [f"`{name}` = COALESCE({table}.`{name}`, {new.format(name)})" for name in _ALIKE.get(table, ())]
    for group in groups:
        wins = _wins(group, new, table)
        for name in (*group.columns, *reversed(group.order)):
            found.append(f"`{name}` = CASE WHEN {wins} THEN {new.format(name)} ELSE {table}.`{name}` END")
    return ", ".join(found)


def _wins(group: Group, new: str, table: str) -> str:
    """SQL: does the new row's group stand above the one that is there?"""
    same, above = "", []
    for name in group.order:
        above.append(f"({same}{new.format(name)} > {table}.`{name}`)")
        same += f"{new.format(name)} = {table}.`{name}` AND "
    unset = [f"{table}.`{name}` IS NULL" for name in group.order]
    return " OR ".join([*unset, *above])


def _quoted(name: str) -> str:
    return f"`{name}`"
