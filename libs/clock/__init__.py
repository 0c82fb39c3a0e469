"""The site clock: the only reader of the operating system's clock.

`SiteClock` is media and business time; `real()` is the monotonic time of watchdogs, retries and network waits.
"""

from libs.clock.site import BadClock, Simulated, SiteClock, parse_simulated, real, wall_ms

__all__ = ["BadClock", "Simulated", "SiteClock", "parse_simulated", "real", "wall_ms"]
