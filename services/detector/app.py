"""Stand by on the bus until asked to stop; healthy while the bus is there."""

import asyncio
from contextlib import suppress

from libs.bus import Bus, NoServer, connect
from libs.observe import Health, get_log
from services.detector.settings import Settings

_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 2.0
log = get_log()


async def serve(settings: Settings, health: Health, stop: asyncio.Event) -> None:
    """Until `stop`; waits for the bus, and for its return."""
    user, pause = settings.nats_user or "detector", _FIRST_PAUSE
    log.info("started", member=settings.dolbom_member)
    while not stop.is_set():
        try:
            async with connect(settings.nats_url, user, settings.nats_password.get_secret_value()) as bus:
                pause = _FIRST_PAUSE
                log.info("connected")
                await _stand_by(bus, health, stop)
        except NoServer as problem:
            health.say("degraded", ready=False, why=str(problem))
            log.info("bus_waited_for", reason=str(problem))
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), pause)
            pause = min(pause * 2, _LONGEST_PAUSE)
    log.info("stopped")


async def _stand_by(bus: Bus, health: Health, stop: asyncio.Event) -> None:
    while not stop.is_set():
        if bus.connected:
            health.say("idle", ready=True)
        else:
            health.say("degraded", ready=False, why="the bus is away")
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), 0.5)
