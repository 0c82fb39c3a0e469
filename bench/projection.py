"""`python -m bench.projection`: fresh facts into the views against `LOAD DATA` of the rows that they become (P4).

Both sides write to one MariaDB, into tables of the same definition, in turn. Ours reads each message, merges what the
facts of a transaction say, and writes rows, inbox and place; the peer writes the finished rows as text and has them
loaded. CPU is that of this process (the peer: and of `mariadb`) and of the server; the reading of messages, which the
peer has none of, is told apart. *Events* are facts that are a row each, as the limit was measured. *Facts* are all that
a site says: of a look, which most are of, two facts are one row, and the peer has it only once.
"""

import argparse
import asyncio
import gc
import resource
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from bench import machine
from bench.arithmetic import ratios, spread
from bench.processes import tree
from bench.report import HEAD, row_line
from bench.rows import Row
from libs.contracts.envelope import Fact, encode
from services.query.records.database import open_engine, upsert
from services.query.records.projector import project, read_fact
from services.query.records.tables import TABLES
from tests.integration.database.views import create, views
from tests.mariadb import MariaDb
from tests.story import story

LIMIT = 2.8
BATCH = 1000
"""Facts of one transaction, as the limit was measured. (A rebuild takes twice as many; live, what there is.)"""
Said = tuple[str, bytes]


@dataclass(frozen=True, slots=True)
class Took:
    """Microseconds of CPU a fact, by part."""

    reading: float
    client: float
    server: float

    @property
    def rows(self) -> float:
        """All but the reading of messages."""
        return self.client + self.server


