"""`dolbom up`: a whole site on one machine."""

import asyncio
import os
from dataclasses import replace

from cli.plan import Options, make_plan, page_port
from cli.refusal import Refusal
from cli.running import run, say
from cli.said import line


def up(options: Options) -> int:
    """Check what was asked, then run until Ctrl-C; raises Refusal before anything is started if it cannot be."""
    plan = make_plan(options, os.environ)
    with plan.site.locked() as lock:
        plan = replace(plan, port=page_port(plan))
        if options.port not in (0, plan.port):
            say(line("!", "port", f"{options.port} is taken, so the page will be on {plan.port}"))
        try:
            return asyncio.run(run(plan, lock))
        except OSError as problem:
            raise plan.site.unwritable(problem) from problem
        except asyncio.CancelledError:
            raise Refusal("the start was broken off") from None
