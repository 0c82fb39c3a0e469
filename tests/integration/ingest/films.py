"""Films whose pictures carry their film's number and their own, as shades of grey that survive any encoder."""

import subprocess
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from libs.video.ffmpeg import ffmpeg_program

FOOTAGE = Path(__file__).resolve().parents[4] / "shared" / "footage"
WIDTH, HEIGHT = 64, 48
_DARKEST, _STEP, _COPIES = 30, 20, 5


def make_film(path: Path, number: int, pictures: int) -> Path:
    """A film of 25 fps whose picture at 5 fps number `n` (below 100) says so, and that it is film `number` (below 10).

    One key frame only, so that whoever begins in its middle must decode up to there.
    """
    shown = np.stack([_drawn(number, picture) for picture in range(pictures) for _ in range(_COPIES)])
    raw = ("-f", "rawvideo", "-pix_fmt", "gray", "-s", f"{WIDTH}x{HEIGHT}", "-r", str(5 * _COPIES), "-i", "-")
    made = ("-pix_fmt", "yuv420p", "-preset", "veryfast", "-crf", "15", "-g", "9999", str(path))
    command = [ffmpeg_program(), "-v", "error", "-y", *raw, *made]
    subprocess.run(command, input=shown.tobytes(), check=True, timeout=60)
    return path


def read_number(grey: NDArray[np.uint8]) -> tuple[int, int]:
    """Film and picture that a decoded picture (of any size and shape, without bars) shows; (-1, -1) for slate."""
    height, width = grey.shape
    left, right = grey[:, width // 8 : width * 3 // 8], grey[:, width * 5 // 8 : width * 7 // 8]
    areas = left, right[height // 8 : height * 3 // 8], right[height * 5 // 8 : height * 7 // 8]
    shades = [(float(area.mean()) - _DARKEST) / _STEP for area in areas]
    digits = [round(shade) for shade in shades]
    clear = all(abs(shade - digit) < 0.3 and 0 <= digit <= 9 for shade, digit in zip(shades, digits, strict=True))
    return (digits[0], digits[1] * 10 + digits[2]) if clear else (-1, -1)


def _drawn(number: int, picture: int) -> NDArray[np.uint8]:
    """Left half: the film; right half: tens above, ones below."""
    drawn = np.full((HEIGHT, WIDTH), _DARKEST + _STEP * number, np.uint8)
    drawn[: HEIGHT // 2, WIDTH // 2 :] = _DARKEST + _STEP * (picture // 10)
    drawn[HEIGHT // 2 :, WIDTH // 2 :] = _DARKEST + _STEP * (picture % 10)
    return drawn
