"""Views that are built anew from the log are the ones that stand, row for row."""

import random
from pathlib import Path

import pytest
from sqlalchemy import text

from libs.bus import Received
from libs.contracts.envelope import encode
from services.query.records.archiver import write_log
from services.query.records.control import Control
from services.query.records.database import open_engine, upsert
from services.query.records.generations import differences, next_number, opened, rebuild, show, shown, views_url
from services.query.records.projector import write_views
from services.query.records.tables import TABLES
from tests.integration.database.views import Fresh
from tests.story import story

FACTS = list(story(17, hours=1.5))


def received(seed: int) -> list[Received]:
    """The facts as the bus gives them, some of them twice, and one that a newer program said."""
    newer = b'{"id":"6d1f0f0e-0000-5000-8000-000000000000","time":"2026-03-02T00:00:00Z","type":"dolbom.x.y.v1"}'
    bodies = [(fact.nats_subject, encode(fact)) for fact in FACTS] + [("x.y.camera-1", newer)]
    mixed = bodies + random.Random(seed).choices(bodies, k=50)
    return [Received(number + 1, subject, {}, body) for number, (subject, body) in enumerate(mixed)]


async def test_a_rebuild_gives_the_same_rows_and_goes_on_from_the_same_place(fresh: Fresh) -> None:
    url = await fresh()
    control = open_engine(url)
    async with control.begin() as connection:
        await connection.run_sync(Control.metadata.create_all)
        first = await next_number(connection)
        await show(connection, first)
    messages = received(1)
    async with opened(views_url(url, first)) as live:
        for at in range(0, len(messages), 100):
            batch = messages[at : at + 100]
            place = {"stream": "EVENTS", "incarnation": "one", "sequence": batch[-1].sequence, "fact_id": "x"}
            async with control.begin() as connection:
                await write_log("EVENTS")(connection, "one", batch)
                await upsert(connection, Control.metadata.tables["archived"], [place])
            async with live.begin() as connection:
                await write_views(connection, "one", batch)
                await upsert(connection, TABLES["checkpoints"], [place])
        async with control.begin() as connection:
            second = await next_number(connection)
            assert await shown(connection) == first
        async with opened(views_url(url, second)) as built:
            told: list[int] = []
            assert await rebuild(control, built, told.append) == len(FACTS) + 1 == told[-1]
            async with live.connect() as one, built.connect() as other:
                assert await differences(one, other) == []
                places = [(await side.execute(TABLES["checkpoints"].select())).all() for side in (one, other)]
                assert places[0] == places[1]
            async with built.begin() as connection:
                await connection.execute(text("UPDATE looks SET outcome = 'gated' WHERE outcome = 'assessed'"))
                await connection.execute(text("DELETE FROM reports"))
            async with live.connect() as one, built.connect() as other:
                odd = await differences(one, other, 1000)
                assert {line.split()[0] for line in odd} == {"looks", "reports"}
        async with control.begin() as connection:
            await show(connection, second)
        async with control.connect() as connection:
            assert await shown(connection) == second
    await control.dispose()


@pytest.mark.parametrize(
    ("control", "views"),
    [
        ("sqlite+aiosqlite:////data/query/control.db", "sqlite+aiosqlite:////data/query/views_3.db"),
        ("mysql+asyncmy://u:p%40w@db:3306/dolbom", "mysql+asyncmy://u:p%40w@db:3306/dolbom_views_3"),
    ],
)
def test_where_a_generation_lives(control: str, views: str, tmp_path: Path) -> None:
    assert views_url(control, 3) == views
