"""x264, slate and MPEG-TS together: what a decoder sees."""

import contextlib
import io
import subprocess
from pathlib import Path

import av
import numpy as np
import pytest

from libs.contracts.facts import Profile
from libs.contracts.frames import Unit
from libs.video.mux import TsFacts, read_ts, ts_segment
from libs.video.picture import from_bgr
from libs.video.sei import Stamp, read_stamp
from libs.video.slate import slate_units
from libs.video.x264 import DELAY_SLOTS, H264Encoder, max_rate_kbit
from services.ingest.demo import DemoSource
from tests.marker import read_marker

SMALL = Profile(width=320, height=240)
WRAP_SLOT = -(-(1 << 33) // 18_000)
"""The first slot after MPEG's 33-bit clock begins again, at 5 fps."""


def encoded(profile: Profile, first: int, count: int) -> list[Unit]:
    encoder, source = H264Encoder(profile), DemoSource(profile)
    units: list[Unit] = []
    for slot in range(first, first + count):
        units += encoder.encode(source.picture(slot), Stamp(slot, "c"))
    return units + encoder.flush()


def decoded(data: bytes) -> list[tuple[int, int | None]]:
    """(pts, marker slot) of each decoded picture."""
    with av.open(io.BytesIO(data), "r", format="mpegts") as container:
        frames = [(frame.pts or 0, read_marker(frame.to_ndarray(format="gray"))) for frame in container.decode(video=0)]
    return [(pts, marker.slot if marker else None) for pts, marker in frames]


def test_a_segment_holds_every_slot_once_in_order_with_exact_times() -> None:
    first = 8_977_796_450
    data = ts_segment(encoded(SMALL, first, 50), 5, 320, 240)
    slots = range(first, first + 50)
    assert decoded(data) == [(slot * 18_000 % (1 << 33), slot & 0xFFFFFF) for slot in slots]
    assert read_ts(data).first_slot == first


def test_key_pictures_stand_at_the_start_and_at_each_boundary_and_where_they_are_asked_for() -> None:
    encoder, source = H264Encoder(SMALL), DemoSource(SMALL)
    units: list[Unit] = []
    for slot in range(120, 260):
        units += encoder.encode(source.picture(slot), Stamp(slot, "c"), key=slot == 177)
    units += encoder.flush()
    assert [unit.slot for unit in units] == list(range(120, 260))
    assert [unit.slot for unit in units if unit.key] == [120, 150, 177, 200, 250]


def test_a_scene_that_cuts_makes_no_other_key_pictures() -> None:
    encoder, units = H264Encoder(SMALL), []
    for slot in range(50):
        flash = np.full((240, 320, 3), 255 if slot // 7 % 2 else 10, np.uint8)
        units += encoder.encode(from_bgr(flash), Stamp(slot, "c"))
    units += encoder.flush()
    assert [unit.slot for unit in units if unit.key] == [0]


def test_the_delay_is_what_the_contract_says() -> None:
    encoder, source = H264Encoder(SMALL), DemoSource(SMALL)
    given = [len(encoder.encode(source.picture(slot), Stamp(slot, "c"))) for slot in range(20)]
    assert given.index(1) == DELAY_SLOTS


@pytest.mark.parametrize(
    "profile", [SMALL, Profile(), Profile(width=1280, height=720, fps=10), Profile(width=64, height=48)]
)
def test_slate_has_the_parameter_sets_of_the_camera(profile: Profile) -> None:
    encoder = H264Encoder(profile)
    encoder.encode(DemoSource(profile).picture(7), Stamp(7, "c"))
    encoder.flush()
    params, units = slate_units(profile, 100, 112, "ingest", "14:03:10")
    assert params == encoder.params != ""
    assert [read_stamp(unit.data) for unit in units] == [Stamp(slot, "s", "ingest") for slot in range(100, 113)]
    assert units[0].key


def test_slate_is_never_read_as_a_picture_of_the_camera() -> None:
    _, units = slate_units(SMALL, 100, 109, "ingest", "14:03:10")
    assert [marker for _, marker in decoded(ts_segment(units, 5, 320, 240))] == [None] * 10


def test_segments_play_through_the_wrap_of_the_33_bit_clock(tmp_path: Path) -> None:
    first = WRAP_SLOT // 50 * 50 - 50
    units = encoded(SMALL, first, 150)
    for at in range(3):
        (tmp_path / f"s{at}.ts").write_bytes(ts_segment(units[at * 50 : at * 50 + 50], 5, 320, 240))
    playlist = "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:10\n"
    playlist += "".join(f"#EXTINF:10.000,\ns{at}.ts\n" for at in range(3)) + "#EXT-X-ENDLIST\n"
    (tmp_path / "p.m3u8").write_text(playlist)
    for extra in ([], ["-fflags", "+discardcorrupt"]):
        command = ["ffmpeg", "-v", "warning", *extra, "-i", str(tmp_path / "p.m3u8"), "-fps_mode", "passthrough"]
        run = subprocess.run([*command, "-f", "framemd5", "-"], capture_output=True, text=True, check=True, timeout=60)
        assert run.stderr == ""
        assert sum(not line.startswith("#") for line in run.stdout.splitlines()) == 150


@pytest.mark.parametrize("data", [b"", b"no video at all", b"\x47" + b"\0" * 187])
def test_foreign_bytes_are_no_segment_of_ours(data: bytes) -> None:
    with pytest.raises(ValueError):
        read_ts(data)


def test_a_truncated_segment_says_how_much_of_it_is_there_or_is_refused() -> None:
    data = ts_segment(encoded(SMALL, 100, 50), 5, 320, 240)
    with contextlib.suppress(ValueError):
        assert read_ts(data[: len(data) // 2]).frames < 50
    assert read_ts(data) == TsFacts(100, 50, read_ts(data).params)


def test_noise_cannot_flood_the_bus() -> None:
    profile, rng = Profile(), np.random.default_rng(5)
    encoder, units = H264Encoder(profile), []
    for slot in range(50):
        units += encoder.encode(from_bgr(rng.integers(0, 256, (480, 640, 3), np.uint8)), Stamp(slot, "c"))
    units += encoder.flush()
    assert sum(len(unit.data) for unit in units) * 8 / 10 / 1000 <= max_rate_kbit(profile) * 1.25
