"""Lists of rows as items of the API, in the order of a moment and a key; each kind of question is put into SQL once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypedDict

import orjson
from fastapi import Request, Response
from sqlalchemy import JSON, Boolean, ColumnElement, FromClause, String, and_, bindparam, or_, select

from services.query.records.columns import UtcDateTime
from services.query.records.keeping import Databases
from services.query.records.rows import Row, Rows, Statement, compiled, moment_text
from services.query.rest.lists import cursor_of, json_answer, page_of, read_cursor
from services.query.rest.pages import Page
from services.query.site import Site

Item = dict[str, object]


class Body(TypedDict):
    """What a list answers; `next` is the cursor of what follows, or null."""

    items: list[Item]
    next: str | None


class Shown:
    """Which columns an item has, by the names of its fields, and how what stands there is written down."""

    def __init__(self, columns: Mapping[str, ColumnElement[object]]) -> None:
        self.columns = [column.label(name) for name, column in columns.items()]
        self.names = tuple(columns)
        self._places = {id(column): place for place, column in enumerate(columns.values())}
        kinds = {name: column.type for name, column in columns.items()}
        self._moments = [name for name, kind in kinds.items() if isinstance(kind, UtcDateTime)]
        self._bodies = [name for name, kind in kinds.items() if isinstance(kind, JSON)]
        self._flags = [name for name, kind in kinds.items() if isinstance(kind, Boolean)]

    def place(self, column: ColumnElement[object] | ColumnElement[str]) -> int | None:
        """Where in an item the column stands; None when it has it not."""
        return self._places.get(id(column))

    def item(self, row: Row) -> Item:
        """A row as the API shows it: moments as text, JSON as it stands in the database, nothing copied twice."""
        item = dict(zip(self.names, row, strict=False))
        for name in self._moments:
            item[name] = moment_text(item[name])
        for name in self._bodies:
            if item[name] is not None:
                item[name] = orjson.Fragment(str(item[name]))
        for name in self._flags:
            if item[name] is not None:
                item[name] = bool(item[name])
        return item


@dataclass(frozen=True, slots=True)
class Asked:
    """A page of a list: of these cameras (None: of all), with these filters, after this cursor."""

    cameras: tuple[str, ...] | None
    filters: tuple[tuple[str, object], ...] = ()
    cursor: str | None = None
    limit: int = 20


def given(values: Mapping[str, object]) -> tuple[tuple[str, object], ...]:
    """The filters that were named."""
    return tuple((name, value) for name, value in sorted(values.items()) if value is not None)


@dataclass(frozen=True, slots=True)
class Listing:
    """A list: what an item shows, from where, in which order (`at`, then `key`), and by what it can be filtered.

    A filter is a word of SQL whose parameter, if it has one, bears the filter's name.
    """

    shown: Shown
    source: FromClause
    camera: ColumnElement[str]
    at: ColumnElement[object]
    key: ColumnElement[str]
    filters: Mapping[str, ColumnElement[bool]] = field(default_factory=dict)
    always: Sequence[ColumnElement[bool]] = ()
    newest_first: bool = True
    _made: dict[tuple[object, ...], Statement] = field(default_factory=dict)

    async def page(self, rows: Rows, asked: Asked) -> Body:
        """A page. Raises Away."""
        if asked.cameras == ():
            return {"items": [], "next": None}
        values = dict(asked.filters)
        values |= {f"camera_{at}": camera for at, camera in enumerate(asked.cameras or ())}
        if asked.cursor:
            values |= read_cursor(asked.cursor)
        # One more than a page holds tells whether there is another.
        found = await rows.fetch(self.statement(asked), **values, limit=asked.limit + 1)
        last = found[asked.limit - 1] if len(found) > asked.limit else None
        items = [self.shown.item(row) for row in found[: asked.limit]]
        at, key = self._ends()
        return {"items": items, "next": cursor_of(last[at], last[key]) if last else None}

    def _ends(self) -> tuple[int, int]:
        """Where in a row moment and key stand: within the item, or behind it."""
        at, key = self.shown.place(self.at), self.shown.place(self.key)
        return (-2, -1) if at is None or key is None else (at, key)

    def statement(self, asked: Asked) -> Statement:
        """The words depend on which filters there are, never on their values."""
        many = None if asked.cameras is None else len(asked.cameras)
        kind = (many, tuple(name for name, _ in asked.filters), bool(asked.cursor))
        if kind not in self._made:
            if len(self._made) > _KINDS:
                self._made.clear()
            self._made[kind] = self._make(many, kind[1], bool(asked.cursor))
        return self._made[kind]

    def _make(self, many: int | None, filters: Sequence[str], after: bool) -> Statement:
        words = [*self.always, *(self.filters[name] for name in filters)]
        if many is not None:
            named = [bindparam(f"camera_{at}", type_=String) for at in range(many)]
            words.append(self.camera == named[0] if many == 1 else self.camera.in_(named))
        if after:
            words.append(self._beyond())
        order = [column.desc() if self.newest_first else column for column in (self.at, self.key)]
        ends = (self.at, self.key) if self._ends() == (-2, -1) else ()
        asked = select(*self.shown.columns, *ends).select_from(self.source).where(*words).order_by(*order)
        return compiled(asked.limit(bindparam("limit")))

    def _beyond(self) -> ColumnElement[bool]:
        """What follows the cursor: one bound that an index can use, and the exact one."""
        at, key = bindparam("at", type_=UtcDateTime), bindparam("key", type_=String)
        if self.newest_first:
            return and_(self.at <= at, or_(self.at < at, self.key < key))
        return and_(self.at >= at, or_(self.at > at, self.key > key))


async def page_in(site: Site, listing: Listing, asked: Asked) -> Page:
    """A page; it depends on nothing but the list, what is asked of it, and the views. Raises Problem."""

    async def make(now: Databases) -> object:
        return await listing.page(now.rows, asked)

    return await page_of(site, (id(listing), asked), make)


async def list_page(site: Site, request: Request, listing: Listing, asked: Asked) -> Response:
    """The answer with such a page."""
    return json_answer(request, await page_in(site, listing, asked))


_KINDS = 1000
"""Kinds of questions whose SQL is kept; an account with many cameras makes kinds of its own."""


def between(at: ColumnElement[object]) -> dict[str, ColumnElement[bool]]:
    """The filters `since` and `until` on a moment."""
    since, until = bindparam("since", type_=UtcDateTime), bindparam("until", type_=UtcDateTime)
    return {"since": at >= since, "until": at < until}


def equal(*columns: ColumnElement[object]) -> dict[str, ColumnElement[bool]]:
    """A filter for each column, under its name."""
    return {str(column.key): column == bindparam(str(column.key), type_=column.type) for column in columns}
