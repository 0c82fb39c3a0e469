"""`dolbom events`: follow the facts as they happen, one line each."""

import asyncio
import os
import signal
import sys
from asyncio import create_task
from collections.abc import Sequence

from cli import typed
from cli.access import Access, access
from cli.event_lines import Only, fact_line, is_within
from cli.refusal import Refusal
from cli.site import Site
from libs.bus import Bus, NoServer, connect, listen
from libs.contracts.permissions import rights
from libs.contracts.subjects import FACT_SUBJECTS
from libs.observe import set_up_logs

USER = "observer"
KINDS = tuple(dict.fromkeys(f"{subject.split('.')[0]}.>" for subject in FACT_SUBJECTS))
_QUIET = "CRITICAL"


def events(data: str, subjects: Sequence[str], only: Only, *, as_json: bool) -> int:
    """The command: until Ctrl-C or SIGTERM. Raises Refusal for what an observer may not hear, or without a bus."""
    if only.camera:
        typed.camera_id(only.camera)
    for subject in subjects:
        if not is_within(subject, rights(USER).subscribe):
            raise Refusal(f"{subject} is no fact: name some of {' '.join(KINDS)}, or a part such as segment.closed.*")
    if only.severity and not any(subject.startswith("event.") for subject in subjects or ("event.>",)):
        raise Refusal(f"only events have a severity, and {' '.join(subjects)} is none: name event.> or leave it out")
    where = access(Site.at(data), USER, os.environ)
    set_up_logs("events", _QUIET)
    try:
        asyncio.run(_follow(where, tuple(subjects) or (("event.>",) if only.severity else KINDS), only, as_json))
    except NoServer as problem:
        raise Refusal(f"no bus answers: {problem}; does the site run (make run)?") from problem
    return 0


async def _follow(where: Access, subjects: Sequence[str], only: Only, as_json: bool) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with connect(where.url, where.user, where.password) as bus:
        told = f"Following {' '.join(subjects)}{only} on {where.shown_url}; Ctrl-C ends."
        tasks = {
            create_task(_tell(bus, subjects, told, only, as_json)),
            create_task(_watch(bus)),
            create_task(stop.wait()),
        }
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
        for task in done:
            task.result()


async def _tell(bus: Bus, subjects: Sequence[str], told: str, only: Only, as_json: bool) -> None:
    async with listen(bus, subjects) as heard:
        _note(told)
        async for subject, body in heard:
            if only.takes(subject):
                print(body.decode(errors="replace") if as_json else fact_line(subject, body), flush=True)


async def _watch(bus: Bus) -> None:
    """Say when nothing can be heard, so that silence is not taken for peace."""
    here = True
    while True:
        if bus.connected != here:
            here = bus.connected
            _note("The bus is back." if here else "The bus is away; waiting for it. What happens now is not shown.")
        await asyncio.sleep(0.5)


def _note(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
