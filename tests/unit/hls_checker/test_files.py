"""Segments as files: good ones of our own muxer pass, and each fault is found alone."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import get_args

import av
import pytest

from libs.contracts.facts import Profile
from libs.contracts.frames import Unit
from libs.video.mux import ts_segment
from libs.video.sei import Stamp
from libs.video.x264 import H264Encoder
from services.ingest.demo import DemoSource
from tests.hls_checker import File, Rule, Terms, check, check_directory, read_file
from tests.unit.hls_checker.lists import FIRST, Item, full, story, text

SMALL = Profile(width=160, height=120)
BEGIN = FIRST * 50
WRAP = 1 << 33
WRAP_INDEX = WRAP // 18_000 // 50
"""The segment in which MPEG's clock begins again, at 5 fps."""


@lru_cache
def units(first: int, count: int) -> list[Unit]:
    """What ingest sends for the demo camera."""
    encoder, source, made = H264Encoder(SMALL), DemoSource(SMALL), list[Unit]()
    for slot in range(first, first + count):
        made += encoder.encode(source.picture(slot), Stamp(slot, "c"))
    return made + encoder.flush()


def write(folder: Path, index: int, made: list[Unit]) -> Path:
    """A segment as the encoder writes it."""
    path = folder / f"camera-1_{index}.ts"
    path.write_bytes(ts_segment(made, 5, SMALL.width, SMALL.height))
    return path


def test_good_segments_and_their_playlist_pass(tmp_path: Path) -> None:
    made = units(BEGIN + 20, 130)
    for index, part in enumerate((made[:30], made[30:80], made[80:]), FIRST):
        write(tmp_path, index, part)
    files, findings = check_directory(tmp_path, Terms(camera="camera-1"))
    assert findings == []
    assert [(file.pictures, file.slots[0]) for file in files] == [(30, BEGIN + 20), (50, BEGIN + 50), (50, BEGIN + 100)]
    playlist = story(text([Item(FIRST, BEGIN + 20, 30), *full(2, FIRST + 1)]))
    assert check(playlist, files=[*files, *files]) == []


def test_the_segment_in_which_mpegs_clock_begins_again_passes(tmp_path: Path) -> None:
    write(tmp_path, WRAP_INDEX, units(WRAP_INDEX * 50, 50))
    files, findings = check_directory(tmp_path)
    assert findings == []
    low = [(pts or 0) % WRAP for pts in files[0].pts]
    assert min(low) < 1_000_000 < WRAP - 1_000_000 < max(low)


def no_key(path: Path) -> None:
    write(path.parent, FIRST, units(BEGIN + 10, 40)[1:])


def other_index(path: Path) -> None:
    write(path.parent, FIRST, units(BEGIN + 10, 50))


def another_name(path: Path) -> None:
    path.rename(path.with_name("segment_20261124_222810.ts"))


def picture_left_out(path: Path) -> None:
    made = units(BEGIN, 50)
    write(path.parent, FIRST, made[:48] + made[49:])


def stamp_lost(path: Path) -> None:
    made = units(BEGIN, 50)
    foreign = made[7].data.replace(b"\x06\x05", b"\x06\x06", 1)
    write(path.parent, FIRST, [*made[:7], replace(made[7], data=foreign), *made[8:]])


def stamp_of_another_slot(path: Path) -> None:
    """Only the last place shows it."""
    made = units(BEGIN, 50)
    write(path.parent, FIRST, [*made[:49], replace(units(BEGIN, 60)[50], slot=made[49].slot)])


def wrong_time(path: Path) -> None:
    write(path.parent, FIRST, [replace(one, slot=one.slot + 1) for one in units(BEGIN, 50)])


def packet_lost(path: Path) -> None:
    """One of 188 bytes, within the first picture: FFmpeg has nothing to say."""
    data = path.read_bytes()
    path.write_bytes(data[: 188 * 6] + data[188 * 7 :])


def bytes_lost(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[:5000] + data[5100:])


def no_segment(path: Path) -> None:
    path.write_bytes(b"not a segment")


def empty(path: Path) -> None:
    path.write_bytes(b"")


FAULTS: list[tuple[Callable[[Path], None], set[Rule]]] = [
    # What no key picture precedes cannot be decoded whole.
    (no_key, {"file.key", "file.decode"}),
    (other_index, {"file.name"}),
    (another_name, {"file.name"}),
    (picture_left_out, {"file.stamps", "file.decode"}),
    (stamp_lost, {"file.stamps"}),
    (stamp_of_another_slot, {"file.stamps"}),
    (wrong_time, {"file.pts"}),
    (packet_lost, {"file.decode"}),
    (bytes_lost, {"file.decode"}),
    (no_segment, {"file.decode"}),
    (empty, {"file.decode"}),
]


