"""An archive of a whole window: 3000 pictures whatever the film does, with an account that adds up."""

import io
from pathlib import Path

import av
import numpy as np
import pytest

from libs.contracts.facts import Gap, Profile
from libs.contracts.frames import Unit
from libs.video.archive import BrokenRow, write_archive
from libs.video.mux import ts_segment
from libs.video.picture import from_bgr
from libs.video.sei import Stamp
from libs.video.slate import slate_units
from libs.video.x264 import H264Encoder

PROFILE = Profile(width=64, height=48)
FIRST = 3000 * 2_992_600


def segments(units: list[Unit]) -> list[io.BytesIO]:
    return [io.BytesIO(ts_segment(units[at : at + 50], 5, 64, 48)) for at in range(0, len(units), 50)]


def cutting_film(count: int) -> list[Unit]:
    """Light and dark in turns, as scene-cutting films provoke key pictures of their own."""
    encoder, units = H264Encoder(PROFILE), list[Unit]()
    for slot in range(FIRST, FIRST + count):
        shade = 240 if (slot // 13) % 2 else 20
        units += encoder.encode(from_bgr(np.full((48, 64, 3), shade, np.uint8)), Stamp(slot, "c"))
    return units + encoder.flush()


def test_a_window_of_a_scene_cutting_film_with_a_gap(tmp_path: Path) -> None:
    units = cutting_film(3000)
    units[1000:1050] = slate_units(PROFILE, FIRST + 1000, FIRST + 1049, "restart", "09:00:00")[1]
    account = write_archive(segments(units), tmp_path / "a.mp4", 5)
    assert (account.first_slot, account.frames, account.captured, account.held) == (FIRST, 3000, 2950, 0)
    assert account.gaps == (Gap(first_slot=FIRST + 1000, last_slot=FIRST + 1049, cause="restart"),)
    with av.open(str(tmp_path / "a.mp4")) as container:
        video = container.streams.video[0]
        assert (video.start_time, video.duration) == (0, 600 * 90_000)
        light = [frame.to_ndarray(format="gray").mean() > 128 for frame in container.decode(video)]
    expected = [(slot // 13) % 2 == 1 for slot in range(FIRST, FIRST + 3000)]
    assert len(light) == 3000
    assert [place for place in range(3000) if light[place] != expected[place] and not 1000 <= place < 1050] == []


def test_segments_that_do_not_follow_one_another_are_refused(tmp_path: Path) -> None:
    units = cutting_film(150)
    with pytest.raises(BrokenRow, match="comes after"):
        write_archive(segments(units[:50] + units[100:]), tmp_path / "a.mp4", 5)
