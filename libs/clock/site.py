"""Wall time read once, then monotonic; corrected only forward, so that no slot is ever published twice."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from libs.contracts.slots import unix_ms

TOLERANCE_MS = 500
"""Differences between wall and site clock up to this are ignored."""


class BadClock(ValueError):
    """The value of DOLBOM_CLOCK cannot be used; the text says why."""


@dataclass(frozen=True, slots=True)
class Simulated:
    """A site time that starts at `start_ms` when the wall shows `anchor_ms`, and runs `speed` times as fast."""

    start_ms: int
    speed: float
    anchor_ms: int | None

    def __str__(self) -> str:
        return f"{self.start_ms}@{self.speed:g}" + (f"@{self.anchor_ms}" if self.anchor_ms is not None else "")


def parse_simulated(text: str) -> Simulated:
    """Read `<start RFC3339 or unix ms>@<speed>[@<anchor unix ms>]`; raises BadClock."""
    start, _, rest = text.partition("@")
    speed, _, anchor = rest.partition("@")
    try:
        began = int(start) if start.isdigit() else unix_ms(datetime.fromisoformat(start))
        rate = float(speed)
        fixed = int(anchor) if anchor else None
    except (TypeError, ValueError) as problem:
        raise BadClock(f"DOLBOM_CLOCK {text!r}: write it as 2026-03-02T09:00:00Z@10") from problem
    if not 0.01 <= rate <= 1000:
        raise BadClock(f"DOLBOM_CLOCK {text!r}: the speed must lie between 0.01 and 1000")
    return Simulated(began, rate, fixed)


def real() -> float:
    """Seconds of monotonic time; only differences mean anything."""
    return time.monotonic()


def wall_ms() -> int:
    """The operating system's time in Unix milliseconds."""
    return time.time_ns() // 1_000_000


Correction = Literal["keep", "jump", "behind"]


def correction(site_ms: int, wall: int) -> Correction:
    """What a difference means: ignored, a jump forward (gap cause `clock`), or a wall behind (`degraded: clock`)."""
    if abs(wall - site_ms) <= TOLERANCE_MS:
        return "keep"
    return "jump" if wall > site_ms else "behind"


class SiteClock:
    """Milliseconds of site time. Never goes back."""

    def __init__(
        self,
        simulated: Simulated | None = None,
        monotonic: Callable[[], float] = real,
        wall: Callable[[], int] = wall_ms,
    ) -> None:
        self.speed = simulated.speed if simulated else 1.0
        self.jumps = 0
        """How often the clock was moved forward."""
        self._monotonic, self._wall, self._simulated = monotonic, wall, simulated
        self._base_real = monotonic()
        self._base_ms = self._expected_ms()

    @classmethod
    def from_text(cls, text: str) -> "SiteClock":
        """The clock that DOLBOM_CLOCK names; the system's clock when the text is empty. Raises BadClock."""
        return cls(parse_simulated(text)) if text else cls()

    def now_ms(self) -> int:
        """Site time in Unix milliseconds."""
        return self._base_ms + int((self._monotonic() - self._base_real) * 1000 * self.speed)

    def real_seconds_until(self, site_ms: int) -> float:
        """How long to wait, in real seconds, until site time shows `site_ms`; 0 when it has passed."""
        return max(0.0, (site_ms - self.now_ms()) / 1000 / self.speed)

    def check(self) -> Correction:
        """Compare with the wall (call it about once a second); jumps forward by itself, never back."""
        site, wall = self.now_ms(), self._expected_ms()
        verdict = correction(site, wall)
        if verdict == "jump":
            self._base_real, self._base_ms = self._monotonic(), wall
            self.jumps += 1
        return verdict

    def _expected_ms(self) -> int:
        """What the wall says, in site time."""
        wall = self._wall()
        if self._simulated is None:
            return wall
        anchor = wall if self._simulated.anchor_ms is None else self._simulated.anchor_ms
        return self._simulated.start_ms + int((wall - anchor) * self._simulated.speed)