@pytest.mark.parametrize(("fault", "expected"), FAULTS, ids=[fault.__name__ for fault, _ in FAULTS])
def test_a_fault_in_a_file_is_found(tmp_path: Path, fault: Callable[[Path], None], expected: set[Rule]) -> None:
    path = write(tmp_path, FIRST, units(BEGIN, 50))
    assert check_directory(tmp_path)[1] == []
    fault(path)
    assert {finding.rule for finding in check_directory(tmp_path)[1]} == expected


def test_a_file_that_lost_its_end_is_short_of_what_the_playlist_says(tmp_path: Path) -> None:
    path = write(tmp_path, FIRST, units(BEGIN, 50))
    before, data = read_file(path), path.read_bytes()
    path.write_bytes(data[: len(data) // 188 // 2 * 188])
    found = {finding.rule for finding in check(story(text(full(1))), files=[read_file(path)])}
    assert "file.frames" in found
    again = {finding.rule for finding in check(story(text(full(1))), files=[before, read_file(path)])}
    assert "file.changed" in again


def test_a_stream_too_many(tmp_path: Path) -> None:
    path = write(tmp_path, FIRST, units(BEGIN, 50))
    with av.open(str(path.with_suffix(".two")), "w", format="mpegts") as made, av.open(str(path)) as source:
        picture, sound = made.add_stream_from_template(source.streams.video[0]), made.add_stream("mp2", rate=48_000)
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = picture
                made.mux(packet)
        silence = av.AudioFrame(format="s16", layout="stereo", samples=1152)
        silence.rate = 48_000
        made.mux(sound.encode(silence) + sound.encode(None))
    path.with_suffix(".two").rename(path)
    assert "file.streams" in {finding.rule for finding in check_directory(tmp_path)[1]}


def good(index: int) -> File:
    """A file as the decoder would tell it."""
    slots = tuple(range(index * 50, index * 50 + 50))
    pts = tuple(slot * 18_000 % WRAP for slot in slots)
    name = f"camera-1_{index}.ts"
    return File(name, hashlib.sha256(name.encode()).hexdigest(), 50, pts, pts, slots, params="a")


ONE, TWO, THREE = ALL = [good(FIRST + step) for step in range(3)]
SHORT = replace(ONE, pictures=49, slots=ONE.slots[:49])
LATE = replace(ONE, pictures=49, slots=ONE.slots[1:], pts=ONE.pts[1:], dts=ONE.dts[1:])
OTHER = replace(THREE, params="b")
SEAM = [full(1)[0], replace(full(1, FIRST + 1)[0], seam=True), full(1, FIRST + 2)[0]]
GAP = [full(1)[0], replace(full(1, FIRST + 1)[0], gap=True), full(1, FIRST + 2)[0]]
AGAINST: list[tuple[str, list[Item], list[File], set[Rule]]] = [
    ("good", full(3), ALL, set()),
    ("missing", full(3), [ONE, TWO], {"file.missing"}),
    ("changed", full(3), [*ALL, replace(TWO, sha256="x")], {"file.changed"}),
    ("other parameters at a seam", SEAM, [ONE, replace(TWO, params="b"), OTHER], set()),
    ("other parameters, no seam", full(3), [ONE, TWO, OTHER], {"file.params"}),
    ("a seam for nothing", SEAM, ALL, {"file.params"}),
    ("a gap", GAP, [ONE, THREE], set()),
    ("other parameters after a gap", GAP, [ONE, OTHER], {"file.params"}),
    ("a gap that stands as a file", GAP, ALL, {"file.gap"}),
    ("a picture less than EXTINF says", full(1), [SHORT], {"file.frames"}),
    ("begins later than its time says", [Item(FIRST, BEGIN, 49)], [LATE], {"file.slot"}),
    ("a damaged picture", full(1), [replace(ONE, damaged=1)], {"file.decode"}),
    ("sound", full(1), [replace(ONE, streams=("video", "audio"))], {"file.streams"}),
    ("dts is not pts", full(1), [replace(ONE, dts=TWO.pts)], {"file.pts"}),
    ("no time", full(1), [replace(ONE, pts=(None,) * 50)], {"file.pts"}),
    ("no stamps", full(1), [replace(ONE, slots=(None,) * 50)], {"file.stamps", "file.slot"}),
]


@pytest.mark.parametrize(("what", "items", "files", "expected"), AGAINST, ids=[one[0] for one in AGAINST])
def test_files_against_the_playlist(what: str, items: list[Item], files: list[File], expected: set[Rule]) -> None:
    dvr = any(item.gap for item in items)
    findings = check(story(text(items, dvr=dvr)), Terms(dvr=dvr), files)
    assert {finding.rule for finding in findings} == expected, what


def test_every_rule_of_files_has_a_fault_here() -> None:
    planted = set[Rule]().union(*(expected for _, expected in FAULTS), *(expected for *_, expected in AGAINST))
    assert planted >= {rule for rule in get_args(Rule) if rule.startswith("file.")}