def main() -> None:
    """Measure in turn, print and write build/bench/projection.md."""
    words = argparse.ArgumentParser(prog="python -m bench.projection", description=__doc__)
    words.add_argument("--facts", type=int, default=50_000)
    words.add_argument("--pairs", type=int, default=5)
    asked = words.parse_args()
    said = {"facts": _said(asked.facts), "events": _said(asked.facts // 5, "event.detected")}
    gc.freeze()
    gc.set_threshold(20_000)
    with _server() as server:
        pairs = {
            name: [asyncio.run(_pair(server, some, number)) for number in range(asked.pairs)]
            for name, some in said.items()
        }
    sizes = ", ".join(f"{len(some)} {name}" for name, some in said.items())
    how = f"{sizes}, {asked.pairs} rounds, load {machine.load():.1f}"
    rows = [row_line(row) for name, some in pairs.items() for row in _rows(name, some)]
    parts = [line for name, some in pairs.items() for line in _parts(name, some)]
    body = "\n".join((f"Commit {machine.commit()}; {how}.\n\n{HEAD}", *rows, "", *parts, ""))
    machine.BUILD.mkdir(parents=True, exist_ok=True)
    (machine.BUILD / "projection.md").write_text(body, encoding="utf-8")
    print(body)


def _said(count: int, only: str = "") -> list[Said]:
    facts: dict[str, Fact] = {}
    for fact in story(7, cameras=16, hours=24.0 * 365):
        if only in ("", fact.name):
            facts.setdefault(fact.id, fact)
        if len(facts) == count:
            break
    return [(fact.nats_subject, encode(fact)) for fact in facts.values()]


@contextmanager
def _server() -> Iterator[MariaDb]:
    with TemporaryDirectory(prefix="dolbom-projection-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o711)
        server = MariaDb(Path(folder, "server"))
        server.make()
        server.start()
        try:
            yield server
        finally:
            server.kill()


async def _pair(server: MariaDb, said: Sequence[Said], number: int) -> tuple[Took, Took]:
    """Ours, and the peer with the rows that ours made."""
    ours, theirs = f"ours_{number}", f"theirs_{number}"
    for name in (ours, theirs):
        await create(server.url, name)
    async with views(f"{server.url}{ours}?charset=utf8mb4") as engine:
        took = await _project(server, engine, said)
        rows = {name: await _dump(engine, name) for name in TABLES}
    async with views(f"{server.url}{theirs}?charset=utf8mb4") as engine:
        loaded = _load(server, theirs, rows, len(said))
        for name, some in rows.items():
            if len(some) != len(await _dump(engine, name)):
                raise RuntimeError(f"{name}: not every row was loaded")
    await _drop(server, ours, theirs)
    print(f"round {number + 1}: ours {took}, LOAD DATA {loaded}", flush=True)
    return took, loaded


async def _project(server: MariaDb, engine: AsyncEngine, said: Sequence[Said]) -> Took:
    """As the projector does: so many facts, and the place, in one transaction."""
    begin, before, reading = _own(), _cpu(server), 0.0
    for at in range(0, len(said), BATCH):
        started = _own()
        facts = [read_fact(subject, body) for subject, body in said[at : at + BATCH]]
        reading += _own() - started
        async with engine.begin() as connection:
            await project(connection, facts)
            place = {"stream": "EVENTS", "incarnation": "one", "sequence": at, "fact_id": facts[-1].id}
            await upsert(connection, TABLES["checkpoints"], [place])
    each = 1e6 / len(said)
    return Took(reading * each, (_own() - begin - reading) * each, (_cpu(server) - before) * each)


def _load(server: MariaDb, name: str, rows: dict[str, list[tuple[object, ...]]], count: int) -> Took:
    """Write them as text, and have them loaded."""
    begin, before = _own(), _cpu(server)
    with TemporaryDirectory(prefix="dolbom-rows-") as folder:
        for table, some in rows.items():
            lines = ("\t".join(["\\N" if value is None else str(value) for value in row]) for row in some)
            Path(folder, table).write_text("\n".join([*lines, ""]), encoding="utf-8")
        words = ";".join(
            f"load data local infile '{folder}/{table}' into table {name}.{table} character set utf8mb4"
            for table in rows
        )
        client = ["mariadb", "--no-defaults", "--local-infile=1", "-uroot", "-h127.0.0.1", f"-P{server.port}"]
        subprocess.run([*client, "-e", f"set sql_mode='';{words}"], check=True)
    each = 1e6 / count
    return Took(0.0, (_own() - begin) * each, (_cpu(server) - before) * each)


async def _dump(engine: AsyncEngine, name: str) -> list[tuple[object, ...]]:
    async with engine.connect() as connection:
        return [tuple(row) for row in await connection.execute(text(f"SELECT * FROM {name}"))]  # noqa: S608


async def _drop(server: MariaDb, *names: str) -> None:
    engine = open_engine(server.url)
    async with engine.begin() as connection:
        for name in names:
            await connection.execute(text(f"DROP DATABASE {name}"))
    await engine.dispose()


def _own() -> float:
    """CPU seconds of this process and of those that it started and that ended."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in used)


def _cpu(server: MariaDb) -> float:
    return sum(process.own for process in tree([server.pid]).values())


Pairs = Sequence[tuple[Took, Took]]


def _rows(what: str, pairs: Pairs) -> list[Row]:
    def row(name: str, measure: Callable[[Took], float], limit: float | None) -> Row:
        ours, theirs = ([measure(pair[side]) for pair in pairs] for side in (0, 1))
        return Row(f"{what}: {name}", "µs each", spread(ours), spread(theirs), ratios(ours, theirs), limit)

    return [
        row("projection against LOAD DATA", lambda one: one.rows, LIMIT),
        row("the same with the reading of messages", lambda one: one.rows + one.reading, None),
    ]


def _parts(what: str, pairs: Pairs) -> list[str]:
    """Where the time went."""
    return [
        f"* {what}, {name}: "
        + ", ".join(
            f"{part} {spread([getattr(pair[side], part) for pair in pairs]).median:.1f} µs"
            for part in ("reading", "client", "server")
        )
        for side, name in enumerate(("ours", "LOAD DATA"))
    ]


if __name__ == "__main__":
    main()
