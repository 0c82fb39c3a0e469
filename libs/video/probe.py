"""`python -m libs.video.probe FILE`: decode a film once, small, in the bounded child, and count its pictures.

Prints one line of JSON: what the film is (exit 0), or why it cannot be played (exit 1). What the container claims is
never counted.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType

from libs.clock import real
from libs.contracts.facts import Profile
from libs.video.child import CaptureEnded, Child
from libs.video.command import command, start_child
from libs.video.ffmpeg import NoFfmpeg, ffmpeg_program
from libs.video.reasons import NO_PICTURE, Reason

WIDTH, HEIGHT = 160, 120
LEAST_SECONDS = 60.0
BYTES_A_SECOND = 50_000
"""A film may be decoded for LEAST_SECONDS and one more for each so many bytes: four times as long as the slowest film
seen takes (4K at a low rate, on one core)."""
TOO_LONG = Reason("slow", "takes too long to decode")
_NICE = 10


@dataclass(frozen=True, slots=True)
class Film:
    """A film that can be played: `frames` pictures at `fps` are `seconds`; size as it is shown, before it is fitted.

    `trouble`: what is wrong with it all the same ("is damaged from picture 8 on"); empty if nothing is.
    """

    frames: int
    seconds: float
    fps: int
    width: int
    height: int
    codec: str
    trouble: str


def probe(path: Path, ffmpeg: str, fps: int, limit: float) -> Film:
    """Decode the whole file within `limit` seconds; raises CaptureEnded with the reason if it cannot be played."""
    deadline = real() + limit
    film = _decode(path, ffmpeg, fps, deadline, short=False)
    if not film.frames:  # it can be read, but is shorter than a slot
        film = _decode(path, ffmpeg, fps, deadline, short=True)
    if not film.frames:
        raise CaptureEnded(NO_PICTURE)
    return film


def _decode(path: Path, ffmpeg: str, fps: int, deadline: float, *, short: bool) -> Film:
    profile = Profile(width=WIDTH, height=HEIGHT, fps=fps)

    def run(*, large: bool) -> "subprocess.Popen[bytes]":
        return start_child(command(ffmpeg, path, profile, short=short, large=large))

    child = Child(run(large=False), path, again=lambda: run(large=True))
    try:
        trouble = _count(child, deadline)
    finally:
        child.close()
    video, frames = child.words.video, child.pictures
    size = (video.width, video.height) if video else (0, 0)
    width, height = size[::-1] if child.words.turned else size
    return Film(frames, frames / fps, fps, width, height, video.codec if video else "", trouble)


def _count(child: Child, deadline: float) -> str:
    """Read to the end, keeping nothing; gives what is wrong with a film that can be played all the same."""
    scratch = memoryview(bytearray(WIDTH * HEIGHT * 3 // 2))
    held = 0
    while True:
        try:
            held += child.read([scratch[held:]])
        except CaptureEnded as ended:
            if not ended.reason or (ended.code == "damaged" and child.pictures):
                return ended.reason
            raise
        if held == len(scratch):
            child.gave_picture()
            held = 0
        if real() > deadline:
            raise CaptureEnded(TOO_LONG)


def main() -> int:
    """Probe one file; 0 it can be played, 1 it cannot, 2 the question makes no sense, 3 nothing could be tried."""
    signal.signal(signal.SIGTERM, _leave)
    parser = argparse.ArgumentParser(prog="python -m libs.video.probe", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--fps", type=int, default=5, help="pictures a second to count (the camera's rate)")
    asked = parser.parse_args()
    os.nice(_NICE)
    try:
        size = asked.file.stat().st_size if asked.file.is_file() else 0
        limit = LEAST_SECONDS + size / BYTES_A_SECOND
        answer: dict[str, object] = asdict(
            probe(asked.file, ffmpeg_program(os.environ.get("FFMPEG_BIN", "")), asked.fps, limit)
        )
        status = 0
    except CaptureEnded as ended:
        answer, status = {"reason": ended.reason, "code": ended.code}, 1
    except (NoFfmpeg, OSError) as problem:
        answer, status = {"reason": str(problem), "code": "no_decoder"}, 3
    sys.stdout.write(json.dumps(answer, ensure_ascii=False) + "\n")
    return status


def _leave(_: int, __: FrameType | None) -> None:
    """An end that was asked for: the child is ended too."""
    sys.exit(1)


if __name__ == "__main__":
    sys.exit(main())
