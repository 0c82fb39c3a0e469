"""The client swallows a cancellation that meets it while it flushes: loops around it must look for themselves."""

import asyncio


def obey_cancellation() -> None:
    """Raise CancelledError when this task was told to end. Call it once a turn in loops that use the bus."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
