"""Hundreds of boundaries leave nothing behind: no child, no descriptor, no memory."""

import os
import subprocess
from contextlib import closing
from pathlib import Path

from libs.contracts.facts import Profile
from libs.video.command import start_child
from libs.video.ffmpeg import ffmpeg_program
from services.ingest.files import PATIENT, FileSource
from services.ingest.film import Player
from services.ingest.queue import Queue
from tests.integration.ingest.films import make_film

PROFILE = Profile(width=64, height=48)
BYTES = 64 * 48 * 3 // 2
BOUNDARIES = 300


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def children() -> set[str]:
    """Those of this process, zombies too. The servers of other test files may be among them."""
    return set(Path(f"/proc/self/task/{os.getpid()}/children").read_text(encoding="ascii").split())


def resident() -> int:
    """MB that this process holds."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE") >> 20


def two_pictures(arguments: list[str]) -> "subprocess.Popen[bytes]":
    """A quick child in FFmpeg's place: a file of two pictures, and its length told as FFmpeg tells it."""
    told = "echo '[info]   Duration: 00:00:00.40, start: 0.000000, bitrate: 1 kb/s' >&2"
    return start_child(["sh", "-c", f"{told}; exec head -c {2 * BYTES} /dev/zero"])


def test_hundreds_of_boundaries_leave_nothing_behind() -> None:
    files = tuple(f"{number}.mp4" for number in range(7))
    player, others = Player(PROFILE, "", two_pictures, Path), children()
    with closing(FileSource(Queue(files, loop=True), player, PATIENT, print, moved=lambda: None)) as source:
        for slot in range(40):
            source.picture(slot)
        before = descriptors(), len(children() - others), resident()
        most = 0
        for slot in range(40, 40 + 2 * BOUNDARIES):
            source.picture(slot)
            most = max(most, len(children() - others))
            if slot % 50 == 0:
                source.change(files[slot // 50 % 7 :] + files[: slot // 50 % 7], True)
        after = descriptors(), len(children() - others), resident()
    print(f"descriptors, children, MB after {BOUNDARIES} boundaries: {before} then {after}")
    assert most == 2, "one plays, one waits"
    assert after[:2] == before[:2]
    assert after[2] - before[2] <= 2
    assert children() - others == set()


def test_closing_in_the_middle_ends_the_child_that_waits_too(tmp_path: Path) -> None:
    make_film(tmp_path / "a.mp4", 1, 6)
    player = Player(PROFILE, ffmpeg_program(), start_child, lambda name: tmp_path / name)
    held, others = descriptors(), children()
    with closing(FileSource(Queue(("a.mp4",), loop=True), player, PATIENT, print, moved=lambda: None)) as source:
        for slot in range(3):
            source.picture(slot)
        assert len(children() - others) == 2, "one plays, one waits"
    assert (children() - others, descriptors()) == (set(), held)
