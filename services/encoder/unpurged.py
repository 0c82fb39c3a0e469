"""Which messages of a past run may go: those before the first that is still needed, and never the last. Pure."""

from collections import deque


class Unpurged:
    """The messages that were read and may still stand on the bus, as (sequence, end of their last slot in ms)."""

    def __init__(self) -> None:
        self._read: deque[tuple[int, int]] = deque()

    def add(self, sequence: int, end_ms: int) -> None:
        """One message was read; `end_ms` 0 when nobody can use it. Sequences that come again are known again."""
        while self._read and self._read[-1][0] >= sequence:
            self._read.pop()
        self._read.append((sequence, end_ms))

    def needed_from(self, durable_ms: int) -> int:
        """The sequence from which on messages must stay, now that all before `durable_ms` stands in files.

        The last message always stays: it tells a new ingest where to go on.
        """
        while len(self._read) > 1 and self._read[0][1] <= durable_ms:
            self._read.popleft()
        return self._read[0][0] if self._read else 0
