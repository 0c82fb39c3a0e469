"""Bytes at equal picture quality: our encoder and P1's, fed with the same raw pictures, compared by SSIM.

SSIM is FFmpeg's (all planes) against those raw pictures; P1's bytes at our SSIM lie between its own at two crf values.
"""

import re
import shlex
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.arithmetic import at_equal_quality
from bench.clips import Clip
from libs.contracts.facts import Profile
from libs.video.picture import from_i420
from libs.video.sei import Stamp
from libs.video.x264 import H264Encoder

SECONDS = 40
_RAW = shlex.split("-f rawvideo -pix_fmt yuv420p -s 640x480 -r 5")
_P1 = shlex.split("-c:v libx264 -preset veryfast -threads 1 -g 50 -keyint_min 50 -sc_threshold 0")
_CRFS = range(20, 28)


@dataclass(frozen=True, slots=True)
class Quality:
    """SSIM of ours, our bytes a second, and the bytes a second that P1 needs for the same SSIM."""

    clip: str
    ssim: float
    ours: float
    p1: float
    p1_at_crf_23: tuple[float, float]
    """SSIM and bytes a second of P1 as it is."""


def measure(clip: Clip) -> Quality:
    """Of the first seconds of a film."""
    with tempfile.TemporaryDirectory(prefix="dolbom-bench-") as name:
        folder = Path(name)
        raw = folder / "raw.yuv"
        scale = "fps=5,scale=640:480,format=yuv420p"
        _ffmpeg("-t", str(SECONDS), "-i", str(clip.path), "-vf", scale, "-f", "rawvideo", str(raw))
        ours = folder / "ours.h264"
        ours.write_bytes(_encoded(raw))
        curve = {}
        for crf in _CRFS:
            theirs = folder / f"{crf}.h264"
            _ffmpeg(*_RAW, "-i", str(raw), *_P1, "-crf", str(crf), str(theirs))
            curve[crf] = (_ssim(theirs, raw), theirs.stat().st_size / SECONDS)
        ssim = _ssim(ours, raw)
        return Quality(
            clip.name, ssim, ours.stat().st_size / SECONDS, at_equal_quality(list(curve.values()), ssim), curve[23]
        )


def _encoded(raw: Path) -> bytes:
    size = 640 * 480 * 3 // 2
    planes = np.fromfile(raw, dtype=np.uint8).reshape(-1, 720, 640)
    if planes[0].size != size:
        raise ValueError("the raw pictures are not 640x480")
    encoder = H264Encoder(Profile())
    units = [
        unit for slot, picture in enumerate(planes) for unit in encoder.encode(from_i420(picture), Stamp(slot, "c"))
    ]
    return b"".join(unit.data for unit in [*units, *encoder.flush()])


def _ssim(encoded: Path, raw: Path) -> float:
    words = ["-r", "5", "-i", str(encoded), *_RAW, "-i", str(raw), "-lavfi", "[0:v][1:v]ssim", "-f", "null", "-"]
    said = subprocess.run(
        ["ffmpeg", "-nostdin", "-hide_banner", *words], check=True, capture_output=True, text=True
    ).stderr
    found = re.search(r"SSIM .*All:([\d.]+)", said)
    if found is None:
        raise ValueError("FFmpeg told no SSIM")
    return float(found[1])


def _ffmpeg(*words: str) -> None:
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", *words], check=True)
