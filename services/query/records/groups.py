"""How rows of the views are merged by the database itself: no row is read before it is written.

The columns of a table form groups (see `merging`). A new row names all columns, and None where it has nothing to
say; of each group the database keeps the one of the higher order.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import orjson
from sqlalchemy import JSON, Boolean, Column, Table
from sqlalchemy.ext.asyncio import AsyncConnection

from services.query.records.columns import UtcDateTime
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
_ALIKE = {"looks": ("camera_id",), "segment_analyses": ("camera_id",), "segments": ("at",)}
"""Columns that every fact of a row says, and says alike."""


@dataclass(frozen=True, slots=True)
class Group:
    """Columns of which the highest order wins."""

    order: tuple[str, ...]
    columns: tuple[str, ...]


def groups(table: Table) -> list[Group]:
    """The groups of a table; every column is in one, in the key, or said alike by all."""
    named = _ORDERS[table.name]
    taken = {column.name for column in table.primary_key} | set(_ALIKE.get(table.name, ()))
    for order, columns in named.items():
        taken |= {*order, *columns}
    rest = tuple(column.name for column in table.columns if column.name not in taken)
    last = len(named) - 1
    return [Group(order, columns + (rest if at == last else ())) for at, (order, columns) in enumerate(named.items())]


def _wins(group: Group, new: Callable[[str], str], table: str) -> str:
    """SQL: does the new row's group stand above the one that is there? Not when it has nothing to say."""
    same, above = "", []
    for name in group.order:
        above.append(f"{same}{new(name)} > {table}.{_quoted(name)}")
        same += f"{new(name)} = {table}.{_quoted(name)} AND "
    unset = " OR ".join(f"{table}.{_quoted(name)} IS NULL" for name in group.order)
    return f"{new(group.order[0])} IS NOT NULL AND ({unset} OR {' OR '.join(f'({one})' for one in above)})"


def _assignments(table: Table, new: Callable[[str], str]) -> str:
    """The order's own columns last, the least significant first: MySQL reads what it has assigned already."""
    found = []
    for group in groups(table):
        wins = _wins(group, new, table.name)
        for name in (*group.columns, *reversed(group.order)):
            found.append(f"{_quoted(name)} = CASE WHEN {wins} THEN {new(name)} ELSE {table.name}.{_quoted(name)} END")
    for name in _ALIKE.get(table.name, ()):
        found.append(f"{_quoted(name)} = COALESCE({table.name}.{_quoted(name)}, {new(name)})")
    return ", ".join(found)


def _quoted(name: str) -> str:
    return f"`{name}`"


def _statement(table: Table, dialect: str) -> str:
    names = ", ".join(map(_quoted, table.columns.keys()))
    mark = "?" if dialect == "sqlite" else "%s"
    marks = ", ".join([mark] * len(table.columns))
    values = f"INSERT INTO {table.name} ({names}) VALUES ({marks})"  # noqa: S608 - names of our own tables
    if dialect == "sqlite":
        keys = ", ".join(column.name for column in table.primary_key)
        changed = _assignments(table, lambda name: f"excluded.{_quoted(name)}")
        return f"{values} ON CONFLICT ({keys}) DO UPDATE SET {changed}"
    return f"{values} ON DUPLICATE KEY UPDATE {_assignments(table, lambda name: f'VALUES({_quoted(name)})')}"


def _json(value: object) -> object:
    return orjson.dumps(value).decode()


def _naive(value: object) -> object:
    return value.astimezone(UTC).replace(tzinfo=None) if isinstance(value, datetime) else value


def _text(value: object) -> object:
    return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f") if isinstance(value, datetime) else value


def _number(value: object) -> object:
    return 1 if value else 0


def _encoder(column: Column[object], dialect: str) -> Callable[[object], object] | None:
    """What turns a value into the driver's; None where it is that already."""
    if isinstance(column.type, JSON):
        return _json
    if isinstance(column.type, UtcDateTime):
        return _text if dialect == "sqlite" else _naive
    return _number if isinstance(column.type, Boolean) else None


@dataclass(frozen=True, slots=True)
class _Way:
    """How one database takes rows of one table."""

    sql: str
    names: tuple[str, ...]
    encoders: tuple[tuple[int, Callable[[object], object]], ...]


def _way(table: Table, dialect: str) -> _Way:
    encoders = ((at, _encoder(column, dialect)) for at, column in enumerate(table.columns))
    names = tuple(table.columns.keys())
    return _Way(_statement(table, dialect), names, tuple((at, one) for at, one in encoders if one))


_WAYS = {name: {dialect: _way(TABLES[name], dialect) for dialect in ("sqlite", "mysql")} for name in _ORDERS}


async def merge_rows(connection: AsyncConnection, table: str, rows: Sequence[dict[str, object]]) -> None:
    """Put rows in, each with what is known of it; what stands in the database already is merged with them."""
    way = _WAYS[table]["sqlite" if connection.dialect.name == "sqlite" else "mysql"]
    encoded = []
    for row in rows:
        values = [row.get(name) for name in way.names]
        for at, encode in way.encoders:
            if values[at] is not None:
                values[at] = encode(values[at])
        encoded.append(tuple(values))
    if encoded:
        await connection.exec_driver_sql(way.sql, encoded)
