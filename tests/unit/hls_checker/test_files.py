"""Segments as files: good ones of our own muxer pass, and each fault is found alone."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import get_args

import av
import pytest

from libs.contracts.facts import Profile
from libs.contracts.frames import Unit
from libs.video.mux import ts_segment
from libs.video.sei import Stamp, stamped
from libs.video.slate import slate_units
from libs.video.x264 import H264Encoder
from tests.hls_checker import File, Rule, Terms, check, check_directory, read_file
from tests.unit.hls_checker.lists import FIRST, Item, full, story, text

SMALL = Profile(width=64, height=48)
BEGIN = FIRST * 50
WRAP_INDEX = (1 << 33) // 18_000 // 50
"""The segment in which MPEG's clock begins again, at 5 fps."""


def units(first: int, count: int, profile: Profile = SMALL) -> list[Unit]:
    return slate_units(profile, first, first + count - 1, "none", "")[1]


def written(folder: Path, index: int, made: list[Unit]) -> Path:
    path = folder / f"camera-1_{index}.ts"
    path.write_bytes(ts_segment(made, 5, 64, 48))
    return path


def rules_of(folder: Path) -> set[Rule]:
    return {finding.rule for finding in check_directory(folder)[1]}


def test_good_segments_and_their_playlist_pass(tmp_path: Path) -> None:
    made = units(BEGIN + 20, 130)
    written(tmp_path, FIRST, made[:30])
    written(tmp_path, FIRST + 1, units(BEGIN + 50, 50))
    written(tmp_path, FIRST + 2, units(BEGIN + 100, 50))
    files, findings = check_directory(tmp_path, Terms(camera="camera-1"))
    assert findings == []
    assert [(file.pictures, file.slots[0]) for file in files] == [(30, BEGIN + 20), (50, BEGIN + 50), (50, BEGIN + 100)]
    playlist = story(text([Item(FIRST, BEGIN + 20, 30), *full(2, FIRST + 1)]))
    assert check(playlist, files=[*files, *files]) == []


def test_the_segment_in_which_mpegs_clock_begins_again_passes(tmp_path: Path) -> None:
    written(tmp_path, WRAP_INDEX, units(WRAP_INDEX * 50, 50))
    files, findings = check_directory(tmp_path)
    assert findings == []
    assert any(pts is not None and pts > 1 << 32 for pts in files[0].pts)


def no_key(path: Path) -> None:
    written(path.parent, FIRST, units(BEGIN - 1, 51)[1:])


def other_index(path: Path) -> None:
    written(path.parent, FIRST, units(BEGIN + 10, 50))


def stamp_lost(path: Path) -> None:
    encoder = H264Encoder(SMALL)
    frame = av.VideoFrame(64, 48, "yuv420p")
    encoder.encode(frame, Stamp(BEGIN, "c"))
    made = units(BEGIN, 50)
    naked = made[7].data.replace(b"\x06\x05", b"\x0c\x05", 1)
    written(path.parent, FIRST, [*made[:7], replace(made[7], data=naked), *made[8:]])


def slot_left_out(path: Path) -> None:
    made = units(BEGIN, 50)
    written(
        path.parent, FIRST, [*made[:49], replace(made[49], data=stamped(b"\0\0\1\x0c\xff\x80" + bare(made[49]), LAST))]
    )


def wrong_time(path: Path) -> None:
    made = units(BEGIN, 50)
    written(path.parent, FIRST, [replace(one, slot=one.slot + 1) for one in made])


