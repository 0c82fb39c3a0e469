"""Does what `dolbom rebuild` asks for, and tells how far it is."""

import asyncio
import gc
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from cli.access import access
from cli.refusal import Refusal
from cli.said import line
from cli.site import Site
from libs.bus import Bus, NoServer, connect
from libs.clock import real
from libs.observe import set_up_logs
from services.query.records.locks import Taken
from services.query.records.rebuilding import Impossible, Rebuilt, rebuild

EVERY, ON_TERMINAL = 10.0, 0.2
"""Seconds between two words about how far it is, in a file and on a terminal."""
_QUIET = "CRITICAL"
_RARELY = 100_000
"""New objects between two collections: nothing here is garbage in a circle, and a fifth of the CPU went there."""
_STAGES = {"log": "facts of the log", "wait": "waits for the views that are shown", "compare": "rows compared"}


def rebuild_views(data: str, *, accept: bool, as_json: bool) -> int:
    """The command. Raises Refusal."""
    site = Site.at(data)
    url = _control(site)
    set_up_logs("rebuild", _QUIET)
    gc.set_threshold(_RARELY)
    try:
        done = asyncio.run(_rebuild(site, url, _Progress(), accept=accept))
    except (Impossible, Taken) as problem:
        raise Refusal(str(problem)) from problem
    except (DBAPIError, OSError) as problem:
        name = type(problem.orig if isinstance(problem, DBAPIError) else problem).__name__
        raise Refusal(f"the database does not answer ({name}); what is shown is as it was") from problem
    except KeyboardInterrupt:
        print(line("■", "rebuild", "stopped; what is shown is as it was"), file=sys.stderr)
        return 1
    if as_json:
        print(json.dumps(asdict(done), ensure_ascii=False, indent=2))
    else:
        _tell(done)
    return 0 if done.shown else 1


def _control(site: Site) -> str:
    """Where the control database is. Raises Refusal when there is none."""
    url = os.environ.get("DATABASE_URL") or f"sqlite+aiosqlite:///{site.data}/query/control.db"
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise Refusal("DATABASE_URL is no address of a database: mysql+asyncmy://user:password@host/dolbom") from None
    if parsed.get_backend_name() == "sqlite" and not Path(parsed.database or "").is_file():
        raise Refusal(f"no database stands on DATA {site.shown(site.data)}: start the site first (make run)")
    return url


async def _rebuild(site: Site, url: str, progress: "_Progress", *, accept: bool) -> Rebuilt:
    async with _bus(site) as bus:
        if bus is None:
            print(line("!", "bus", "does not answer: only what the log holds is read"), file=sys.stderr)
        try:
            return await rebuild(url, bus, progress.tell, accept=accept)
        finally:
            progress.end()


@asynccontextmanager
async def _bus(site: Site) -> AsyncIterator[Bus | None]:
    """The bus, or None when there is none."""
    try:
        where = access(site, "query", os.environ)
        opening = connect(where.url, where.user, where.password)
        bus = await opening.__aenter__()
    except (Refusal, NoServer):
        yield None
        return
    try:
        yield bus
    finally:
        await opening.__aexit__(None, None, None)


class _Progress:
    """One line that changes, on a terminal; else a line now and then. On stderr: the output is the answer."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._told = real()

    def tell(self, stage: str, count: int, total: int) -> None:
        """So many of so many."""
        now = real()
        if now - self._told < (ON_TERMINAL if self._terminal else EVERY):
            return
        self._told = now
        numbers = "" if not count else f"{count:,} of {total:,} " if total else f"{count:,} "
        said = line("…", "rebuild", f"{numbers}{_STAGES[stage]}")
        print(f"\r\x1b[K{said}" if self._terminal else said, end="" if self._terminal else "\n", file=sys.stderr)
        sys.stderr.flush()

    def end(self) -> None:
        """The line is done with."""
        if self._terminal:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def _tell(done: Rebuilt) -> None:
    for name, table in sorted(done.tables.items()):
        print(line("✔", name[:24], f"{table.rows:,} rows, sha256 {table.sha256[:16]}"))
    facts = f"{done.facts:,} facts of the log and {done.tail:,} that followed"
    spent = f"{done.seconds:.1f} s, {done.cpu_seconds:.1f} s of CPU here"
    print(line("✔", "read", f"{facts}, in {spent}"))
    if not done.compared:
        print(line("!", "compared", "not: what followed the log cannot be had"))
    elif done.differ:
        print(line("!", "compared", f"{done.differ:,} rows differ from what was shown; the first ones:"))
        for one in done.odd:
            print(f"  {one}")
    else:
        print(line("✔", "compared", f"all rows are those of generation {done.before}"))
    if done.shown:
        print(line("✔", "shown", f"generation {done.number}; {done.before} is kept"))
    else:
        what = "`--accept` shows the new ones, which is right when the code or the log was changed on purpose"
        print(line("■", "kept", f"generation {done.before} is shown as before; {what}"))
