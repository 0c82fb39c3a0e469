"""Notes: what is worth keeping but not worth waiting for. Nobody learns whether one was stored."""

import contextlib

import nats

from libs.bus.connection import Bus


async def note(bus: Bus, subject: str, payload: bytes, headers: dict[str, str] | None = None) -> None:
    """Publish without an answer; while the bus is away nothing is published, for the next note says it better."""
    if bus.connected:
        with contextlib.suppress(nats.errors.Error, OSError):
            await bus.nc.publish(subject, payload, headers=headers)
