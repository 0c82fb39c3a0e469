"""What is wrong with the views that are shown, in words and as metrics. It ends when other views are shown."""

from collections.abc import Sequence

from prometheus_client import Gauge
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from services.query.records.places import FACTS
from services.query.records.projector import NEWER, REGRESSED
from services.query.records.reading import READ_ANEW
from services.query.records.tables import TABLES

BEHIND = Gauge("dolbom_views_behind", "Types of facts that the views lack, for this code does not know them")
Troubles = Sequence[tuple[str, str]]
"""Kind and what it is about: a type of facts, or a stream."""


async def read_troubles(views: AsyncEngine) -> Troubles:
    """What these views tell."""
    table = TABLES["troubles"]
    asked = select(table.c.kind, table.c.what).order_by(table.c.kind, table.c.what)
    async with views.connect() as connection:
        return [(kind, what) for kind, what in await connection.execute(asked)]


def measure(troubles: Troubles, *, anew: bool = False) -> None:
    """For the metrics; `anew`: of views that were opened just now."""
    BEHIND.set(sum(kind == NEWER for kind, _ in troubles))
    for stream in FACTS:
        regressed = (REGRESSED, stream.name) in troubles
        if regressed or anew:
            READ_ANEW.labels(stream.name).set(regressed)


def worry(troubles: Troubles) -> str:
    """One or two sentences for people; empty when nothing is wrong."""
    streams = [what for kind, what in troubles if kind == REGRESSED]
    types = [what for kind, what in troubles if kind == NEWER]
    said = []
    if streams:
        said.append(
            f"the past of {', '.join(streams)} was lost or changed, so it was read again; look into it,"
            " then type `dolbom rebuild`"
        )
    if types:
        more = f" and {len(types) - 3} more" if len(types) > 3 else ""
        said.append(
            f"facts of newer types are kept but not shown ({', '.join(types[:3])}{more});"
            " bring query up to date, then type `dolbom rebuild --accept`"
        )
    return ". ".join(said)
