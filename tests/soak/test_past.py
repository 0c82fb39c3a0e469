"""Past runs while encoder, bus and ingest are killed at random, also while nothing is read for long."""

import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.soak.past_run import Outcome, disturbed, faults, undisturbed
from tests.soak.seeds import SEEDS, chances, count

LEASE_ENDS = (6.5, 9.0)
CONSUMER_ENDS = (31.0, 40.0)
"""Seconds: so long nobody reads, and the server forgets the reader."""
pytestmark = [pytest.mark.soak, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outcome]:
    folder = tmp_path_factory.mktemp("undisturbed")
    yield undisturbed(folder)
    shutil.rmtree(folder)


@pytest.mark.parametrize("number", range(SEEDS))
def test_every_frame_is_as_without_kills(
    number: int, expected: Outcome, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """Of two seeds that follow one another, one kills ingest too: then stamps and pixels tell, and not bytes."""
    seed, rng = chances(number)
    victims = ["encoder"] * rng.randint(3, 6) + ["nats"] * rng.randint(0, 2)
    victims += ["ingest"] * rng.randint(1, 3) if seed % 2 else []
    rng.shuffle(victims)
    found = disturbed(tmp_path, rng, victims, lambda: outage(rng, long=seed % 10 == 0))
    count(record_property, found.counts)
    assert faults(found, expected, same_bytes=seed % 2 == 0) == []
    shutil.rmtree(tmp_path)


def outage(rng: random.Random, *, long: bool) -> float:
    """Seconds that an encoder stays dead."""
    longest = CONSUMER_ENDS if long else LEASE_ENDS
    return rng.choice((0.0, rng.uniform(0, 1), rng.uniform(*LEASE_ENDS), rng.uniform(*longest)))
