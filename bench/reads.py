"""`python -m bench.reads`: the latest events of a million against a bare application that asks the same (P5).

Both sides answer from one MariaDB; `wrk` asks them in turn, so that the machine's noise falls on both. CPU is the
application's and the database's, from /proc. `latest` is what a page polls: it is made once until the views change.
`any page` is never asked for twice, so that each one is read from the database.
"""

import argparse
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from tempfile import NamedTemporaryFile

from bench import machine
from bench.arithmetic import ratios, spread
from bench.processes import tree
from bench.reads_site import bare, site
from bench.report import HEAD, row_line
from bench.rows import Row
from services.query.rest.lists import cursor_of

LATEST, ANY, FIRST, DEEP, BARE = "latest", "any page", "first page", "deep page", "bare"
LIMIT, DEPTH_LIMIT, CONNECTIONS = 1.5, 1.2, 16
BEGIN = datetime(2026, 1, 1)  # noqa: DTZ001 (as the database holds it)
_LUA = "n = 0\nrequest = function() n = n + 1; return wrk.format('GET', string.format('{path}', {words})) end\n"
_UNSEEN = "1 + n % 9, math.floor(n / 9) % 24, math.floor(n / 216) % 60"
_PATH = "/api/v1/events?limit=20&{rest}=202{year}-0%d-01T%02d:%02d:00Z"


@dataclass(frozen=True, slots=True)
class Asking:
    """What `wrk` asks of which process: an address, or what a script makes of it."""

    name: str
    url: str
    pid: int
    script: str = ""


@dataclass(frozen=True, slots=True)
class Took:
    """Microseconds of CPU for one answer."""

    application: float
    database: float

    @property
    def total(self) -> float:
        """Both."""
        return self.application + self.database


def main() -> None:
    """Fill, ask in turn, print and write build/bench/reads.md."""
    words = argparse.ArgumentParser(prog="python -m bench.reads", description=__doc__)
    words.add_argument("--rows", type=int, default=1_000_000)
    words.add_argument("--pairs", type=int, default=5)
    words.add_argument("--seconds", type=int, default=5)
    asked = words.parse_args()
    with site(asked.rows) as (query, database), bare(database) as peer:
        askings = [*_askings(query.url, query.process.pid, asked.rows), Asking(BARE, *peer)]
        rounds = [{one.name: _ask(one, database.pid, asked.seconds) for one in askings} for _ in range(asked.pairs)]
        load = machine.load()
    how = f"{asked.rows} events, {asked.pairs} rounds of {asked.seconds} s, load {load:.1f}"
    head = f"Commit {machine.commit()}; {how}.\n\n{HEAD}"
    body = "\n".join((head, *map(row_line, _rows(rounds)), "", *_parts(rounds), ""))
    machine.BUILD.mkdir(parents=True, exist_ok=True)
    (machine.BUILD / "reads.md").write_text(body, encoding="utf-8")
    print(body)


def _askings(url: str, pid: int, rows: int) -> list[Asking]:
    middle = cursor_of(BEGIN + timedelta(seconds=rows // 2), "0")
    first = cursor_of(BEGIN + timedelta(seconds=rows), "0")
    unseen = {
        ANY: _PATH.format(rest="to", year=7),
        FIRST: _PATH.format(rest=f"camera=cam0&cursor={first}&from", year=5),
        DEEP: _PATH.format(rest=f"camera=cam0&cursor={middle}&from", year=5),
    }
    scripts = {name: _LUA.format(path=path, words=_UNSEEN) for name, path in unseen.items()}
    latest = Asking(LATEST, f"{url}/api/live-monitoring/events/cam1/latest", pid)
    return [latest, *(Asking(name, url, pid, script) for name, script in scripts.items())]


def _ask(asking: Asking, database: int, seconds: int) -> Took:
    """Ask as fast as it answers. Raises RuntimeError when an answer is not the page."""
    with NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(asking.script)
        script.flush()
        words = ["-s", script.name] if asking.script else []
        before = _cpu(asking.pid), _cpu(database)
        done = subprocess.run(
            ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", *words, asking.url],
            capture_output=True,
            text=True,
            check=True,
        )
        after = _cpu(asking.pid), _cpu(database)
    count = re.search(r"(\d+) requests in", done.stdout)
    if count is None or "Non-2xx" in done.stdout or "Socket errors" in done.stdout:
        raise RuntimeError(f"{asking.name}: {done.stdout}")
    return Took(*((one - other) / int(count[1]) * 1e6 for one, other in zip(after, before, strict=True)))


def _cpu(pid: int) -> float:
    return sum(process.own for process in tree([pid]).values())


Rounds = Sequence[dict[str, Took]]


def _rows(rounds: Rounds) -> list[Row]:
    def against(name: str, peer: str, limit: float | None) -> Row:
        ours, theirs = ([one[side].total for one in rounds] for side in (name, peer))
        return Row(f"{name} against {peer}", "µs an answer", spread(ours), spread(theirs), ratios(ours, theirs), limit)

    return [against(LATEST, BARE, LIMIT), against(ANY, BARE, None), against(DEEP, FIRST, DEPTH_LIMIT)]


def _parts(rounds: Rounds) -> list[str]:
    """Where the time went."""
    return [
        f"* {name}: application {spread([one[name].application for one in rounds]).median:.0f} µs, "
        f"database {spread([one[name].database for one in rounds]).median:.0f} µs"
        for name in rounds[0]
    ]


if __name__ == "__main__":
    main()
