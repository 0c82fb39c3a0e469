"""Whatever is killed in a past run, and whenever, no slot is lost and none comes twice."""

import random
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.soak.past_run import Outcome, disturbed, faults, undisturbed
from tests.soak.seeds import FIRST

SEEDS = 5
AT_ONCE = 3
"""Sites that run at the same time: much of a run is waiting."""
pytestmark = pytest.mark.timeout(240)


def victims(seed: int, rng: random.Random) -> list[str]:
    """Of two seeds that follow one another, one kills ingest too."""
    chosen = ["encoder", "encoder", "encoder", "nats"] + (["ingest", "ingest"] if seed % 2 else [])
    rng.shuffle(chosen)
    return chosen


def run(folder: Path, seed: int) -> Outcome:
    rng = random.Random(seed)
    return disturbed(folder, rng, victims(seed, rng), lambda: rng.choice((0.0, rng.uniform(0, 1))))


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Future[Outcome]]]:
    """The run without kills, then those of the seeds."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        folder = tmp_path_factory.mktemp("kills")
        seeds = [pool.submit(run, folder / str(number), FIRST + number) for number in range(SEEDS)]
        yield [pool.submit(undisturbed, folder / "undisturbed"), *seeds]
        pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("number", range(SEEDS))
def test_nothing_is_lost(number: int, outcomes: list[Future[Outcome]]) -> None:
    """A new x264 after a killed ingest makes other bytes; all else leaves the very same files."""
    seed = FIRST + number
    print(f"seed {seed}")
    found, expected = outcomes[number + 1].result(), outcomes[0].result()
    print("\n".join(found.done))
    assert faults(found, expected, same_bytes=seed % 2 == 0) == []
