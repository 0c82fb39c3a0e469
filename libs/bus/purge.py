"""Taking what was dealt with from a stream of work; only for those who have the right, on streams that allow it."""

import nats

from libs.bus.connection import Bus
from libs.bus.errors import NotStored


async def purge_before(bus: Bus, stream: str, subject: str, sequence: int) -> None:
    """Delete the messages of a subject below `sequence`. Raises NotStored when whether it was done is unknown."""
    try:
        await bus.js.purge_stream(stream, seq=sequence, subject=subject)
    except (nats.errors.Error, nats.js.errors.Error, OSError, TimeoutError) as problem:
        raise NotStored(f"{stream} {subject}: not purged: {problem or type(problem).__name__}") from problem
