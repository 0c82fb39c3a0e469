"""Real FFmpeg on made clips: upright, unstretched, exact; the child dies with its group and is never left behind."""

import os
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from libs.contracts.facts import Profile
from libs.video.ffmpeg import ffmpeg_program
from services.ingest.capture import Capture, CaptureEnded, command, start_child

PROFILE = Profile(width=320, height=240)
FFMPEG = ffmpeg_program()


def make_clip(path: Path, picture: str, *options: str, seconds: float = 2.0) -> Path:
    """A clip of a lavfi picture; `options` stand before the output."""
    command = [FFMPEG, "-v", "error", "-y", "-f", "lavfi", "-t", str(seconds), "-i", picture, *options, str(path)]
    subprocess.run(command, check=True, timeout=60)
    return path


def frames_of(path: Path, profile: Profile = PROFILE) -> list[NDArray[np.uint8]]:
    capture = Capture(start_child(command(FFMPEG, path, profile)), profile, path)
    frames: list[NDArray[np.uint8]] = []
    try:
        while True:
            frames.append(np.asarray(capture.read().to_ndarray(format="gray"), dtype=np.uint8))
    except CaptureEnded:
        return frames
    finally:
        capture.close()


def box(grey: NDArray[np.uint8]) -> tuple[int, int]:
    """Width and height of what is not black."""
    lit = grey > 60
    return int(lit.any(axis=0).sum()), int(lit.any(axis=1).sum())


@pytest.mark.parametrize(
    ("size", "options", "expected"),
    [
        ("640x480", [], (320, 240)),
        ("320x180", [], (320, 180)),
        ("180x320", [], (136, 240)),
        ("317x239", ["-pix_fmt", "yuv444p"], (318, 240)),
        ("320x240", ["-vf", "setsar=2/1"], (320, 120)),
        ("240x240", ["-vf", "setsar=4/3"], (320, 240)),
    ],
)
def test_shapes_keep_their_proportions(
    tmp_path: Path, size: str, options: list[str], expected: tuple[int, int]
) -> None:
    clip = make_clip(tmp_path / "a b 한글%d.mp4", f"color=white:s={size}:r=10", *options)
    frames = frames_of(clip)
    assert len(frames) == 10
    width, height = box(frames[3])
    assert abs(width - expected[0]) <= 2
    assert abs(height - expected[1]) <= 2


def test_a_turned_clip_stands_upright(tmp_path: Path) -> None:
    wide = make_clip(tmp_path / "wide.mp4", "color=white:s=320x160:r=10")
    turned = tmp_path / "turned.mp4"
    rotate = ["-metadata:s:v:0", "rotate=90", str(turned)]
    subprocess.run([FFMPEG, "-v", "error", "-i", str(wide), "-c", "copy", *rotate], check=True, timeout=60)
    width, height = box(frames_of(turned)[2])
    assert height == 240
    assert abs(width - 120) <= 2


@pytest.mark.parametrize(("width", "height"), [(318, 238), (64, 48), (1280, 720)])
def test_lines_with_padding_are_read_line_by_line(tmp_path: Path, width: int, height: int) -> None:
    """Sides that are no multiple of 64 have padding in the frame; every pixel must still land in its place."""
    profile = Profile(width=width, height=height)
    source = f"gradients=s={profile.width}x{profile.height}:r=5:speed=0.001:seed=3"
    space = f"setparams=colorspace={'bt709' if height > 576 else 'smpte170m'}:range=tv"
    lossless = ("-vf", f"format=yuv420p,{space}", "-c:v", "ffv1")
    clip = make_clip(tmp_path / "g.mkv", source, *lossless, seconds=0.4)
    expected = subprocess.run(
        [FFMPEG, "-v", "error", "-i", str(clip), "-f", "rawvideo", "-pix_fmt", "yuv420p", "-"],
        capture_output=True, check=True, timeout=60,
    ).stdout  # fmt: skip
    capture = Capture(start_child(command(FFMPEG, clip, profile)), profile, clip)
    got = capture.read().to_ndarray(format="yuv420p")
    capture.close()
    want = np.frombuffer(expected, np.uint8)[: got.size].reshape(got.shape)
    assert np.abs(got.astype(int) - want.astype(int)).max() <= 2


def test_a_variable_rate_becomes_five_a_second(tmp_path: Path) -> None:
    thin = "select='not(mod(n,3))+lt(mod(n,40),12)'"
    clip = make_clip(tmp_path / "v.mkv", "testsrc2=s=320x240:r=18", "-vf", thin, "-fps_mode", "vfr", seconds=4)
    assert len(frames_of(clip)) in (19, 20)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty.mp4", b""),
        ("text.mp4", b"this is a text file\n" * 300),
        ("list.mp4", b"#EXTM3U\n#EXTINF:10,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n"),
        ("ffconcat.mp4", b"ffconcat version 1.0\nfile good.ts\n"),
    ],
)
def test_what_is_no_video_is_told_in_one_line_without_a_path(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    capture = Capture(start_child(command(FFMPEG, path, PROFILE)), PROFILE, path)
    with pytest.raises(CaptureEnded) as ended:
        capture.read()
    capture.close()
    assert ended.value.reason
    assert "\n" not in ended.value.reason
    assert str(tmp_path) not in ended.value.reason
    assert "0x" not in ended.value.reason, "the same file has the same reason every time"


def test_closing_kills_the_child_and_leaves_no_zombie(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mp4", "testsrc2=s=320x240:r=25", seconds=20)
    child = start_child(command(FFMPEG, clip, PROFILE))
    capture = Capture(child, PROFILE, clip)
    capture.read()
    assert os.getpgid(child.pid) == child.pid, "a group of its own"
    capture.close()
    with pytest.raises(ProcessLookupError):
        os.kill(child.pid, 0)


def test_a_silent_child_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("libs.video.child.SILENT_AFTER", 0.3)
    capture = Capture(start_child(["sleep", "60"]), PROFILE, tmp_path)
    started = time.monotonic()
    with pytest.raises(CaptureEnded, match="no picture for"):
        capture.read()
    capture.close()
    assert time.monotonic() - started < 3
