"""What a side brought out: decoded pictures, bytes, and for ours what its archives will cost."""

import contextlib
import hashlib
import resource
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import av

from libs.video.archive import write_archive
from libs.video.sei import read_stamp

_REPEATS = 5
_FPS = 5


def pictures(path: Path) -> int:
    """Decoded pictures of a file; of ours only those that a source gave (no held picture, no slate)."""
    with av.open(str(path)) as container:
        decoded = filler = 0
        for packet in container.demux(video=0):
            stamp = read_stamp(bytes(packet)) if packet.size else None
            filler += stamp is not None and stamp.kind != "c"
            decoded += len(packet.decode())
    return decoded - filler


def rate(files: Sequence[Path]) -> float:
    """Pictures a second that came out; 0 when there is too little to tell.

    A row of closed segments is measured by the times at which they were closed: who falls behind closes them late. One
    file (of `motion`) carries the times at which its pictures came.
    """
    if len(files) == 1:
        return pictures(files[0]) / _duration(files[0])
    if len(files) < 3:
        return 0.0
    closed = [path.stat().st_mtime for path in files]
    return sum(pictures(path) for path in files[1:]) / (closed[-1] - closed[0])


def bytes_a_second(files: Sequence[Path]) -> float:
    """Bytes of a second of video, by the number of pictures in it."""
    some = files[1:] if len(files) > 1 else files
    counted = sum(pictures(path) for path in some)
    return sum(path.stat().st_size for path in some) * _FPS / counted if counted else 0.0


def archive_cost(segments: Sequence[Path]) -> float:
    """CPU of remuxing these segments into an archive and of its sha256, in ms a camera-second."""
    if not segments:
        return 0.0
    words = [sys.executable, "-m", "bench.output", *map(str, segments)]
    spent = []
    for times in (_REPEATS, 3 * _REPEATS):
        before = _cpu()
        subprocess.run([*words, str(times)], check=True, cwd=Path(__file__).resolve().parents[1])
        spent.append(_cpu() - before)
    seconds = sum(pictures(path) for path in segments) / _FPS
    return max(0.0, spent[1] - spent[0]) * 1000 / (2 * _REPEATS * seconds)


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _duration(path: Path) -> float:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        if stream.duration is None or stream.time_base is None:
            raise ValueError(f"{path.name} does not say how long it is")
        return float(stream.duration * stream.time_base)


def _remux(words: Sequence[str]) -> None:
    """Make the archive of these segments so many times, as the encoder does."""
    *segments, times = words
    target = Path(segments[0]).with_name("archive.mp4")
    for _ in range(int(times)):
        with contextlib.ExitStack() as opened:
            files = [opened.enter_context(Path(segment).open("rb")) for segment in segments]
            write_archive(files, target, _FPS)
            hashlib.sha256(target.read_bytes())
        target.unlink()


if __name__ == "__main__":
    _remux(sys.argv[1:])
