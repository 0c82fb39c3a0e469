"""`make run VIDEO=…`: a folder of clips plays in natural order, upright, unstretched and without a slot lost."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from libs.video.ffmpeg import ffmpeg_program
from tests.e2e.site import Site, start_site, tell, wait_for

FOOTAGE = Path(__file__).resolve().parents[3] / "shared" / "footage"
TURNED = FOOTAGE / "odd03_rotate90_metadata.mp4"
SMALL = FOOTAGE / "p03_child_ball_2997.mp4"
Greys = NDArray[np.int16]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    if not TURNED.exists():
        pytest.skip("the footage is not beside this checkout")
    folder = tmp_path_factory.mktemp("videos") / "우리 반 영상"
    folder.mkdir()
    shutil.copy(TURNED, folder / "2 넘어짐.MP4")
    shutil.copy(SMALL, folder / "10 ball.mp4")
    (folder / "notes.txt").write_text("no video")
    site = start_site(tmp_path_factory.mktemp("clip") / "data", VIDEO=str(folder), PORT="0")
    wait_for(lambda: site.url or site.process.poll() is not None, 30, "the page's address")
    yield site
    os.killpg(site.process.pid, signal.SIGINT)
    site.process.wait(20)


def test_the_clips_play_in_order_upright_and_unstretched(site: Site) -> None:
    folder = site.data / "media" / "camera-1" / "hls"
    wait_for(lambda: sum(len(decoded(path)) for path in segments(folder)) >= 50, 30, "fifty pictures")
    seen = np.concatenate([decoded(path) for path in segments(folder)])
    reference = np.concatenate([reference_of(TURNED, 360, 480), reference_of(SMALL, 640, 480)])
    differences = np.stack([np.abs(reference - picture).mean(axis=(1, 2)) for picture in seen])
    places = differences.argmin(axis=1)
    nearest = differences.min(axis=1)
    tell(f"clip: mean difference to the film {nearest.mean():.1f} of 255, worst {nearest.max():.1f}")
    assert nearest.max() < 12
    assert places[0] <= 1
    steps = np.diff(places) % len(reference)
    assert set(steps.tolist()) <= {0, 1, 2}, "no picture is left out at a boundary, none is shown for long"
    assert abs(int(steps.sum()) - (len(seen) - 1)) <= 2
    assert any("files" in line or "영상" in line for line in site.lines if "camera-1" in line)


def segments(folder: Path) -> list[Path]:
    """The closed segments, oldest first."""
    return sorted(folder.glob("*.ts"), key=lambda path: int(path.stem.rsplit("_", 1)[1]))


def decoded(path: Path) -> Greys:
    """Grey pictures of a segment."""
    with av.open(str(path)) as container:
        pictures = [frame.to_ndarray(format="gray") for frame in container.decode(video=0)]
    return np.asarray(pictures, dtype=np.int16)


def reference_of(clip: Path, width: int, height: int) -> Greys:
    """The clip at 5 fps by FFmpeg alone, at the size that it should have, in the middle of black."""
    chain = f"fps=5,scale={width}:{height},pad=640:480:(ow-iw)/2:(oh-ih)/2,format=gray"
    command = [ffmpeg_program(), "-v", "error", "-i", str(clip), "-vf", chain, "-f", "rawvideo", "-"]
    raw = subprocess.run(command, capture_output=True, check=True, timeout=60).stdout
    return np.frombuffer(raw, np.uint8).reshape(-1, 480, 640).astype(np.int16)
