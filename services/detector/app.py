"""Stand by on the bus until asked to stop; healthy while the bus is there."""

import asyncio
from contextlib import suppress

from libs.bus import Bus, with_bus
from libs.observe import Health, get_log
from services.detector.settings import Settings

log = get_log()


async def serve(settings: Settings, health: Health, stop: asyncio.Event) -> None:
    """Until `stop`; waits for the bus, and for its return."""

    async def stand_by(bus: Bus) -> None:
        log.info("connected")
        await _stand_by(bus, health, stop)

    log.info("started", member=settings.dolbom_member)
    await with_bus(settings, "detector", stand_by, stop, lambda why: health.say("degraded", ready=False, why=why))
    log.info("stopped")


async def _stand_by(bus: Bus, health: Health, stop: asyncio.Event) -> None:
    while not stop.is_set():
        if bus.connected:
            health.say("idle", ready=True)
        else:
            health.say("degraded", ready=False, why="the bus is away")
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), 0.5)
