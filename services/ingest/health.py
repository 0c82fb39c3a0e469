"""Is the picture worth watching? Once a second a small grey picture is judged: frozen, dark, covered or online. Pure.

All times are seconds of slots. Only captured pictures are judged: slate is drawn by us, and a held picture was judged
when it came. Levels are of tv range (16 black, 235 white) at 160x120. Where they come from: all public footage (`p01`
to `p12`), the same clips darkened and blurred, and covers made by FFmpeg; `tests/integration/ingest/test_footage.py`
prints the margins. How long a picture must look so before it is believed is judgement: a hand before the lens is soon
gone, and who switches the light on wants to be believed soon.

*Dark*: hardly anything in the picture is brighter than black. A black picture without any structure is dark too, not
covered: a cap over the lens and a room at night look alike there, and "dark" is true of both.
*Covered*: bright enough, but plain: no edge anywhere. A hand, a cloth, frost, a lamp into the lens.
*Frozen*: nothing new for half a minute, though there is something to see. A key frame codes the same picture a little
differently, so a picture counts as new only when none of the last few was bit-identical: a still picture behind an
encoder is frozen half a minute after its first key frames (31 to 58 s measured with x264, x265 and MJPEG). A living
camera never repeats itself in every bit from one key frame to the next, however still a child lies; an empty room may
between two of them when it is compressed very hard (25 s measured at x265 crf 38). A loop of a film repeats itself, but
it moves. In a dark or plain picture nobody could tell. What is known to be missed: a still picture behind an encoder
that never codes it alike twice, and a lens that is covered in part.
"""

import zlib
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

Luma = NDArray[np.uint8]
"""120 rows of 160 levels."""

Verdict = Literal["online", "dark", "covered", "frozen"]

DARK_BELOW, LIGHT_FROM = 36, 42
"""A picture becomes dark when 95 of 100 pixels lie below the first level, and light again when more reach the second.

That level (see `is_dark`) is 52 or more in the night clip `p11`, which people can watch; 46 or more in rooms dimmed to
18 %, where the person detector of the reference still sees nine of ten; 33 to 40 at 10 %; 28 or less at 5 %.
"""

PLAIN_LEVELS, PLAIN_SHARE, DIM_SHARE, EDGES_FACTOR = 4.0, 0.04, 0.1, 1.5
"""A picture becomes plain when it bends (see `is_plain`) by less than 4 levels, or 4 % of its mean brightness above
black, but in dim light never by more than 10 % of that; it is plain no more when it bends by half as much again.

Footage bends by 16 levels or more (`p10`, an empty road); covers with noise by 3.2 or less; rooms seen as through
frosted glass (a blur of 40 pixels of 640) by 3 to 5 % of their brightness; `p10` dimmed to 20 % by 3.2, 16 % of it.
"""

FROZEN_SECONDS = 30
"""Seconds without anything new (reference on local vision, §4)."""

ENTER_SECONDS, LEAVE_SECONDS = 5, 3
"""Seconds that a picture must look dark or plain, and well again, before that is believed."""

APART_SECONDS = 3
"""Pictures further apart prove nothing about the time between them."""

_KEPT = 4
"""Pictures that are remembered: a still picture shows two or three versions of itself, a moving one has no end."""

_STEADY = 8
"""Levels by which a pixel may differ from one version of a still picture to the next (7 measured with x264)."""

_BLACK, _BAR = 16, 24
"""Rows and columns at the rim that are nowhere brighter than a bar are no picture."""

_FEW = 0.01
"""As many pixels as are left out of account: sensors have hot ones, and a cloth lets light in somewhere."""

_BEND = np.asarray((1, 1, -1, -2, -1, 1, 1), np.float32)
_SMOOTH = np.ones(3, np.float32)


@dataclass(frozen=True, slots=True)
class Health:
    """What the pictures so far amount to; `verdict` is what is believed."""

    verdict: Verdict = "online"
    looks: Verdict = "online"
    """What the last picture looked like, since slot `looks_from`."""
    looks_from: int = 0
    new_at: int = 0
    """The last slot with anything new in it."""
    slot: int | None = None
    known: tuple[int, ...] = ()
    last: Luma | None = None


def judge(health: Health, luma: Luma, slot: int, fps: int) -> Health:
    """One more captured picture, about a second after the one before. `luma` is kept: nobody may write to it."""
    near = health.slot is not None and slot - health.slot <= APART_SECONDS * fps
    name = zlib.crc32(luma.tobytes())
    new = not near or name not in health.known or _moved(health.last, luma)
    new_at = slot if new else health.new_at
    still = not new if health.verdict == "frozen" else slot - new_at >= FROZEN_SECONDS * fps
    looks = _looks(luma, health.verdict, still=still)
    looks_from = health.looks_from if near and looks == health.looks else slot
    believed = looks == "frozen" or slot - looks_from >= (LEAVE_SECONDS if looks == "online" else ENTER_SECONDS) * fps
    known = health.known if name in health.known else (*health.known, name)[-_KEPT:]
    return Health(looks if believed else health.verdict, looks, looks_from, new_at, slot, known, luma)


def is_dark(luma: Luma, below: int = DARK_BELOW) -> bool:
    """Do 95 of 100 pixels lie below a level?"""
    return int(np.count_nonzero(luma >= below)) <= 0.05 * luma.size


def is_plain(luma: Luma, *, factor: float = 1.0) -> bool:
    """Does the picture bend by less than a plain one may, times `factor`, in all but one of a hundred pixels?

    The bend is `before - 2 * here + after` over two pixels, down and across, after smoothing over 3x3 pixels: noise is
    averaged out, and a shadow that grows evenly has none.
    """
    picture = _without_bars(luma)
    if not picture.size:
        return True
    light = max(0.0, float(picture.mean()) - _BLACK)
    limit = factor * max(PLAIN_SHARE * light, min(PLAIN_LEVELS, DIM_SHARE * light))
    return _few_bend(picture, _BEND, _SMOOTH, limit) and _few_bend(picture, _SMOOTH, _BEND, limit)


def _looks(luma: Luma, verdict: Verdict, *, still: bool) -> Verdict:
    if is_dark(luma, LIGHT_FROM if verdict == "dark" else DARK_BELOW):
        return "dark"
    if is_plain(luma, factor=EDGES_FACTOR if verdict == "covered" else 1.0):
        return "covered"
    return "frozen" if still else "online"


def _moved(before: Luma | None, luma: Luma) -> bool:
    return before is None or cv2.norm(before, luma, cv2.NORM_INF) > _STEADY


def _few_bend(picture: Luma, across: NDArray[np.float32], down: NDArray[np.float32], limit: float) -> bool:
    bends = cv2.sepFilter2D(picture, cv2.CV_16S, across, down)
    return int(np.count_nonzero(np.abs(bends) >= limit * 9)) <= _FEW * picture.size


def _without_bars(luma: Luma) -> Luma:
    """What lies between black bars, without the rows and columns that a bar shades."""
    rows, columns = (_lit(luma.max(axis=axis) > _BAR) for axis in (1, 0))
    return luma[rows, columns]


def _lit(bright: NDArray[np.bool_]) -> slice:
    found = np.flatnonzero(bright)
    if not found.size:
        return slice(0, 0)
    first, last = int(found[0]), int(found[-1])
    return slice(first + 1 if first else 0, last if last < bright.size - 1 else last + 1)
