"""How many seeds, and which."""

import os
import random
from collections.abc import Callable, Mapping

SEEDS = int(os.environ.get("DOLBOM_SEEDS") or "50")
"""How many seeds each soak test goes through."""
FIRST = int(os.environ.get("DOLBOM_SEED") or "0") or random.SystemRandom().randrange(1, 1 << 32)
"""The first one; the others follow. `DOLBOM_SEED=n DOLBOM_SEEDS=1` repeats one."""
PATIENCE = 120.0
"""Seconds that a soak test waits for what must come; a busy machine is no fault."""


def chances(number: int) -> tuple[int, random.Random]:
    """The seed of this number, and what follows from it; the seed is printed."""
    seed = FIRST + number
    print(f"seed {seed}")
    return seed, random.Random(seed)


def count(tell: Callable[[str, object], None], counts: Mapping[str, int]) -> None:
    """Numbers for the report, which adds them up over all seeds; `tell` is pytest's `record_property`."""
    for what, often in counts.items():
        tell(what, often)
