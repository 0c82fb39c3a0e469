"""The demo camera: its marker survives what happens to pictures, and its hour holds what the contract says."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.contracts.facts import Profile
from libs.contracts.slots import slot_at
from libs.video.picture import jpeg_and_luma
from services.ingest.demo import INCIDENTS, DemoSource, incident_at
from services.ingest.marker import word
from tests.marker import Marker, read_marker

HOUR = slot_at(1_795_557_600_000, 5)


@given(st.integers(0, 2**40), st.integers(0, 15))
def test_black_and_white_strips_are_never_valid(slot: int, incident: int) -> None:
    assert word(slot, incident) not in (0, 0xFFFFFFFF)


@pytest.mark.parametrize(("width", "height"), [(640, 480), (320, 240), (1280, 720), (64, 48)])
def test_the_marker_is_read_back_at_any_size(width: int, height: int) -> None:
    source = DemoSource(Profile(width=width, height=height))
    for slot in (0, 1, HOUR + 12345, 2**24 - 1, 2**24):
        grey = source.picture(slot).to_ndarray(format="gray")
        read = read_marker(grey)
        assert read is not None
        assert read.slot == slot & 0xFFFFFF


def test_the_marker_survives_poor_jpeg_and_scaling() -> None:
    source = DemoSource(Profile())
    for slot in range(HOUR, HOUR + 200, 7):
        picture = cv2.cvtColor(source.picture(slot).to_ndarray(format="yuv420p"), cv2.COLOR_YUV2BGR_I420)
        _, jpeg = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 60])
        back = np.asarray(cv2.imdecode(jpeg, cv2.IMREAD_GRAYSCALE), dtype=np.uint8)
        small = cv2.resize(back, (320, 240), interpolation=cv2.INTER_AREA)
        for grey in (back, small):
            assert read_marker(grey) == Marker(slot & 0xFFFFFF, 0)


def test_the_incident_of_the_hour_stands_in_the_picture() -> None:
    source = DemoSource(Profile(width=320, height=240))
    seen = {
        second: read_marker(source.picture(HOUR + second * 5).to_ndarray(format="gray"))
        for second in (199, 200, 229, 230)
    }
    assert [marker.incident if marker else None for marker in seen.values()] == [0, 1, 1, 0]
    assert incident_at(210) == next(one for one in INCIDENTS if one.code == 1)


def test_a_slot_is_drawn_the_same_every_time_and_the_next_one_differs() -> None:
    one, again = (DemoSource(Profile()).picture(HOUR).to_ndarray(format="yuv420p") for _ in range(2))
    other = DemoSource(Profile()).picture(HOUR + 5).to_ndarray(format="yuv420p")
    assert np.array_equal(one, again)
    assert not np.array_equal(one[:460], other[:460])


def test_the_still_of_a_picture_is_small_enough_for_the_bus() -> None:
    jpeg, luma = jpeg_and_luma(DemoSource(Profile()).picture(HOUR))
    assert 10_000 < len(jpeg) < 60_000
    assert 100 < luma < 220
