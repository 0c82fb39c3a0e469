"""What was seen of one playlist over time, and the poller that keeps it."""

import http.client
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

Fetch = Callable[[], tuple[int, bytes]]
"""Asks once: status and body. An OSError or HTTPException means that nobody answered, or not to the end."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One version of the playlist, and when it was seen first (seconds of the watcher's clock)."""

    at: float
    text: str


@dataclass(slots=True)
class History:
    """Every version in order, `until` when the playlist was watched, and the answers that were no playlist."""

    versions: list[Seen] = field(default_factory=list)
    until: float = 0.0
    refusals: list[tuple[float, int, str]] = field(default_factory=list)
    """(when, status or 0 when nobody answered, what)."""

    @classmethod
    def of(cls, versions: Iterable[tuple[float, str]], until: float | None = None) -> "History":
        """A history that somebody else kept."""
        seen = [Seen(when, text) for when, text in versions]
        return cls(seen, until if until is not None else max((one.at for one in seen), default=0.0))

    def add(self, when: float, status: int, body: bytes) -> None:
        """An answer; a text that is the newest version already only tells that it still stands."""
        if status != 200:
            self.refusals.append((when, status, body[:80].decode(errors="replace")))
        else:
            text = body.decode(errors="replace")
            if not self.versions or self.versions[-1].text != text:
                self.versions.append(Seen(when, text))
        self.until = when


def watch(
    fetch: Fetch,
    stop: Callable[[], bool],
    *,
    every: float = 0.2,
    clock: Callable[[], float] = time.time,
    pause: Callable[[float], object] = time.sleep,
    into: History | None = None,
) -> History:
    """Ask until `stop`. `into` can be read by other threads while it grows.

    A version stands for 10 s of media: with a clock at speed, ask so often that none is missed.
    """
    history = History() if into is None else into
    while not stop():
        when = clock()
        try:
            status, body = fetch()
        except (OSError, http.client.HTTPException) as problem:
            status, body = 0, str(problem).encode()
        history.add(when, status, body)
        pause(every)
    return history


class Watch:
    """`watch` in a thread of its own, for tests that do other things meanwhile."""

    def __init__(self, fetch: Fetch, *, every: float = 0.2, clock: Callable[[], float] = time.time) -> None:
        self.history = History()
        self._stop = threading.Event()
        self._thread = threading.Thread(
            target=watch, args=(fetch, self._stop.is_set), daemon=True,
            kwargs={"every": every, "clock": clock, "pause": self._stop.wait, "into": self.history},
        )  # fmt: skip
        self._thread.start()

    def stop(self) -> History:
        """End, and hand over what was seen; the answer that is under way is waited for."""
        self._stop.set()
        self._thread.join(10)
        return self.history
