"""Types of columns that MySQL 8, MariaDB 10.11 and SQLite all have."""

from datetime import UTC, datetime

from sqlalchemy import JSON, BigInteger, Boolean, Double, LargeBinary, String, Text
from sqlalchemy import DateTime as PlainDateTime
from sqlalchemy.dialects import mysql
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC, to the microsecond; the databases' own type knows no zone."""

    impl = PlainDateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """What is stored."""
        return None if value is None else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """What is read."""
        return None if value is None else value.replace(tzinfo=UTC)


Object = dict[str, object]
Array = list[Object]
NAME, WORD = String(32), String(64)
UUID = String(36).with_variant(mysql.VARCHAR(36, charset="ascii", collation="ascii_bin"), "mysql", "mariadb")
"""Compared byte by byte: by the rules of a language, a search for a key takes several times as long."""
TYPES: dict[object, object] = {
    bool: Boolean,
    bytes: LargeBinary,
    datetime: UtcDateTime,
    float: Double,
    int: BigInteger,
    str: Text,
    Object: JSON(none_as_null=True),
    Array: JSON(none_as_null=True),
}
UNICODE = {"mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_unicode_ci"}
"""Named on every table: what a server takes by itself differs between MySQL and MariaDB."""
