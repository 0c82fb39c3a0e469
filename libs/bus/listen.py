"""Hearing what is said right now, for people who watch: no stream, no consumer, nothing is read again."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence

import nats
from nats.aio.msg import Msg

from libs.bus.connection import Bus


@contextlib.asynccontextmanager
async def listen(bus: Bus, subjects: Sequence[str]) -> AsyncIterator[AsyncIterator[tuple[str, bytes]]]:
    """Hear (subject, payload) from the moment the block is entered; what is said while the bus is away is not heard."""
    heard: asyncio.Queue[Msg] = asyncio.Queue(maxsize=1024)
    subscriptions = [await bus.nc.subscribe(subject, cb=heard.put) for subject in dict.fromkeys(subjects)]
    try:
        # The PING may overtake what the client said before (nats-py writes it past its own buffer); the next may not.
        await bus.nc.flush()
        await bus.nc.flush()
        yield _each(heard)
    finally:
        for subscription in subscriptions:
            with contextlib.suppress(nats.errors.Error):
                await subscription.unsubscribe()


async def _each(heard: asyncio.Queue[Msg]) -> AsyncIterator[tuple[str, bytes]]:
    while True:
        message = await heard.get()
        yield message.subject, message.data
