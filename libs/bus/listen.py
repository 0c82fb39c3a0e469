"""Hearing what is said right now, for people who watch: no stream, no consumer, nothing is read again."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Sequence

import nats
from nats.aio.msg import Msg

from libs.bus.connection import Bus


async def listen(bus: Bus, subjects: Sequence[str]) -> AsyncGenerator[tuple[str, bytes], None]:
    """Yield (subject, payload) for ever; what is said while the bus is away is not heard. Cancel the task to stop."""
    heard: asyncio.Queue[Msg] = asyncio.Queue(maxsize=1024)
    subscriptions = [await bus.nc.subscribe(subject, cb=heard.put) for subject in dict.fromkeys(subjects)]
    try:
        while True:
            message = await heard.get()
            yield message.subject, message.data
    finally:
        for subscription in subscriptions:
            with contextlib.suppress(nats.errors.Error):
                await subscription.unsubscribe()
