"""Views that are built anew from the log are the ones that stand, row for row, and people notice nothing of it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from sqlalchemy import text

from libs.bus import Received
from libs.contracts.envelope import encode
from services.query.records.archiver import write_log
from services.query.records.control import Control
from services.query.records.database import open_engine, upsert
from services.query.records.filling import ARCHIVED
from services.query.records.generations import numbers, opened, shown, views_url
from services.query.records.keeping import databases
from services.query.records.locks import Taken, only_builder
from services.query.records.merging import Key, Row
from services.query.records.projector import write_views
from services.query.records.rebuilding import Impossible, Rebuilt, rebuild
from services.query.records.tables import TABLES
from tests.integration.database.test_projector import folded, of_views
from tests.integration.database.views import Fresh, read_all
from tests.story import story

FACTS = list(story(17, hours=1.5))
NEWER = b'{"id":"6d1f0f0e-0000-5000-8000-000000000000","time":"2026-03-02T00:00:00Z","type":"dolbom.x.y.v1"}'
EXTRA = [("x.y.camera-1", NEWER)]


def messages() -> list[Received]:
    """The facts as the bus gives them, some of them twice, and one that a newer program said."""
    bodies = [(fact.nats_subject, encode(fact)) for fact in FACTS] + EXTRA
    return [Received(number + 1, subject, {}, body) for number, (subject, body) in enumerate(bodies + bodies[:50])]


async def kept(url: str, archived: Sequence[Received], projected: Sequence[Received]) -> None:
    """A site whose log and whose first views hold these."""
    async with databases(url) as now:
        for table, engine, write, some in (
            (ARCHIVED, now.control, write_log("EVENTS"), archived),
            (TABLES["checkpoints"], now.views, write_views, projected),
        ):
            for at in range(0, len(some), 100):
                batch = some[at : at + 100]
                place = {"stream": "EVENTS", "incarnation": "one", "sequence": batch[-1].sequence, "fact_id": "x"}
                async with engine.begin() as connection:
                    await write(connection, "one", batch)
                    await upsert(connection, table, [place])


async def built(url: str, *, accept: bool = False) -> Rebuilt:
    return await rebuild(url, None, lambda *_: None, accept=accept)


@contextlib.asynccontextmanager
async def views(url: str, number: int) -> AsyncIterator[dict[tuple[str, Key], Row]]:
    async with opened(views_url(url, number)) as engine, engine.connect() as connection:
        yield await read_all(connection)


async def standing(url: str) -> tuple[int | None, list[int]]:
    """Which generation is shown, and which there are."""
    control = open_engine(url)
    async with control.connect() as connection:
        found = await shown(connection), list(await numbers(connection))
    await control.dispose()
    return found


async def test_the_same_rows_are_shown_and_the_last_but_one_generation_goes(fresh: Fresh) -> None:
    url = await fresh()
    await kept(url, messages(), messages())
    done = await built(url)
    assert (done.shown, done.differ, done.facts) == (True, 0, len(FACTS) + 1)
    assert await standing(url) == (2, [1, 2])
    async with views(url, 1) as before, views(url, 2) as now:
        assert before == now
        assert of_views(now) == folded(FACTS)
        assert ("troubles", ("newer", "dolbom.x.y.v1")) in now
    assert done.tables["inbox"].rows == len(FACTS)
    again = await built(url)
    assert await standing(url) == (3, [2, 3])
    assert again.tables == done.tables, "checksums and all"


async def test_views_that_differ_are_told_and_not_shown_unless_that_is_accepted(fresh: Fresh) -> None:
    url = await fresh()
    await kept(url, messages(), messages())
    async with opened(views_url(url, 1)) as live, live.begin() as connection:
        await connection.execute(text("UPDATE looks SET outcome = 'gated' WHERE outcome = 'assessed'"))
        await connection.execute(text("DELETE FROM reports"))
        await connection.execute(text("INSERT INTO reviews (review_id) VALUES ('zz')"))
    done = await built(url)
    looks = sum(fact.name == "look.completed" and getattr(fact.data, "outcome", "") == "assessed" for fact in FACTS)
    reports = {(fact.subject, getattr(fact.data, "day", "")) for fact in FACTS if fact.name == "report.published"}
    assert (done.shown, done.differ, len(done.odd)) == (False, looks + len(reports) + 1, 20)
    assert await standing(url) == (1, [1, 2]), "nothing is dropped"
    assert (await built(url, accept=True)).shown
    assert await standing(url) == (3, [1, 3]), "the one that nobody accepted is gone"
    async with views(url, 3) as now:
        assert of_views(now) == folded(FACTS)


async def test_json_that_is_written_in_another_way_is_no_difference(fresh: Fresh) -> None:
    url = await fresh()
    await kept(url, messages(), messages())
    async with opened(views_url(url, 1)) as live, live.begin() as connection:
        await connection.execute(
            text("""UPDATE reports SET text = '{ "en":"오늘 is seen", "ko": "오늘 장면이 보입니다" }'""")
        )
    assert (await built(url)).differ == 0


async def test_columns_that_the_views_lack_are_a_difference(fresh: Fresh) -> None:
    url = await fresh()
    await kept(url, messages(), messages())
    async with opened(views_url(url, 1)) as live, live.begin() as connection:
        await connection.execute(text("ALTER TABLE reports DROP COLUMN links"))
    done = await built(url)
    assert (done.shown, done.odd) == (False, ["reports has other columns than before"])


async def test_views_behind_the_log_are_not_compared(fresh: Fresh, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.query.records.rebuilding.WAITS", 0.3)
    url = await fresh()
    await kept(url, messages(), messages()[:100])
    with pytest.raises(Impossible, match="stand at EVENTS 100, the log at"):
        await built(url)
    done = await built(url, accept=True)
    assert (done.shown, done.compared) == (True, False)
    async with views(url, done.number) as now:
        assert of_views(now) == folded(FACTS)


async def test_views_before_the_log_need_the_bus(fresh: Fresh) -> None:
    url = await fresh()
    await kept(url, messages()[:100], messages())
    with pytest.raises(Impossible, match="no bus is there for the rest"):
        await built(url)
    assert (await standing(url))[0] == 1


async def test_one_at_a_time(fresh: Fresh) -> None:
    url = await fresh()
    await kept(url, messages()[:10], messages()[:10])
    control = open_engine(url)
    async with only_builder(control):
        with pytest.raises(Taken, match="another rebuild"):
            await built(url)
    await control.dispose()
    assert (await asyncio.gather(built(url)))[0].shown


async def test_a_site_without_views_is_told(fresh: Fresh) -> None:
    url = await fresh()
    control = open_engine(url)
    async with control.begin() as connection:
        await connection.run_sync(Control.metadata.create_all)
    await control.dispose()
    with pytest.raises(Impossible, match="start the site first"):
        await built(url)


@pytest.mark.parametrize(
    ("control", "views"),
    [
        ("sqlite+aiosqlite:////data/query/control.db", "sqlite+aiosqlite:////data/query/views_3.db"),
        ("mysql+asyncmy://u:p%40w@db:3306/dolbom", "mysql+asyncmy://u:p%40w@db:3306/dolbom_views_3"),
    ],
)
def test_where_a_generation_lives(control: str, views: str, tmp_path: Path) -> None:
    assert views_url(control, 3) == views
