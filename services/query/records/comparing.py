"""Compares two generations of views row for row, in the order of their keys, with a few thousand rows in memory."""

import hashlib
import json
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

import orjson
from sqlalchemy import JSON, Column, Connection, Table, inspect, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.query.records.tables import TABLES

OF_THEIR_OWN = ("checkpoints", "troubles")
"""Tables that tell of a generation, and not of the facts."""
_ROWS = 1000
_Values = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Summed:
    """A table of the new generation: its rows, and a checksum over all that stands in them."""

    rows: int
    sha256: str


@dataclass(slots=True)
class Compared:
    """What was found. `odd`: table and key of the first rows that differ; `differ`: how many there are."""

    limit: int
    tables: dict[str, Summed] = field(default_factory=dict)
    odd: list[str] = field(default_factory=list)
    differ: int = 0

    def tell(self, table: str, key: _Values | str) -> None:
        """One more."""
        self.differ += 1
        if len(self.odd) < self.limit:
            self.odd.append(f"{table} {key if isinstance(key, str) else ' '.join(map(str, key))}")


async def compare(
    live: AsyncConnection, new: AsyncConnection, tell: Callable[[int], None], limit: int = 20
) -> Compared:
    """All tables. How rows are written down (the order in a JSON object, say) makes no difference."""
    found = Compared(limit)
    for name in sorted(
        TABLES.keys() - set(OF_THEIR_OWN), key=lambda name: (name == "inbox", name)
    ):  # what is seen first
        table = TABLES[name]
        if await live.run_sync(_columns, name) == {column.name for column in table.columns}:
            found.tables[name] = await _compare(table, live, new, found, tell)
        else:
            found.tell(name, "has other columns than before")
            found.tables[name] = await _compare(table, None, new, Compared(0), tell)
    return found


def _columns(connection: Connection, name: str) -> set[str]:
    there = inspect(connection)
    return {column["name"] for column in there.get_columns(name)} if there.has_table(name) else set()


async def _compare(
    table: Table, live: AsyncConnection | None, new: AsyncConnection, found: Compared, tell: Callable[[int], None]
) -> Summed:
    digest, count, width = hashlib.sha256(), 0, len(table.primary_key)
    ones: list[_Values] = []
    others: list[_Values] = []
    async with aclosing(_rows(table, live)) as left, aclosing(_rows(table, new)) as right:
        while True:
            ones = ones or await anext(left, [])
            if not others:
                others = await anext(right, [])
                digest.update(orjson.dumps(others, default=str))
                count += len(others)
                tell(len(others))
            if not ones and not others:
                return Summed(count, digest.hexdigest())
            ones, others = _walk(table, ones, others, width, found)


def _walk(
    table: Table, ones: list[_Values], others: list[_Values], width: int, found: Compared
) -> tuple[list[_Values], list[_Values]]:
    """Compare two pieces, until one of them is used up; returns what is left."""
    common = min(len(ones), len(others))
    if common and ones[:common] == others[:common]:
        return ones[common:], others[common:]
    one = other = 0
    while one < len(ones) and other < len(others):
        a, b = ones[one], others[other]
        if a[:width] == b[:width]:
            if a != b and _plain(table, a) != _plain(table, b):
                found.tell(table.name, a[:width])
            one, other = one + 1, other + 1
        elif _before(a[:width], b[:width]):
            found.tell(table.name, a[:width])
            one += 1
        else:
            found.tell(table.name, b[:width])
            other += 1
    if common == 0:
        for row in (*ones, *others):
            found.tell(table.name, row[:width])
        return [], []
    return ones[one:], others[other:]


def _before(key: Any, other: Any) -> bool:  # codec: keys are texts and numbers, of one kind on both sides
    return bool(key < other)


def _plain(table: Table, row: _Values) -> list[object]:
    """The row with its JSON read."""
    return [
        json.loads(value) if isinstance(column.type, JSON) and isinstance(value, str) else value
        for column, value in zip(_ordered(table), row, strict=True)
    ]


def _ordered(table: Table) -> list[Column[Any]]:
    keys = list(table.primary_key)
    return [*keys, *(column for column in table.columns if column.name not in table.primary_key)]


async def _rows(table: Table, connection: AsyncConnection | None) -> AsyncGenerator[list[_Values], None]:
    """The rows as the driver gives them, the key first, in its order: keys are of characters that all sort alike.

    Page by page: the driver of the servers takes in whatever they send, however far it is read.
    """
    if connection is None:
        return
    keys = [f"`{column.name}`" for column in table.primary_key]
    columns, order = ", ".join(f"`{column.name}`" for column in _ordered(table)), ", ".join(keys)
    begin = f"SELECT {columns} FROM {table.name}"  # noqa: S608 - names of our own tables
    end = f"ORDER BY {order} LIMIT {_ROWS}"
    last: dict[str, object] = {}
    beyond = f"WHERE {_beyond(keys, connection.dialect.name == 'sqlite')}"
    while True:
        words = text(f"{begin} {beyond if last else ''} {end}")
        some = [tuple(row) for row in (await connection.execute(words, last)).all()]
        if some:
            yield some
        if len(some) < _ROWS:
            return
        last = {f"k{at}": value for at, value in enumerate(some[-1][: len(keys)])}


def _beyond(keys: Sequence[str], lite: bool, at: int = 0) -> str:
    """SQL: is a key above the last one? Each kind of database finds it in the index by words of its own."""
    if lite:
        return f"({', '.join(keys)}) > ({', '.join(f':k{one}' for one in range(len(keys)))})"
    first = f"{keys[at]} > :k{at}"
    return first if at == len(keys) - 1 else f"({first} OR ({keys[at]} = :k{at} AND {_beyond(keys, lite, at + 1)}))"
