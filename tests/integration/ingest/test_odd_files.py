"""Every odd clip of the footage between two good ones: all play as they should or are told, and the stream goes on."""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from libs.contracts.facts import Profile
from libs.video.command import start_child
from libs.video.ffmpeg import ffmpeg_program
from services.ingest.files import PATIENT, FileSource, NoPicture, SourceEnded
from services.ingest.film import Player
from services.ingest.queue import Queue
from tests.integration.ingest.films import FOOTAGE, make_film, read_number

PROFILE = Profile(width=160, height=120)
GOOD = 6
"""Pictures of the good film."""

PLAYED = {
    "odd01_vfr.mkv": 7.89,
    "odd02_317x239_yuv444.mp4": 8.01,
    "odd03_rotate90_metadata.mp4": 7.89,
    "odd04_23976.mp4": 5.0,
    "odd05_hevc.mp4": 8.0,
    "odd06_vp9_opus.webm": 8.02,
    "odd07_av1.mkv": 4.0,
    "odd09_truncated.ts": 20.33,
    "odd10_bitrot.ts": 27.0,
    "odd13_4k30.mp4": 1.97,
    "odd14_interlaced_mpeg2.ts": 6.01,
    "odd16_single_frame.mp4": 0.06,
}
"""Seconds by the footage's own list."""

TOLD = {
    "odd08_truncated_no_moov.mp4": "is cut off: the part that lists its pictures is missing",
    "odd09_truncated.ts": "is damaged from picture",
    "odd10_bitrot.ts": "is damaged from picture",
    "odd11_zero_length.mp4": "is empty",
    "odd12_text_named.mp4": "is no video file",
    "odd15_audio_only.mp4": "holds no video",
}


@dataclass
class Played:
    """What a queue gave: each file that played with its pictures, and what was told."""

    files: list[tuple[str, list[NDArray[np.uint8]]]] = field(default_factory=list)
    told: list[str] = field(default_factory=list)


def play(folder: Path, files: Sequence[str], slots: int, *, loop: bool = False) -> Played:
    """As fast as it goes; every slot must have its picture."""
    played = Played()
    player = Player(PROFILE, ffmpeg_program(), start_child, lambda name: folder / name)
    source = FileSource(Queue(tuple(files), loop), player, PATIENT, played.told.append, lambda: None)
    try:
        for slot in range(slots):
            picture = source.picture(slot)
            assert source.position is not None
            if source.position.frame == 0:
                played.files.append((source.position.file, []))
            played.files[-1][1].append(np.asarray(picture.to_ndarray(format="yuv420p"), np.uint8)[: PROFILE.height])
    except SourceEnded:
        pass
    finally:
        source.close()
    return played


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The odd clips and one good film, in one folder."""
    if not FOOTAGE.is_dir():
        pytest.skip("the footage is not beside this checkout")
    folder = tmp_path_factory.mktemp("odd")
    for clip in FOOTAGE.glob("odd*"):
        (folder / clip.name).symlink_to(clip)
    make_film(folder / "good.mp4", 7, GOOD)
    return folder


@pytest.fixture(scope="module")
def played(folder: Path) -> Played:
    odd = sorted(path.name for path in folder.glob("odd*"))
    assert set(odd) == set(PLAYED) | set(TOLD), "the footage is another than this test knows"
    return play(folder, [name for clip in odd for name in ("good.mp4", clip)] + ["good.mp4"], 5000)


def test_every_odd_clip_plays_as_long_as_it_is(played: Played) -> None:
    counts = {name: len(pictures) for name, pictures in played.files if name != "good.mp4"}
    print({name: (count, round(PLAYED[name] * 5, 1)) for name, count in counts.items()})
    assert set(counts) == set(PLAYED)
    wrong = {name: count for name, count in counts.items() if abs(count - PLAYED[name] * 5) > 1 or count < 1}
    assert wrong == {}


def test_the_good_film_between_them_is_whole_each_time(played: Played) -> None:
    good = [pictures for name, pictures in played.files if name == "good.mp4"]
    assert len(good) == len(PLAYED | TOLD) + 1
    for pictures in good:
        assert [read_number(full_range(picture)) for picture in pictures] == [(7, number) for number in range(GOOD)]


def test_what_is_wrong_with_a_clip_is_told_once_in_words(played: Played) -> None:
    told = dict(line.split(": ", 1) for line in played.told)
    assert (len(told), set(told)) == (len(played.told), set(TOLD))
    for name, why in TOLD.items():
        assert told[name].startswith(why)


def test_a_bad_file_is_told_once_however_often_its_turn_comes(folder: Path) -> None:
    bad = [name for name in TOLD if name not in PLAYED]
    played = play(folder, ["good.mp4", *bad], 4 * GOOD, loop=True)
    assert [name for name, _ in played.files] == ["good.mp4"] * 4
    assert sorted(line.split(":")[0] for line in played.told) == bad


def test_a_list_of_bad_files_has_no_picture_and_says_why(folder: Path) -> None:
    bad = [name for name in TOLD if name not in PLAYED]
    with pytest.raises(NoPicture, match=bad[-1]):
        play(folder, bad, 1, loop=True)


def test_a_turned_film_stands_upright(folder: Path, played: Played) -> None:
    """Against the same film turned by hand as its matrix says (90 degrees to the left), and against the unturned."""
    seen = next(pictures for name, pictures in played.files if name.startswith("odd03"))
    turned = reference(folder / "odd03_rotate90_metadata.mp4", "transpose=cclock")
    stretched = reference(folder / "odd03_rotate90_metadata.mp4", "null")
    for number in (0, 10, 20, 30):
        assert difference(seen[number], turned[number]) < 6 < difference(seen[number], stretched[number])


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("odd04_23976.mp4", 426 / 240),
        ("odd05_hevc.mp4", 768 / 432),
        ("odd13_4k30.mp4", 16 / 9),
    ],
)
def test_films_of_another_shape_have_black_bars_and_are_not_stretched(played: Played, name: str, shape: float) -> None:
    pictures = next(found for file, found in played.files if file == name)
    lit = np.max(np.stack(pictures), axis=0) > 40
    height = int(lit.any(axis=1).sum())
    expected = min(120, 160 / shape)
    assert abs(height - expected) <= 2, (height, expected)
    assert int(lit.any(axis=0).sum()) >= 158 if shape > 4 / 3 else True


def reference(path: Path, turn: str) -> NDArray[np.uint8]:
    """The film at five pictures a second by FFmpeg alone, turned as told, in the middle of black."""
    fit = "scale=160:120:force_original_aspect_ratio=decrease,pad=160:120:-1:-1,format=yuv420p,extractplanes=y"
    command = [ffmpeg_program(), "-v", "error", "-noautorotate", "-i", str(path)]
    command += ["-vf", f"fps=5,{turn},{fit}", "-f", "rawvideo", "-"]
    raw = subprocess.run(command, capture_output=True, check=True, timeout=60).stdout
    return np.frombuffer(raw, np.uint8).reshape(-1, 120, 160)


def full_range(luma: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Grey of a luma plane of tv range."""
    return np.clip((luma.astype(float) - 16) * 255 / 219, 0, 255).round().astype(np.uint8)


def difference(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    return float(np.abs(one.astype(int) - other.astype(int)).mean())
