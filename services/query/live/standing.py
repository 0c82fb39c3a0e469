"""Is what the live stream tells the present? Pure: silence must never be taken for peace."""

from collections.abc import Iterable
from dataclasses import dataclass

from services.query.live.feed import Feed

QUIET_FOR = 5.0
"""Seconds without a word, even that there is nothing, after which the bus counts as away."""
LATE_FOR = 3.0
"""Seconds that the views may lack what was heard."""
STARTS_FOR = 5.0
"""Seconds that a start may take before it is named by what it waits for."""


@dataclass(frozen=True, slots=True)
class Condition:
    """What it depends on. `ready`: what stood there at first was heard; `began`: since when that was waited for."""

    connected: bool
    database_away: bool
    ready: bool
    began: float
    now: float


def why_not_live(seen: Condition, feeds: Iterable[Feed]) -> str:
    """Why what is told is not the present; empty when it is."""
    if not seen.ready and seen.now - seen.began < STARTS_FOR:
        return "starting"
    if not seen.connected:
        return "bus-away"
    if seen.database_away:
        return "database-away"
    known = list(feeds)
    if any(feed.late is not None and seen.now - feed.late > LATE_FOR for feed in known):
        return "views-behind"
    # A feed that waits for the views hears nothing meanwhile.
    if any(feed.late is None and seen.now - feed.heard > QUIET_FOR for feed in known):
        return "bus-away"
    return "" if seen.ready else "starting"
