"""`python -m services.detector`: for now it stands by on the bus, and says so."""

import asyncio

from libs.observe import Health, announce, serve_health, set_up_logs, stop_on_sigterm
from services.detector.app import serve
from services.detector.settings import Settings


async def run(settings: Settings) -> None:
    """Everything that the process does."""
    stop, health = stop_on_sigterm(), Health("detector")
    announce(settings.dolbom_data, "detector", serve_health(health, settings.health_port), settings.dolbom_member)
    turning = asyncio.create_task(health.turn())
    await serve(settings, health, stop)
    turning.cancel()


def main() -> None:
    """Read the settings and run until SIGTERM."""
    settings = Settings()
    set_up_logs("detector", settings.log_level)
    asyncio.run(run(settings))


if __name__ == "__main__":
    main()
