"""Times as people of a site read them."""

from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


def time_for_people(when: datetime, zone: str) -> str:
    """`14:03:10` in the site's zone; UTC, and said so, when the zone is not known."""
    try:
        return when.astimezone(ZoneInfo(zone)).strftime("%H:%M:%S")
    except (ZoneInfoNotFoundError, ValueError):
        return when.strftime("%H:%M:%S UTC")
