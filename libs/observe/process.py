"""How a service is asked to end: by SIGTERM alone. Ctrl-C is for whoever started the services, who then asks each."""

import asyncio
import signal


def stop_on_sigterm() -> asyncio.Event:
    """An event that SIGTERM sets; SIGINT is ignored from now on. Call it on the running loop, in the main thread."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    return stop
