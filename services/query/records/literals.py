"""Values as SQLite's driver takes them, and as MySQL and MariaDB read them in a statement's text.

The text is read as it is meant in the mode that `open_engine` sets: a backslash quotes, and so does a doubled quote.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from math import isfinite

import orjson
from sqlalchemy import JSON, BigInteger, Boolean, Double, Integer
from sqlalchemy.types import TypeEngine

from services.query.records.columns import UtcDateTime

Encode = Callable[[object], object]


def for_sqlite(kind: TypeEngine[object]) -> Encode:
    """What turns values of this type of column into the driver's."""
    if isinstance(kind, JSON):
        return lambda value: None if value is None else orjson.dumps(value).decode()
    if isinstance(kind, UtcDateTime):
        return lambda value: _moment(value) if isinstance(value, datetime) else None
    if isinstance(kind, Boolean):
        return lambda value: None if value is None else int(bool(value))
    return _finite if isinstance(kind, Double) else _itself


def for_mysql(kind: TypeEngine[object]) -> Encode:
    """What turns values of this type of column into SQL."""
    if isinstance(kind, JSON):
        return lambda value: "NULL" if value is None else _text(orjson.dumps(value).decode())
    if isinstance(kind, UtcDateTime):
        return lambda value: f"'{_moment(value)}'" if isinstance(value, datetime) else "NULL"
    if isinstance(kind, Boolean):
        return lambda value: "NULL" if value is None else "1" if value else "0"
    if isinstance(kind, Double):
        return lambda value: "NULL" if value is None else repr(_finite(value))
    return _number if isinstance(kind, Integer | BigInteger) else _text


def _moment(value: datetime) -> str:
    """`2026-03-02 09:00:00.000000`, in UTC."""
    return value.astimezone(UTC).isoformat(" ", "microseconds")[:26]


def _itself(value: object) -> object:
    return value


def _finite(value: object) -> object:
    if isinstance(value, float) and not isfinite(value):
        raise OverflowError("a number is not finite")
    return value


def _number(value: object) -> str:
    if type(value) is int:
        return str(value)
    return "NULL" if value is None else str(int(str(value)))


def _text(value: object) -> str:
    if value is None:
        return "NULL"
    if not isinstance(value, str):
        raise TypeError(f"a text column takes no {type(value).__name__}")
    if "'" in value or "\\" in value or "\0" in value:
        value = value.replace("\\", "\\\\").replace("'", "''").replace("\0", "\\0")
    return f"'{value}'"
