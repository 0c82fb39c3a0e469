"""`python -m services.query`"""

import asyncio
import signal
import sys

from pydantic import ValidationError

from libs.clock import BadClock, SiteClock
from libs.observe import get_log, set_up_logs
from services.query.app import listen, serve
from services.query.settings import Settings
from services.query.site import Site

log = get_log()


def main() -> int:
    """Start from the environment; 2 when it cannot be started so."""
    set_up_logs("query")
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the supervisor says when to stop
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
        asyncio.run(serve(site, listener))
        return 0
    return 2


if __name__ == "__main__":
    sys.exit(main())