def cut_short(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 188 // 2 * 188])


def overwritten(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 400] = bytes(400)
    path.write_bytes(data)


def no_video(path: Path) -> None:
    path.write_bytes(b"not a segment")


def empty(path: Path) -> None:
    path.write_bytes(b"")


def another_name(path: Path) -> None:
    path.rename(path.with_name("segment_20261124_222810.ts"))


LAST = Stamp(BEGIN + 50, "s")


def bare(unit: Unit) -> bytes:
    """The access unit without its stamp."""
    return unit.data.replace(b"\x06\x05", b"\x0c\x05", 1)


FAULTS: list[tuple[Callable[[Path], None], set[Rule]]] = [
    # The first picture cannot be decoded either.
    (no_key, {"file.key", "file.decode"}),
    (other_index, {"file.name"}),
    (another_name, {"file.name"}),
    (stamp_lost, {"file.stamps"}),
    (slot_left_out, {"file.stamps"}),
    (wrong_time, {"file.pts"}),
    (cut_short, {"file.decode"}),
    (no_video, {"file.decode"}),
    (empty, {"file.decode"}),
]


@pytest.mark.parametrize(("fault", "expected"), FAULTS, ids=[fault.__name__ for fault, _ in FAULTS])
def test_a_fault_in_a_file_is_found(tmp_path: Path, fault: Callable[[Path], None], expected: set[Rule]) -> None:
    path = written(tmp_path, FIRST, units(BEGIN, 50))
    assert rules_of(tmp_path) == set()
    fault(path)
    assert rules_of(tmp_path) == expected


def test_a_file_that_was_overwritten_in_the_middle(tmp_path: Path) -> None:
    path = written(tmp_path, FIRST, units(BEGIN, 50))
    before = read_file(path)
    overwritten(path)
    assert {finding.rule for finding in check(story(text(full(1))), files=[before, read_file(path)])} >= {
        "file.changed"
    }


def test_a_stream_too_many(tmp_path: Path) -> None:
    path = tmp_path / f"camera-1_{FIRST}.ts"
    with av.open(str(path), "w", format="mpegts") as container:
        video, audio = container.add_stream("mpeg2video", rate=5), container.add_stream("mp2", rate=48_000)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        container.mux(video.encode(av.VideoFrame(64, 48, "yuv420p")) + video.encode(None))
        del audio
    assert "file.streams" in rules_of(tmp_path)


def good(index: int, **other: object) -> File:
    """A file as the decoder would tell it."""
    slots = tuple(range(index * 50, index * 50 + 50))
    pts = tuple(slot * 18_000 % (1 << 33) for slot in slots)
    name = f"camera-1_{index}.ts"
    whole = File(name, hashlib.sha256(name.encode()).hexdigest(), 50, pts, pts, slots, params="a")
    return replace(whole, **other)  # type: ignore[arg-type]


THREE = [good(FIRST + step) for step in range(3)]
SEAM = [full(1)[0], replace(full(1, FIRST + 1)[0], seam=True), full(1, FIRST + 2)[0]]
GAP = [full(1)[0], replace(full(1, FIRST + 1)[0], gap=True), full(1, FIRST + 2)[0]]
AGAINST: list[tuple[str, list[Item], list[File], set[Rule]]] = [
    ("good", full(3), THREE, set()),
    ("missing", full(3), THREE[:2], {"file.missing"}),
    ("changed", full(3), [*THREE, replace(THREE[1], sha256="x")], {"file.changed"}),
    ("parameters changed at a seam", SEAM, [THREE[0], *(replace(one, params="b") for one in THREE[1:])], set()),
    ("no seam", full(3), [*THREE[:2], replace(THREE[2], params="b")], {"file.params"}),
    ("a seam for nothing", SEAM, THREE, {"file.params"}),
    ("a gap", GAP, [THREE[0], THREE[2]], set()),
    ("a gap with other parameters after it", GAP, [THREE[0], replace(THREE[2], params="b")], {"file.params"}),
    ("a gap that stands", GAP, THREE, {"file.gap"}),
    (
        "a picture less than EXTINF says",
        full(1),
        [good(FIRST, pictures=49, slots=THREE[0].slots[:49])],
        {"file.frames"},
    ),
    (
        "begins later than its time says",
        [Item(FIRST, BEGIN, 49)],
        [good(FIRST, pictures=49, slots=THREE[0].slots[1:], pts=THREE[0].pts[1:], dts=THREE[0].pts[1:])],
        {"file.slot"},
    ),
    ("a damaged picture", full(1), [good(FIRST, damaged=1)], {"file.decode"}),
    ("audio", full(1), [good(FIRST, streams=("video", "audio"))], {"file.streams"}),
    ("dts before pts", full(1), [good(FIRST, dts=tuple(pts - 1 for pts in THREE[0].pts))], {"file.pts"}),
]


@pytest.mark.parametrize(("what", "items", "files", "expected"), AGAINST, ids=[one[0] for one in AGAINST])
def test_files_against_the_playlist(what: str, items: list[Item], files: list[File], expected: set[Rule]) -> None:
    dvr = any(item.gap for item in items)
    findings = check(story(text(items, dvr=dvr)), Terms(dvr=dvr), files)
    assert {finding.rule for finding in findings} == expected, what


def test_every_rule_of_files_has_a_fault_here() -> None:
    planted = set[Rule]().union(*(expected for _, expected in FAULTS), *(expected for *_, expected in AGAINST))
    assert planted >= {rule for rule in get_args(Rule) if rule.startswith("file.")}
