"""Hours of recording leave memory, descriptors and children as they were: live with four cameras, and a past run.

`DOLBOM_LONG_MINUTES` (30) and `DOLBOM_LONG_HOURS` (8) make it shorter or longer.
"""

import json
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from libs.video.ffmpeg import ffmpeg_program
from tests.e2e.site import ROOT, SERVICES, Site, family, start_site, wait_for

MINUTES = float(os.environ.get("DOLBOM_LONG_MINUTES") or "30")
HOURS = float(os.environ.get("DOLBOM_LONG_HOURS") or "8")
EVERY = 5.0
"""Real seconds between two looks at the processes."""
WARM = 1 / 3
"""The part of a run after which memory must be flat: of half an hour, ten minutes."""
PARTS = 4
"""The rest is held against itself in so many parts."""
FLAT = 0.05
PAGE = os.sysconf("SC_PAGE_SIZE")
FOOTAGE = ROOT.parent / "shared" / "footage"
QUEUES = {
    "hall": ["p02_pedestrians_cctv.mp4", "odd05_hevc.mp4", "odd12_text_named.mp4", "p12_street_girls_audio.mp4"],
    "gym": ["p04_children_gym.mp4", "odd06_vp9_opus.webm", "odd15_audio_only.mp4", "odd14_interlaced_mpeg2.ts"],
    "room": ["p01_room_one_by_one.mp4"],
}
pytestmark = [pytest.mark.soak, pytest.mark.timeout(int(MINUTES * 60 + HOURS * 900 + 600))]


@dataclass(frozen=True)
class Look:
    """What one service holds at a moment: resident bytes, open descriptors, living children."""

    rss: int
    descriptors: int
    children: int


def look(site: Site) -> dict[str, Look]:
    """All services."""
    return {name: _look(site.pid(name)) for name in SERVICES}


def _look(pid: int) -> Look:
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return Look(pages * PAGE, len(os.listdir(f"/proc/{pid}/fd")), len(family(pid)) - 1)


def watched(site: Site, over: Callable[[], bool]) -> list[dict[str, Look]]:
    """Looks until it is over."""
    looks = []
    while not over():
        looks.append(look(site))
        time.sleep(EVERY)
    return looks


def faults(looks: Sequence[dict[str, Look]]) -> Iterator[str]:
    """What was not flat after the first third, and a line of figures for each service."""
    rest = looks[int(len(looks) * WARM) :]
    size = len(rest) // PARTS
    parts = [rest[at * size : (at + 1) * size] for at in range(PARTS)]
    for name in SERVICES:
        held = [statistics.median(one[name].rss for one in part) / 1e6 for part in parts]
        descriptors = [min(one[name].descriptors for one in part) for part in parts]
        children = [min(one[name].children for one in part) for part in parts]
        shown = " ".join(f"{one:.1f}" for one in held)
        print(f"{name}: {shown} MB, descriptors {descriptors}, children {children}")
        if max(held) > held[0] * (1 + FLAT) or min(held) < held[0] * (1 - FLAT):
            yield f"{name}: {shown} MB is not flat"
        if max(descriptors) > descriptors[0] + 2:
            yield f"{name}: {descriptors} descriptors"
        if max(children) > children[0]:
            yield f"{name}: {children} children"


@contextmanager
def running(data: Path, named: dict[str, str]) -> Iterator[Site]:
    """A site, for the length of the block."""
    site = start_site(data, named, PORT="0")
    wait_for(lambda: site.url or site.process.poll() is not None, 90, "the page's address")
    try:
        wait_for(lambda: all((data / "run" / f"{name}.json").exists() for name in SERVICES), 60, "all services")
        yield site
    finally:
        os.killpg(site.process.pid, signal.SIGINT)
        site.process.wait(30)


def test_live_with_four_cameras(tmp_path: Path) -> None:
    if not FOOTAGE.is_dir():
        pytest.skip("the footage is not beside this checkout")
    queues = [{"id": name, "name": name, "source": {"kind": "files", "files": files}} for name, files in QUEUES.items()]
    (tmp_path / "cameras.yaml").write_text(json.dumps([{"id": "demo", "name": "demo"}, *queues]), encoding="utf-8")
    named = {"DOLBOM_CAMERAS": str(tmp_path / "cameras.yaml"), "DOLBOM_VIDEOS": str(FOOTAGE)}
    with running(tmp_path / "data", named) as site:
        end = time.monotonic() + MINUTES * 60
        pids = {name: site.pid(name) for name in SERVICES}
        looks = watched(site, lambda: time.monotonic() > end)
        assert {name: site.pid(name) for name in SERVICES} == pids, "nothing died"
        for camera in ("demo", *QUEUES):
            windows = site.get(f"/api/v1/cameras/{camera}/segments").json()["items"]
            counts = [(one["frames"], one["captured_frames"], one["held_frames"], one["gaps"]) for one in windows]
            print(f"{camera}: frames, captured, held, gaps {counts}")
            assert all(gaps == [] for *_, gaps in counts)
    assert list(faults(looks)) == []


def test_a_past_run_of_hours(tmp_path: Path) -> None:
    films = [tmp_path / f"hour {hour}.mp4" for hour in range(1, round(HOURS) + 1)]
    make_hour(films[0])
    for film in films[1:]:
        os.link(films[0], film)
    (tmp_path / "cameras.yaml").write_text("[]", encoding="utf-8")
    with running(tmp_path / "data", {"DOLBOM_CAMERAS": str(tmp_path / "cameras.yaml")}) as site:
        asked = ["--camera", "past", "--start", "2026-03-02T09:00:00+09:00", "--profile", "160x120@5"]
        command = [sys.executable, "-m", "cli", "import", *asked, "--data", str(site.data), *map(str, films)]
        began = time.monotonic()
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as importing:
            looks = watched(site, lambda: importing.poll() is not None)
            assert importing.stdout is not None
            assert importing.returncode == 0, importing.stdout.read()
        print(f"{len(films)} h took {time.monotonic() - began:.0f} s")
        windows = list((site.data / "media" / "past" / "archive").glob("*.mp4"))
        assert len(windows) == 6 * len(films)
    assert list(faults(looks)) == []


def make_hour(path: Path) -> None:
    """A film of one hour."""
    picture = "testsrc2=s=160x120:r=5"
    made = ("-pix_fmt", "yuv420p", "-preset", "ultrafast", "-g", "50", str(path))
    command = [ffmpeg_program(), "-v", "error", "-f", "lavfi", "-t", "3600", "-i", picture, *made]
    subprocess.run(command, check=True, timeout=600)
