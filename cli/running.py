"""A site while it runs: the bus, the five services, what is said about them, and how it all ends in order."""

import asyncio
import os
import shutil
import signal
import sys
from asyncio import create_task
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace

from cli.access import Access
from cli.bus_server import HOST, BusServer, check_version, start_bus
from cli.cameras_file import CAMERA, cameras_file, shown
from cli.domain import SERVICE_BACKOFF, bus_line
from cli.keeper import Keeper, Program
from cli.plan import Plan, not_later, told_to, told_to_all
from cli.refusal import Refusal
from cli.said import line
from cli.site import write_private
from cli.web import ask
from libs.clock import SiteClock, real, wall_ms
from libs.contracts.permissions import SERVICES

_LAST = ("encoder", "detector", "analyzer")
_LAST_AFTER = 3.0
"""They start when the page answers, or after this many seconds. What a service imports costs a processor a second and
more: with all five at once the page takes twice as long (measured on two cores). Pictures wait for the encoder on the
bus."""
_STAGES = ((1.0, ("ingest",)), (1.2, ("encoder",)), (1.2, ("detector", "analyzer", "query")))
"""Order of the end, and the seconds that each stage may take; with the bus they stay below 5."""
_BUS_PATIENCE = 1.0
_SLOW_PAGE = 30.0
_PICTURE_WAIT = 3.0
_PICTURE_LEAST = 1.5
"""The page is told with its first picture if that comes within so many seconds of the start of query, or of the page's
own first answer: whoever opens it at once sees the room, not a page that waits."""


@dataclass(slots=True)
class Running:
    """What was started so far."""

    plan: Plan
    lock: int
    bus: BusServer | None = None
    keepers: dict[str, Keeper] = field(default_factory=dict)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)


