"""`python -m services.query`: what people see and may wish."""

import asyncio
import gc
import socket
import sys

import uvloop
from pydantic import ValidationError

from libs.clock import BadClock, SiteClock
from libs.observe import Health, announce, get_log, serve_health, set_up_logs, stop_on_sigterm
from services.query.app import listen, serve
from services.query.settings import Settings
from services.query.site import Site

log = get_log()
RARELY = 20_000
"""New objects between two collections: hardly any is garbage in a circle, and reading facts took twice as long."""


async def run(site: Site, listener: socket.socket) -> None:
    """Everything that the process does."""
    stop, health = stop_on_sigterm(), Health("query")
    settings = site.settings
    announce(settings.dolbom_data, "query", serve_health(health, settings.health_port), settings.dolbom_member)
    await serve(site, listener, health, stop)


def main() -> int:
    """Read the settings and run until SIGTERM; 2 when it cannot be started so."""
    set_up_logs("query")
    gc.set_threshold(RARELY)
    try:
        settings = Settings()
        set_up_logs("query", settings.log_level)
        site, listener = Site(settings, SiteClock.from_text(settings.dolbom_clock)), listen(settings)
    except ValidationError as problem:
        first = problem.errors(include_url=False)[0]
        log.error("bad_setting", setting=".".join(map(str, first["loc"])).upper(), reason=first["msg"])
    except BadClock as problem:
        log.error("bad_setting", setting="DOLBOM_CLOCK", reason=str(problem))
    except OSError as problem:
        log.error("cannot_listen", reason=problem.strerror or str(problem))
    else:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(run(site, listener))
        return 0
    return 2


if __name__ == "__main__":
    sys.exit(main())
