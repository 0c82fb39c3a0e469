"""Days as people live them: from midnight to midnight of a camera's time zone. Pure."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


def zone(name: str) -> ZoneInfo:
    """The zone of this name; UTC when the name is none, so that a camera with a misspelt zone still has days."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def known_zone(name: str) -> str:
    """The name, if it is a time zone's. Raises ValueError."""
    try:
        ZoneInfo(name)
    except (OSError, ValueError, LookupError) as problem:
        raise ValueError(f"{name[:40]!r} is no time zone; write it as Asia/Seoul") from problem
    return name


def day_of(at: datetime, time_zone: str) -> date:
    """The date on a wall calendar there."""
    return at.astimezone(zone(time_zone)).date()


def bounds(day: date, time_zone: str) -> tuple[datetime, datetime]:
    """The moments (UTC) at which it begins and ends; 23 or 25 hours apart where clocks are changed."""
    begin = datetime.combine(day, time(), zone(time_zone))
    end = datetime.combine(day + timedelta(days=1), time(), zone(time_zone))
    return begin.astimezone(UTC), end.astimezone(UTC)