async def run(plan: Plan, lock: int) -> int:
    """Until Ctrl-C or SIGTERM. Raises Refusal when the site cannot be started; everything has ended then too."""
    stop = _stop_on_signals()
    site = Running(plan, lock)
    starting, asked = create_task(_start(site)), create_task(stop.wait())
    try:
        await asyncio.wait({starting, asked}, return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            starting.result()
            await asked
    finally:
        asked.cancel()
        starting.cancel()
        await asyncio.wait({starting})
        await _end(site)
    say(line("■", "stopped", f"everything is kept in {plan.site.shown(plan.site.data)}"))
    return 0


async def _start(site: Running) -> None:
    plan = site.plan
    access = await _find_bus(site)
    write_private(plan.site.run / "cameras.yaml", cameras_file(plan.videos))
    _tell_beginning(plan)
    if plan.clock is not None:
        # A simulated clock begins to run when everything is ready for it.
        await _make_streams(plan, access)
    await _start_services(site, access)


async def _find_bus(site: Running) -> Access:
    """The bus, started if it is ours."""
    plan = site.plan
    if plan.external is not None:
        with suppress(ValueError):
            await check_version(*plan.external.endpoint)
        say(line("✔", "bus", f"{plan.external.shown_url} (named by NATS_URL)"))
        return plan.external
    site.bus = await start_bus(plan.site, plan.server, site.lock, say)
    site.tasks.append(site.bus.task)
    password = plan.site.password("observer") if sys.stdout.isatty() else None
    say(bus_line(HOST, site.bus.port, password, plan.site.shown(plan.site.nats / "observer.password")))
    return Access(site.bus.url, "setup", plan.site.password("setup"))


def _tell_beginning(plan: Plan) -> None:
    data = plan.site.shown(plan.site.data)
    say(line("✔", "data", f"{data} ({shutil.disk_usage(plan.site.data).free / 1e9:.0f} GB free)"))
    if plan.cameras is not None:
        say(line("✔", "cameras", f"from {plan.site.shown(plan.cameras)}"))
        return
    say(line("✔", CAMERA, shown(plan.videos, plan.site.shown(plan.videos.folder) if plan.videos else "")))


async def _make_streams(plan: Plan, access: Access) -> None:
    # Imported late: the bus's library costs most of a second, in which query is starting already.
    from cli.setup import last_video_ms, make_streams

    try:
        await make_streams(access)
    except Refusal as refusal:
        if plan.external is None:
            raise
        say(line("!", "bus", f"{refusal}; let `dolbom setup` make them with a user that may"))
        return
    if plan.clock is not None and SiteClock(plan.clock).now_ms() < await last_video_ms(access):
        raise not_later(plan.site)


async def _start_services(site: Running, access: Access) -> None:
    """Returns when all were started and the page was told. Nothing is recorded before the streams stand."""
    plan, clock = site.plan, site.plan.clock
    if clock is not None and clock.anchor_ms is None:
        clock = replace(clock, anchor_ms=wall_ms())
    told = told_to_all(plan, access.url, str(clock) if clock else "")
    plan.site.write_env({**told, "NATS_URL": access.shown_url})
    _keep(site, "query", told)
    page = create_task(_wait_for_page(site))
    site.tasks.append(page)
    await asyncio.sleep(0)  # query is on its way while the streams are looked at
    if plan.clock is None:
        await _make_streams(plan, access)
    _keep(site, "ingest", told)
    await asyncio.wait({page}, timeout=_LAST_AFTER)
    for service in _LAST:
        _keep(site, service, told)
    await page
    say(line("✔", "page", f"{plan.url}  (Ctrl-C stops everything)"))


def _keep(site: Running, service: str, told: Mapping[str, str]) -> None:
    arguments = (sys.executable, "-m", f"services.{service}")
    environment = told_to(service, site.plan, told)
    program = Program(service, arguments, environment, site.plan.site.log(service), inherits=(site.lock,))
    keeper = Keeper(program, SERVICE_BACKOFF, lambda text: say(f"! {text}"))
    site.keepers[service] = keeper
    site.tasks.append(create_task(keeper.run()))


async def _wait_for_page(site: Running) -> None:
    """Returns when the page really answers, and with the first picture if that comes soon."""
    plan, began, told = site.plan, real(), False
    while not await _page_answers(site):
        if not told and real() - began > _SLOW_PAGE:
            told = True
            log = plan.site.shown(plan.site.log("query"))
            say(line("!", "page", f"does not answer yet; {log} says why. Still trying"))
        await asyncio.sleep(0.05)
    # The page is there before the database is: whoever opened it now would be told to come again.
    until = max(began + _PICTURE_WAIT, real() + _PICTURE_LEAST)
    while not await _shows_a_picture(site) and real() < until:  # noqa: ASYNC110 - another process
        await asyncio.sleep(0.05)


async def _shows_a_picture(site: Running) -> bool:
    answer = await asyncio.to_thread(ask, site.plan.host, site.plan.port, "/api/v1/cameras")
    if answer is not None and answer.status == 401:
        return True  # only who signs in sees one
    return answer is not None and b'"live":true' in answer.body


async def _page_answers(site: Running) -> bool:
    if not site.keepers["query"].running:
        return False
    answer = await asyncio.to_thread(ask, site.plan.host, site.plan.port, "/")
    return answer is not None and answer.status < 400


async def _end(site: Running) -> None:
    """Stop in order: nothing new is recorded, what was is written down, then nobody needs the bus."""
    for patience, names in _STAGES:
        await asyncio.gather(*(site.keepers[name].stop(patience) for name in names if name in site.keepers))
    if site.bus is not None:
        await site.bus.keeper.stop(_BUS_PATIENCE)
    for task in site.tasks:
        task.cancel()
    await asyncio.gather(*site.tasks, return_exceptions=True)
    for service in SERVICES:
        (site.plan.site.run / f"{service}.json").unlink(missing_ok=True)


def _stop_on_signals() -> asyncio.Event:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    return stop


def say(text: str) -> None:
    """Tell the person. Nobody reading any more (a closed pipe or terminal) stops nothing."""
    try:
        print(text, flush=True)
    except OSError:
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
