"""One of the two streams as the hub hears it: how far, and whether what comes again is what was said before. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from libs.bus import Batch, Place, Received
from libs.contracts.streams import StreamSpec
from libs.contracts.subjects import MSG_ID

REMEMBERED = 2048
"""Ids of messages that are kept: more than a follower reads again after a reconnect."""


class Anew(Exception):
    """The stream does not hold what was heard of it: everything begins again."""


@dataclass(slots=True)
class Feed:
    """`end`: what stood last in the stream when it was first asked; `after`: where hearing starts.

    `here`: everything up to this sequence was told, None as long as it is not known where that begins.
    """

    number: int
    stream: StreamSpec
    end: Place
    after: Place
    here: int | None = None
    heard: float = 0.0
    """When it last said something, or that there is nothing."""
    late: float | None = None
    """Since when what was heard waits for the views; None: nothing does."""
    started: bool = False
    """Was everything heard that stood there first?"""
    _ids: dict[int, str] = field(default_factory=dict)

    def begin(self, batch: Batch) -> int | None:
        """Where this feed starts, once that is known: just before the first message that is heard."""
        if self.here is not None:
            return None
        if batch.messages:
            self.here = batch.messages[0].sequence - 1
        elif batch.caught_up:
            self.here = self.end.sequence
        return self.here

    def new(self, messages: Iterable[Received]) -> list[Received]:
        """Those that were not heard before. Raises Anew when another stands where one was heard."""
        found = []
        for one in messages:
            name = one.headers.get(MSG_ID, "")
            if one.sequence > (self.here or 0):
                found.append(one)
            elif self._ids.get(one.sequence, name) != name:
                raise Anew(f"message {one.sequence} is another than the one that was heard")
            self._ids[one.sequence] = name
        for gone in list(self._ids)[: max(0, len(self._ids) - REMEMBERED)]:
            del self._ids[gone]
        return found

    def took(self, sequence: int, *, caught_up: bool) -> None:
        """Everything up to here was told."""
        self.here = sequence
        self.started = self.started or caught_up or sequence >= self.end.sequence
