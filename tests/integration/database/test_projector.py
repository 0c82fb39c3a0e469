"""Rows in a real database are the fold of the facts, whatever came twice, late, or in pieces."""

import random
from collections.abc import Sequence

import pytest

from libs.contracts.envelope import Fact
from services.query.records.groups import GROUPS
from services.query.records.merging import KEYS, Key, Row, born, merge
from services.query.records.projection import changes
from services.query.records.projector import project
from services.query.records.tables import TABLES
from tests.contracts.examples import EXAMPLES, example
from tests.integration.database.views import Fresh, read_all, views
from tests.story import story

FACTS = list(story(11, hours=1.0))


def folded(facts: Sequence[Fact]) -> dict[tuple[str, Key], Row]:
    rows: dict[tuple[str, Key], Row] = {}
    for fact in facts:
        for change in changes(fact):
            merge(rows.setdefault((change.table, change.key), born(change.table, change.key)), change)
    return {at: {name: value for name, value in row.items() if value is not None} for at, row in rows.items()}


async def stored(url: str, facts: Sequence[Fact], size: int) -> dict[tuple[str, Key], Row]:
    """What stands in the views after these facts came in batches."""
    async with views(url) as engine:
        for number in range(0, len(facts), size):
            batch = facts[number : number + size]
            async with engine.begin() as connection:
                await project(connection, batch)
        async with engine.connect() as connection:
            return await read_all(connection)


def of_views(rows: dict[tuple[str, Key], Row]) -> dict[tuple[str, Key], Row]:
    return {at: row for at, row in rows.items() if at[0] in KEYS}


@pytest.mark.parametrize("size", [1, 7, 500])
async def test_rows_are_the_fold_of_the_facts(fresh: Fresh, size: int) -> None:
    facts = FACTS if size > 1 else FACTS[:60]
    rows = await stored(await fresh(), facts, size)
    assert of_views(rows) == folded(facts)
    assert {key for name, (key, *_) in rows if name == "inbox"} == {fact.id for fact in facts}


async def test_another_order_with_duplicates_gives_the_same_rows(fresh: Fresh) -> None:
    dice = random.Random(3)
    mixed = FACTS + dice.choices(FACTS, k=300)
    dice.shuffle(mixed)
    assert of_views(await stored(await fresh(), mixed, 40)) == folded(FACTS)


async def test_a_transaction_that_breaks_leaves_nothing_and_a_new_one_everything(fresh: Fresh) -> None:
    async with views(await fresh()) as engine:
        with pytest.raises(ZeroDivisionError):
            async with engine.begin() as connection:
                await project(connection, FACTS[:50])
                raise ZeroDivisionError
        async with engine.connect() as connection:
            assert await read_all(connection) == {}
        async with engine.begin() as connection:
            assert len(await project(connection, FACTS[:50])) == 50
        async with engine.begin() as connection:
            assert await project(connection, FACTS[:50]) == [], "it came again"
        async with engine.connect() as connection:
            assert of_views(await read_all(connection)) == folded(FACTS[:50])


async def test_every_example_of_the_contract_comes_back_as_it_went_in(fresh: Fresh) -> None:
    facts = [example(name) for name in EXAMPLES]
    assert of_views(await stored(await fresh(), facts, 100)) == folded(facts)


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_every_value_has_a_column(name: str) -> None:
    for change in changes(example(name)):
        columns = set(TABLES[change.table].columns.keys())
        assert set(change.values) | set(KEYS[change.table]) <= columns
        assert tuple(column.name for column in TABLES[change.table].primary_key) == KEYS[change.table]
        group = next(one for one in GROUPS[change.table] if one.order == change.order)
        said_alike = {"camera_id"} if change.table in ("looks", "segment_analyses") else {"at"}
        assert set(change.values) - said_alike == {*group.order, *group.columns} - said_alike
