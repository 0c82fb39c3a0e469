"""The one clock of the house: slot `n` of a camera at `fps` is the time `[n/fps, (n+1)/fps)` since the Unix epoch.

Names, boundaries and stamps follow from slots alone, so every replica gives the same ones after any restart.
"""

from datetime import UTC, datetime, timedelta

HLS_SECONDS = 10
WINDOW_SECONDS = 600
TICKS_PER_SECOND = 90_000
"""MPEG's clock (ISO/IEC 13818-1): every fps that divides it gives whole ticks."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def check_fps(fps: int) -> int:
    """Return `fps` when the slot clock can keep it exactly; raise ValueError otherwise."""
    if not 1 <= fps <= 30 or TICKS_PER_SECOND % fps:
        raise ValueError(f"fps {fps} is not possible: take a whole number of 1 to 30 that divides {TICKS_PER_SECOND}")
    return fps


def slot_at(unix_ms: int, fps: int) -> int:
    """The slot that holds this moment."""
    return unix_ms * fps // 1000


def slot_start_ms(slot: int, fps: int) -> int:
    """The first whole millisecond (Unix) that lies in `slot`."""
    return -(-slot * 1000 // fps)


def slot_end_ms(slot: int, fps: int) -> int:
    """The first whole millisecond (Unix) after `slot`."""
    return slot_start_ms(slot + 1, fps)


def ticks_per_slot(fps: int) -> int:
    """Length of a slot on MPEG's 90 kHz clock."""
    return TICKS_PER_SECOND // fps


def hls_index(slot: int, fps: int) -> int:
    """The HLS segment (10 s) that holds `slot`; also its media sequence number."""
    return slot // (HLS_SECONDS * fps)


def hls_first_slot(index: int, fps: int) -> int:
    """The first slot of HLS segment `index`."""
    return index * HLS_SECONDS * fps


def window_index(slot: int, fps: int) -> int:
    """The archive window (10 minutes, aligned to the clock) that holds `slot`."""
    return slot // (WINDOW_SECONDS * fps)


def window_first_slot(index: int, fps: int) -> int:
    """The first slot of window `index`."""
    return index * WINDOW_SECONDS * fps


def moment(unix_ms: int) -> datetime:
    """An aware UTC datetime, exact to the millisecond."""
    return _EPOCH + timedelta(milliseconds=unix_ms)


def unix_ms(when: datetime) -> int:
    """Milliseconds since the Unix epoch of an aware datetime."""
    return (when - _EPOCH) // timedelta(milliseconds=1)


def rfc3339(when: datetime) -> str:
    """`2026-11-24T14:03:10.200Z`: UTC, milliseconds, always `Z` (also the form of EXT-X-PROGRAM-DATE-TIME)."""
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{when.microsecond // 1000:03d}Z"
