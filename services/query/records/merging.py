"""Rows that facts change, in any order. Pure.

A row is a mapping of columns, born from whichever of its facts comes first. Its columns form groups; of all changes to
a group the one of the highest order wins, and the order stands in the row. Where a group is said once, the order is the
id of the fact that said it.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

Row = dict[str, object]
Key = tuple[str | int, ...]
Order = tuple[int | str, ...]

KEYS: dict[str, tuple[str, ...]] = {
    "cameras": ("camera_id",),
    "segments": ("camera_id", "fps", "first_slot"),
    "gaps": ("camera_id", "fps", "first_slot"),
    "looks": ("look_id",),
    "realtime_events": ("event_id",),
    "reviews": ("review_id",),
    "segment_analyses": ("segment_id",),
    "spend_daily": ("camera_id", "day"),
    "analysis_costs": ("cost_id",),
    "reports": ("camera_id", "day"),
    "accesses": ("access_id",),
}
"""Table → its primary key."""


class Change(NamedTuple):
    """New values for a group of columns of one row. `order` names those that hold the order; `values` has them all."""

    table: str
    key: Key
    order: tuple[str, ...]
    values: Mapping[str, object]


def born(table: str, key: Key) -> Row:
    """A row of which only the key is known."""
    return dict(zip(KEYS[table], key, strict=True))


def merge(row: Row, change: Change) -> bool:
    """Put the change into the row if nothing of a higher order stands there; tells whether the row is another now."""
    order = change.order
    if row.get(order[0]) is not None:
        new = [change.values[column] for column in order]
        if new <= [row[column] for column in order]:
            return False
    row.update(change.values)
    return True


def merged(changes: Iterable[Change]) -> dict[str, dict[Key, Row]]:
    """What these changes say of each row, by table and key; what they do not say is left out."""
    tables: dict[str, dict[Key, Row]] = {}
    for change in changes:
        rows = tables.setdefault(change.table, {})
        row = rows.get(change.key)
        if row is None:
            row = rows[change.key] = born(change.table, change.key)
            row.update(change.values)
        else:
            merge(row, change)
    return tables
