"""The sides of a pair, as they are started and as they are ended: ours, P0, P1 and P6, all paced like a camera."""

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.clips import Clip
from bench.machine import ROOT
from bench.processes import tree

FPS, WIDTH, HEIGHT = 5, 640, 480
_STARTED_WITHIN = 60.0


@dataclass(frozen=True, slots=True)
class Running:
    """A started side: the roots of its process trees, and where the video of camera `n` (from 0) appears."""

    roots: list["subprocess.Popen[bytes]"]
    videos: Callable[[int], list[Path]]


@dataclass(frozen=True, slots=True)
class Side:
    """One way to do the work. `start` gets the number of cameras, their film, and an empty folder."""

    name: str
    what: str
    start: Callable[[int, Clip, Path], Running]


def stop(running: Running) -> None:
    """Ask all roots to end, as Ctrl-C does, and end what has not."""
    members = list(tree(root.pid for root in running.roots))
    for root in running.roots:
        root.send_signal(signal.SIGINT)
    for root in running.roots:
        try:
            root.wait(15)
        except subprocess.TimeoutExpired:
            for pid in members:
                _kill(pid)
            root.wait()


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _spawn(words: list[str], cwd: Path, environment: dict[str, str] | None = None) -> "subprocess.Popen[bytes]":
    with (cwd / "said.txt").open("ab") as said:
        return subprocess.Popen(
            words, cwd=cwd, env=environment, start_new_session=True, stdin=subprocess.DEVNULL, stdout=said, stderr=said
        )


def _ours(count: int, clip: Clip, folder: Path) -> Running:
    """`dolbom up` with a list of cameras that all play the film; returns when the page was told."""
    source = {"kind": "files", "files": [clip.path.name], "loop": True}
    names = [f"camera-{number + 1}" for number in range(count)]
    entries = [{"id": name, "name": name, "source": source} for name in names]
    (folder / "cameras.yaml").write_text(json.dumps(entries), encoding="utf-8")
    named = {"DOLBOM_CAMERAS": str(folder / "cameras.yaml"), "DOLBOM_VIDEOS": str(clip.path.parent)}
    # From the root of this checkout, so that a copy measures itself, whichever package is installed.
    environment = {**os.environ, **named, "PYTHONPATH": str(ROOT)}
    words = [sys.executable, "-m", "cli", "up", "--data", str(folder / "data"), "--port", "0"]
    process = _spawn(words, folder, environment)
    began = time.monotonic()
    while "✔ page" not in (folder / "said.txt").read_text(encoding="utf-8"):
        if process.poll() is not None or time.monotonic() - began > _STARTED_WITHIN:
            raise RuntimeError((folder / "said.txt").read_text(encoding="utf-8"))
        time.sleep(0.1)
    return Running([process], lambda number: sorted((folder / "data" / "media" / names[number] / "hls").glob("*.ts")))


def _each(count: int, folder: Path, words: Callable[[Path], list[str]]) -> list["subprocess.Popen[bytes]"]:
    """One process for each camera, each in a folder of its own."""
    roots = []
    for number in range(count):
        place = folder / str(number)
        place.mkdir()
        roots.append(_spawn(words(place), place, {**os.environ, "PYTHONPATH": str(ROOT)}))
    return roots


def _segments(folder: Path) -> Callable[[int], list[Path]]:
    """The closed `.ts` of a camera: the newest one is still being written."""
    return lambda number: sorted((folder / str(number)).glob("h_*.ts"))[:-1]


def _p1(count: int, clip: Clip, folder: Path) -> Running:
    """One bare FFmpeg for each camera."""
    filters = f"[0:v]fps={FPS},scale={WIDTH}:{HEIGHT}:flags=bilinear,format=yuv420p,split=2[v][q];[q]fps=1[s]"
    words = [
        *shlex.split("ffmpeg -nostdin -loglevel error -threads 1 -re -stream_loop -1 -i"),
        *(str(clip.path), "-filter_complex_threads", "1", "-filter_complex", filters, "-map", "[v]"),
        *shlex.split(
            "-c:v libx264 -preset veryfast -threads 1 -g 50 -keyint_min 50 -sc_threshold 0 -flags +global_header"
        ),
        *("-f", "tee", f"{HLS}|{FRAGMENTED}", "-map", "[s]"),
        *shlex.split("-c:v mjpeg -q:v 4 -threads 1 -pix_fmt yuvj420p -f image2 s_%05d.jpg"),
    ]
    return Running(_each(count, folder, lambda _: words), _segments(folder))


HLS = "[f=hls:hls_time=10:hls_list_size=0:hls_segment_filename=h_%05d.ts]h.m3u8"
FRAGMENTED = (
    "[f=segment:segment_time=600:segment_format=mp4:reset_timestamps=1"
    ":segment_format_options=movflags=+frag_keyframe+empty_moov+default_base_moof:flush_packets=1]a_%03d.mp4"
)


def _p0(count: int, clip: Clip, folder: Path) -> Running:
    """The original system's way: OpenCV reads, two FFmpegs encode."""
    words = [sys.executable, "-m", "bench.original", str(clip.path)]
    return Running(_each(count, folder, lambda _: words), _segments(folder))


def _p6(count: int, clip: Clip, folder: Path) -> Running:
    """Debian's `motion`, one process with a thread for each camera. It makes no HLS."""
    lines = [f"netcam_url file://{clip.path}", f"width {WIDTH}", f"height {HEIGHT}", f"framerate {FPS}"]
    lines += ["emulate_motion on", "movie_output on", "movie_max_time 600", "movie_codec mp4", "snapshot_interval 1"]
    for number in range(count):
        place = folder / str(number)
        place.mkdir()
        text = "\n".join([f"camera_id {number + 1}", f"target_dir {place}", *lines])
        (place / "camera.conf").write_text(text + "\n", encoding="utf-8")
    common = ["webcontrol_port 0", "stream_port 0", "log_level 4", *lines]
    cameras = [f"camera {folder / str(number) / 'camera.conf'}" for number in range(count)]
    (folder / "motion.conf").write_text("\n".join([*common, *cameras]) + "\n", encoding="utf-8")
    root = _spawn(["motion", "-n", "-c", str(folder / "motion.conf")], folder)
    return Running([root], lambda number: sorted((folder / str(number)).glob("*.mp4")))


OURS = Side("ours", "`dolbom up`: bus, five services, FFmpeg children", _ours)
P1 = Side("P1", "one bare FFmpeg for each camera: HLS, mp4, a JPEG a second", _p1)
P0 = Side("P0", "the original way: OpenCV and two FFmpegs for each camera", _p0)
P6 = Side("P6", "Debian's motion: mp4, a JPEG a second, its motion pass, no HLS", _p6)


def available() -> list[Side]:
    """The peers that this machine has."""
    return [P1, P0, *([P6] if shutil.which("motion") else [])]
