"""`python -m bench.live`: what somebody who watches the live stream costs query, in memory and for each message."""

import argparse
import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import machine
from bench.arithmetic import spread
from bench.report import HEAD, row_line
from bench.rows import Row
from tests.integration.query.crowd import Cost, many_files, measure
from tests.integration.query.harness import start_query, until
from tests.nats_server import NatsServer

KB_LIMIT = 20.0


def main() -> None:
    """Measure, print and write build/bench/live.md."""
    words = argparse.ArgumentParser(prog="python -m bench.live", description=__doc__)
    words.add_argument("--clients", type=int, default=1000)
    words.add_argument("--rounds", type=int, default=3)
    asked = words.parse_args()
    with many_files():
        costs = [_once(asked.clients) for _ in range(asked.rounds)]
    head = f"Commit {machine.commit()}; {asked.clients} clients, {asked.rounds} rounds, load {machine.load():.1f}."
    body = "\n".join((f"{head}\n\n{HEAD}", *map(row_line, _rows(costs)), ""))
    machine.BUILD.mkdir(parents=True, exist_ok=True)
    (machine.BUILD / "live.md").write_text(body, encoding="utf-8")
    print(body)


def _once(clients: int) -> Cost:
    """With a fresh bus and a fresh query."""
    with TemporaryDirectory(prefix="dolbom-live-", ignore_cleanup_errors=True) as folder:
        nats = NatsServer(Path(folder))
        nats.start()
        try:
            nats.set_up()
            query = start_query(Path(folder, "query"), nats.url)
            try:
                until("query is ready", query.is_ready, 20)
                cost, _ = asyncio.run(measure(nats, query, clients))
            finally:
                query.stop()
        finally:
            nats.kill()
    print(cost, flush=True)
    return cost


def _rows(costs: Sequence[Cost]) -> list[Row]:
    def row(name: str, unit: str, measure: Callable[[Cost], float], limit: float | None) -> Row:
        return Row(name, unit, spread([measure(cost) for cost in costs]), None, None, limit)

    return [
        row("live: memory of a client", "KB (RSS)", lambda one: max(one.quiet_kb, one.told_kb), KB_LIMIT),
        row("live: CPU of a message to one client", "µs", lambda one: one.message_us, None),
        row("live: CPU of all when nothing happens", "ms a second", lambda one: one.idle * 1000, None),
    ]


if __name__ == "__main__":
    main()
