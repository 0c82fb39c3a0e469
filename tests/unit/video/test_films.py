"""Odd but good films: every picture of the time that they last, upright, clean; pictures are counted as decoded."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from libs.contracts.facts import Profile
from libs.video.ffmpeg import ffmpeg_program
from tests.unit.video import crafted
from tests.unit.video.crafted import film
from tests.unit.video.measured import decode

VGA = Profile(width=320, height=240)
X265 = ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "keyint=20:scenecut=0:log-level=error")
X264 = ("-c:v", "libx264", "-preset", "ultrafast")
KEYS = ("-g", "20", "-sc_threshold", "0")


def has_encoder(name: str) -> bool:
    said = subprocess.run([ffmpeg_program(), "-hide_banner", "-encoders"], capture_output=True, text=True, check=True)
    return f" {name} " in said.stdout


FORMATS: dict[str, tuple[str, tuple[str, ...]]] = {
    "HEVC": ("a.mp4", X265),
    "HEVC 10 bit": ("a.mkv", (*X265, "-pix_fmt", "yuv420p10le")),
    "H.264 4:4:4 10 bit": ("a.mp4", (*X264, "-pix_fmt", "yuv444p10le")),
    "VP8": ("a.webm", ("-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8")),
    "VP9": ("a.webm", ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8")),
    "AV1": ("a.mkv", ("-c:v", "libaom-av1", "-cpu-used", "8", "-usage", "realtime")),
    "MPEG-2": ("a.ts", ("-c:v", "mpeg2video")),
    "MPEG-4": ("a.avi", ("-c:v", "mpeg4")),
    "MJPEG": ("a.avi", ("-c:v", "mjpeg")),
    "ProRes": ("a.mov", ("-c:v", "prores_ks")),
    "FLV": ("a.flv", ("-c:v", "flv")),
    "WMV": ("a.wmv", ("-c:v", "wmv2")),
    "MPEG program stream": ("a.mpg", ("-c:v", "mpeg2video")),
    "raw H.264": ("a.h264", X264),
    "3GP": ("a.3gp", (*X264, "-pix_fmt", "yuv420p")),
}  # fmt: skip


@pytest.mark.parametrize("name", FORMATS)
def test_formats(name: str, tmp_path: Path) -> None:
    file, options = FORMATS[name]
    if not has_encoder(options[1]):
        pytest.skip(f"this FFmpeg cannot make {options[1]}")
    rate = ("-r", "25") if file.endswith((".mpg", ".ts", ".h264")) else ()
    got = decode(film(tmp_path / file, *rate, *options, seconds=1), VGA)
    assert (got.pictures, got.reason) == (5, ""), got
    assert got.megabytes <= 150


def test_sound_and_a_cover_are_ignored(tmp_path: Path) -> None:
    cover = film(tmp_path / "cover.png", "-frames:v", "1", picture="color=white:s=64x64")
    made = film(tmp_path / "a.mp4", *X264, picture="color=black:s=320x240:r=10")
    both = tmp_path / "both.mp4"
    sound = ("-f", "lavfi", "-t", "2", "-i", "sine")
    streams = ("-map", "0", "-map", "1", "-map", "2", "-c:v", "copy", "-disposition:v:0", "attached_pic")
    crafted.ffmpeg("-i", cover, "-i", made, *sound, *streams, both)
    got = decode(both, VGA)
    assert (got.pictures, got.reason) == (10, ""), got
    assert max(luma.mean() for luma in got.luma) < 40, "the black film, not the white cover"
    alone = tmp_path / "song.m4a"
    crafted.ffmpeg(
        *sound, "-i", cover, "-map", "0", "-map", "1", "-c:v", "png", "-disposition:v:0", "attached_pic", alone
    )
    assert decode(alone, VGA).code == "no_video_stream"


def combed(luma: NDArray[np.uint8]) -> float:
    """How much neighbouring lines differ compared with lines of the same field."""
    rows = luma.astype(int)
    return float(np.abs(rows[1:-1] - rows[:-2]).mean() / (np.abs(rows[2:] - rows[:-2]).mean() + 1e-6))


@pytest.mark.parametrize("interlaced", [True, False])
def test_only_interlaced_pictures_are_deinterlaced(tmp_path: Path, interlaced: bool) -> None:
    weave = "tinterlace=interleave_top,setfield=tff" if interlaced else "tinterlace=interleave_top,setfield=prog"
    flags = ("-flags", "+ildct+ilme", "-top", "1") if interlaced else ()
    moving = "testsrc2=s=320x240:r=50,scroll=horizontal=0.05"
    path = film(tmp_path / "a.ts", "-vf", weave, "-c:v", "mpeg2video", "-q:v", "3", *flags, picture=moving)
    got = decode(path, VGA)
    assert got.pictures == 10, got
    comb = float(np.median([combed(luma) for luma in got.luma]))
    assert comb < 0.95 if interlaced else comb > 1.05, "what is told to be progressive is left alone"


@pytest.mark.parametrize("suffix", ["mkv", "mp4", "ts"])
@pytest.mark.parametrize(("hole", "pictures"), [(0, 20), (2, 30), (20, 20), (3600, 20)])
def test_holes_in_the_stamps(tmp_path: Path, suffix: str, hole: int, pictures: int) -> None:
    """A short hole keeps its time; a long one is a cut, not an hour of the same picture."""
    shift = f"setpts='PTS+if(gte(N,20),{hole}/TB,0)'"
    path = film(tmp_path / f"a.{suffix}", "-vf", shift, "-fps_mode", "vfr", *X264, seconds=4)
    got = decode(path)
    assert (got.pictures, got.reason) == (pictures, ""), got


def test_stamps_that_go_back_stop_and_double_nothing(tmp_path: Path) -> None:
    parts = [film(tmp_path / f"{at}.ts", *X264, "-output_ts_offset", str(at), seconds=2) for at in (0, 7, 3600)]
    first, near, far = (part.read_bytes() for part in parts)
    for order in ((near, first), (far, first), (first, far, first), (first, first, first)):
        path = tmp_path / "joined.ts"
        path.write_bytes(b"".join(order))
        got = decode(path)
        assert abs(got.pictures - 10 * len(order)) <= 1, got


def test_a_slow_film_keeps_its_rate(tmp_path: Path) -> None:
    got = decode(film(tmp_path / "a.mkv", *X264, picture="testsrc2=s=64x48:r=1/5", seconds=20))
    assert (got.pictures, got.reason) == (100, ""), got


def test_a_variable_rate_keeps_its_time(tmp_path: Path) -> None:
    thin = "select='not(mod(n,3))+lt(mod(n,40),12)'"
    path = film(tmp_path / "v.mkv", "-vf", thin, "-fps_mode", "vfr", picture="testsrc2=s=320x240:r=18", seconds=4)
    assert decode(path).pictures in (19, 20)


CUTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "H.264": ("a.ts", (*X264, *KEYS)),
    "raw H.264": ("a.h264", (*X264, *KEYS)),
    "HEVC": (
        "a.ts",
        ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "keyint=20:scenecut=0:log-level=error"),
    ),
    "MPEG-2": ("a.ts", ("-c:v", "mpeg2video", "-g", "20", "-sc_threshold", "1000000000")),
}


@pytest.mark.parametrize("name", CUTS)
def test_no_key_frame_at_the_beginning(name: str, tmp_path: Path) -> None:
    """Cut in the middle of a group of pictures: it begins with the next key frame, and every picture is a true one."""
    file, options = CUTS[name]
    if not has_encoder(options[1]):
        pytest.skip(f"this FFmpeg cannot make {options[1]}")
    whole = film(tmp_path / file, "-r", "25", *options, picture="testsrc2=s=160x120:r=25", seconds=3.2)
    data = whole.read_bytes()
    cut = tmp_path / f"cut{whole.suffix}"
    cut.write_bytes(data[len(data) * 15 // 100 // 188 * 188 :])
    every = Profile(width=160, height=120, fps=25)
    true, got = decode(whole, every).luma, decode(cut, every)
    assert got.pictures in (60, 61), f"80 less the first 20: {got}"
    for luma in got.luma:
        errors = [np.abs(luma.astype(int) - other.astype(int)).mean() for other in true]
        assert min(errors) < 2, "a grey smear is no picture"


def test_it_begins_where_it_is_asked_to(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", *X264, "-g", "40", seconds=4)
    whole, rest = decode(path).luma, decode(path, start=2.6).luma
    assert len(rest) == 7
    for later, luma in enumerate(rest):
        assert np.abs(luma.astype(int) - whole[13 + later].astype(int)).mean() < 2
    assert decode(path, start=60.0).pictures == 0


def test_a_film_of_one_picture(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", *X264, "-frames:v", "1", picture="testsrc2=s=320x240:r=25")
    assert (decode(path).pictures, decode(path, short=True).pictures) == (0, 1)


@pytest.mark.parametrize(
    ("name", "damage", "code"),
    [
        ("cut off", lambda data: data[: len(data) * 6 // 10], "cut_off"),
        ("empty", lambda _: b"", "empty"),
        ("text", lambda _: b"this is a text file\n" * 300, "not_video"),
        ("zeros", lambda data: bytes(len(data)), "not_video"),
        (
            "unknown codec",
            lambda data: data.replace(b"avc1", b"zzzz").replace(b"avcC", b"zzzC"),
            "unknown_codec|damaged",
        ),
    ],
)
def test_bad_files_have_a_reason(tmp_path: Path, name: str, damage: Callable[[bytes], bytes], code: str) -> None:
    bad = tmp_path / f"{name}.mp4"
    bad.write_bytes(damage(film(tmp_path / "good.mp4", *X264).read_bytes()))
    got = decode(bad)
    assert got.pictures == 0
    assert got.code in code.split("|"), got


def test_a_film_that_is_damaged_further_on_is_played_as_far_as_it_goes(tmp_path: Path) -> None:
    whole = film(tmp_path / "a.mp4", *X264, "-movflags", "+faststart", seconds=4).read_bytes()
    bad = tmp_path / "b.mp4"
    bad.write_bytes(whole[: len(whole) * 6 // 10])
    got = decode(bad)
    assert 8 <= got.pictures <= 14, got
    assert got.code == "damaged"
    assert decode(tmp_path / "a.mp4").reason == "", "a whole one has none"
    assert decode(tmp_path / "absent.mp4").code == "missing"


def test_a_film_above_full_hd_is_given_more_memory(tmp_path: Path) -> None:
    """And one below is not: the first child of a large film ends before its first picture."""
    large = film(tmp_path / "4k.mp4", *X264, "-refs", "4", picture="testsrc2=s=3840x2160:r=10", seconds=0.6)
    got = decode(large)
    assert (got.pictures, got.reason) == (3, ""), got
    assert 60 <= got.megabytes <= 400
