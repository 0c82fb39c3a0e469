"""The films that are measured on: ten minutes each, so that no end of a file falls into a measurement.

The real content is a clip of a folder of footage (`--footage`, DOLBOM_FOOTAGE, or where the tests find theirs); it is
only read. Without it a made picture takes its place, which the report says.
"""

import os
import shlex
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bench.machine import BUILD, ROOT

CONTENT = "p02_pedestrians_cctv.mp4"
BESIDE = ROOT.parent / "shared" / "footage"
_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Clip:
    """One film, and how its pictures are made from the content."""

    name: str
    what: str
    path: Path
    real: bool


_MADE = {
    "vtest": ("as it is: 768x576, 10 fps, H.264", ["-c", "copy"]),
    "cam1080": (
        "scaled to 1920x1080, 30 fps, with noise: H.264 Main, 4 Mb/s, GOP 60, no B frames",
        shlex.split("-vf fps=30,scale=1920:1080:flags=bilinear,noise=alls=6:allf=t,format=yuv420p")
        + shlex.split("-c:v libx264 -preset veryfast -profile:v main -bf 0 -g 60 -keyint_min 60 -sc_threshold 0")
        + shlex.split("-b:v 4M -maxrate 4M -bufsize 8M"),
    ),
    "vga30": (
        "scaled to 640x480, 30 fps: H.264, no B frames",
        shlex.split("-vf fps=30,scale=640:480:flags=bilinear,format=yuv420p")
        + shlex.split("-c:v libx264 -preset veryfast -bf 0 -g 60 -crf 23"),
    ),
}


def clips(names: Iterable[str], footage: Path | None) -> dict[str, Clip]:
    """These films, made where they do not stand yet."""
    content = (footage or Path(os.environ.get("DOLBOM_FOOTAGE", BESIDE))) / CONTENT
    folder = BUILD / "clips" / ("real" if content.is_file() else "made")
    folder.mkdir(parents=True, exist_ok=True)
    source = content if content.is_file() else _made_content(folder)
    return {name: Clip(name, _MADE[name][0], _film(folder, name, source), content.is_file()) for name in names}


def _made_content(folder: Path) -> Path:
    """Forty seconds of a picture in which something moves everywhere, for want of people."""
    path = folder / "content.mp4"
    picture = "testsrc2=size=768x576:rate=10,noise=alls=4:allf=t,format=yuv420p"
    if not path.exists():
        _ffmpeg(path, "-f", "lavfi", "-t", "40", "-i", picture, *shlex.split("-c:v libx264 -preset veryfast -crf 25"))
    return path


def _film(folder: Path, name: str, content: Path) -> Path:
    """The content once in the wished form, then repeated without another encoding."""
    once, film = folder / f"{name}-once.mp4", folder / f"{name}.mp4"
    if not film.exists():
        print(f"making {film.name}", flush=True)
        _ffmpeg(once, "-i", str(content), "-an", *_MADE[name][1])
        _ffmpeg(film, "-stream_loop", "-1", "-t", str(_SECONDS), "-i", str(once), "-c", "copy")
        once.unlink()
    return film


def _ffmpeg(target: Path, *words: str) -> None:
    part = target.with_name(f"part-{target.name}")
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", *words, str(part)], check=True)
    part.replace(target)
