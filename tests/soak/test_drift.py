"""A day of cameras whose clocks are a little wrong: what is in the picture never drifts from what the slot says."""

import pytest

from libs.video.mux import ts_segment
from tests.unit.ingest.test_live import START, Camera, record
from tests.unit.video.test_encode import decoded

DAY = 86_400 * 5
TEN_MINUTES = 3_000
pytestmark = [pytest.mark.soak, pytest.mark.timeout(1200)]


@pytest.mark.parametrize("rate", [4.99, 5.01])
def test_a_day_of_a_camera_that_is_too_slow_or_too_fast_never_drifts(rate: float) -> None:
    camera = Camera(rate, DAY)
    units = record(camera)
    assert [unit.slot for unit in units] == list(range(START, START + DAY))
    held = sum(unit.kind == "h" for unit in units)
    assert held == pytest.approx(864 if rate < 5 else 0, abs=2), "0.01 a second too few, a day long"
    assert not [unit for unit in units if unit.kind == "s"]
    off = 0
    for at in range(0, DAY, TEN_MINUTES):
        segment = units[at : at + 50]
        for (_, marker), unit in zip(decoded(ts_segment(segment, 5, 64, 48)), segment, strict=True):
            assert marker is not None
            off = max(off, abs(marker - (unit.slot & 0xFFFFFF)))
    print(f"{camera.rate} pictures a second, {camera.shown} shown: {held} slots held, at most {off} slots off")
    assert off <= 1
