"""How every service reaches the bus: it waits for a server, says why it waits, and can be stopped meanwhile."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from libs.bus.connection import Bus
from libs.bus.errors import NoServer
from libs.bus.pull import either
from libs.bus.settings import BusSettings
from libs.contracts.streams import StreamSpec
from libs.observe import get_log

FIRST_PAUSE, LONGEST_PAUSE = 0.2, 1.0
log = get_log()


async def with_bus(
    settings: BusSettings,
    service: str,
    work: Callable[[Bus], Awaitable[None]],
    stop: asyncio.Event,
    waits: Callable[[str], object],
    ensures: Sequence[StreamSpec] = (),
) -> None:
    """Do `work` with a usable bus as soon as there is one, and return when it returns; without it on `stop`.

    `waits` is told the reason after each try that failed. A connection that was there once comes back by itself:
    `work` goes on meanwhile. `ensures` as in `connect`.
    """
    pause, said = FIRST_PAUSE, ""
    while not stop.is_set():
        bus = Bus(settings.nats_user or service, ensures)
        opening = asyncio.ensure_future(bus.open(settings.nats_url, settings.nats_password.get_secret_value()))
        opening.add_done_callback(lambda done: done.cancelled() or done.exception())
        try:
            if await either(opening, stop):
                opening.result()
                return await work(bus)
        except NoServer as problem:
            waits(str(problem))
            if said != str(problem):
                log.info("bus_waited_for", reason=str(problem))
            said = str(problem)
        finally:
            await bus.close()
        await either(asyncio.sleep(pause), stop)
        pause = min(pause * 2, LONGEST_PAUSE)
    return None
