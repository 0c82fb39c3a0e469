"""`python -m bench.lag`: how long after a fact was said the live stream tells it, at a hundred facts a second.

Every fact is said at its time, whatever became of those before it. The clock runs from before it is handed to the bus
until a client of `GET /api/v1/stream` has read it: bus with fsync, database with fsync, and the page's own way.
"""

import argparse
import asyncio
import contextlib
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

from bench import machine
from bench.arithmetic import spread
from bench.report import HEAD, row_line
from bench.rows import Row
from libs.bus import Bus, publish
from libs.contracts.envelope import Fact, encode
from libs.contracts.permissions import SERVICES
from libs.contracts.subjects import MSG_ID
from services.query.rest.live_items import touched
from tests.integration.query.harness import Query, start_query, until
from tests.integration.query.watchers import Heard, Watcher
from tests.integration.views.conftest import database
from tests.nats_server import NatsServer
from tests.story import story

LIMIT_MS = 250.0
KINDS = ("sqlite", "mariadb")


class Clocked(list[Heard]):
    """What a client heard; `came` keeps when each message of the stream of events came first, by its sequence."""

    def __init__(self) -> None:
        super().__init__()
        self.came: dict[int, float] = {}

    def append(self, heard: Heard) -> None:
        """One more."""
        super().append(heard)
        if heard.kind not in ("hello", "state"):
            self.came.setdefault(heard.place[0], monotonic())


def main() -> None:
    """Measure, print and write build/bench/lag.md."""
    words = argparse.ArgumentParser(prog="python -m bench.lag", description=__doc__)
    words.add_argument("--rate", type=float, default=100.0, help="facts a second")
    words.add_argument("--seconds", type=float, default=60.0)
    words.add_argument("--rounds", type=int, default=1)
    asked = words.parse_args()
    rows = []
    for kind in KINDS:
        rounds = [_once(kind, asked.rate, asked.seconds) for _ in range(asked.rounds)]
        for name, share, limit in (("p50", 0.5, None), ("p99", 0.99, LIMIT_MS), ("longest", 1.0, None)):
            found = spread([_at(lags, share) * 1000 for lags in rounds])
            rows.append(Row(f"live lag, {kind}, {name}", "ms", found, None, None, limit))
    how = f"{asked.rate:g} facts/s for {asked.seconds:g} s, rounds: {asked.rounds}, load {machine.load():.1f}"
    body = "\n".join((f"Commit {machine.commit()}; {how}.\n\n{HEAD}", *map(row_line, rows), ""))
    machine.BUILD.mkdir(parents=True, exist_ok=True)
    (machine.BUILD / "lag.md").write_text(body, encoding="utf-8")
    print(body)


def _once(kind: str, rate: float, seconds: float) -> list[float]:
    """The lag of every fact, sorted. Raises RuntimeError when one was never told."""
    shown = (fact for fact in story(7, cameras=16, hours=24.0 * 365) if any(touched(fact)))
    facts = list(islice(shown, round(rate * seconds)))
    with _site(kind) as (nats, query):
        lags = asyncio.run(_measure(nats, query, facts, rate))
    if len(lags) < len(facts):
        raise RuntimeError(f"of {len(facts)} facts {len(lags)} were told")
    print(f"{kind}: {len(lags)} told, p99 {_at(lags, 0.99) * 1000:.0f} ms", flush=True)
    return lags


@contextlib.contextmanager
def _site(kind: str) -> Iterator[tuple[NatsServer, Query]]:
    with contextlib.ExitStack() as closing:
        folder = Path(closing.enter_context(TemporaryDirectory(prefix="dolbom-lag-", ignore_cleanup_errors=True)))
        nats = NatsServer(folder)
        nats.start()
        closing.callback(nats.kill)
        nats.set_up()
        query = start_query(folder / "query", nats.url, settings=closing.enter_context(database(kind)))
        closing.callback(query.stop)
        until("query is ready", query.is_ready, 30)
        yield nats, query


async def _measure(nats: NatsServer, query: Query, facts: Sequence[Fact], rate: float) -> list[float]:
    watcher, clocked, said = Watcher(query.port).start(), Clocked(), dict[int, float]()
    await watcher.until("hello")
    watcher.heard = clocked

    async def say(bus: Bus, fact: Fact) -> None:
        began = monotonic()
        stored = await publish(bus, fact.nats_subject, encode(fact), {MSG_ID: fact.id})
        said[stored.sequence] = began

    async with contextlib.AsyncExitStack() as stack:
        buses = {user: await stack.enter_async_context(nats.bus(user)) for user in SERVICES}
        began = monotonic()
        async with asyncio.TaskGroup() as saying:
            for number, fact in enumerate(facts):
                await asyncio.sleep(max(0.0, began + number / rate - monotonic()))
                saying.create_task(say(buses[fact.source.partition("/")[2]], fact))
    await asyncio.sleep(3)
    await watcher.stop()
    return sorted(clocked.came[sequence] - at for sequence, at in said.items() if sequence in clocked.came)


def _at(lags: Sequence[float], share: float) -> float:
    return lags[min(len(lags) - 1, int(share * len(lags)))]


if __name__ == "__main__":
    main()
