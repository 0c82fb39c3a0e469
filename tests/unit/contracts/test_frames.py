"""Frames on the bus: what is written is read back; what is not of the contract is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.contracts.frames import End, FrameError, Kind, Snapshot, Unit, VideoMessage, read_snapshot, read_video

ENDS: st.SearchStrategy[End | None] = st.sampled_from([None, "stopped", "source_ended"])
KINDS: st.SearchStrategy[Kind] = st.sampled_from(["c", "h", "s"])


@st.composite
def video_messages(draw: st.DrawFn) -> VideoMessage:
    first = draw(st.integers(0, 10**11))
    parts = draw(st.lists(st.tuples(KINDS, st.booleans(), st.binary(min_size=1, max_size=50)), min_size=1, max_size=30))
    units = tuple(Unit(first + at, kind, key, data) for at, (kind, key, data) in enumerate(parts))
    end = draw(ENDS)
    return VideoMessage("camera-1", 5, draw(st.integers(0, 2**50)), "1.1", "ab" * 8, units, end)


@given(video_messages())
def test_a_message_is_read_back_as_it_was(message: VideoMessage) -> None:
    assert read_video("camera-1", message.headers(), message.payload()) == message


MESSAGE = VideoMessage("camera-1", 5, 7, "7.1", "ab", (Unit(10, "c", True, b"12"), Unit(11, "h", False, b"3")))


@pytest.mark.parametrize(
    "change",
    [
        {"Dolbom-V": "2"},
        {"Dolbom-First-Slot": "-1"},
        {"Dolbom-First-Slot": "x"},
        {"Dolbom-Sizes": "2"},
        {"Dolbom-Sizes": "2,2"},
        {"Dolbom-Sizes": "3,0"},
        {"Dolbom-Sizes": "4,-1"},
        {"Dolbom-Sizes": ""},
        {"Dolbom-Kinds": "cx"},
        {"Dolbom-Kinds": "c"},
        {"Dolbom-Keys": "12"},
        {"Dolbom-Epoch": ""},
        {"Dolbom-Fps": "5.0"},
    ],
)
def test_headers_that_do_not_fit_are_refused(change: dict[str, str]) -> None:
    with pytest.raises(FrameError):
        read_video("camera-1", MESSAGE.headers() | change, MESSAGE.payload())


def test_a_still_is_read_back_as_it_was() -> None:
    still = Snapshot("camera-1", 12, 5, "c", 3, 128, b"\xff\xd8")
    assert read_snapshot("camera-1", still.headers(), still.jpeg) == still


def test_video_and_still_of_one_slot_have_different_ids() -> None:
    """De-duplication is per stream, so the kind must be in the id."""
    still = Snapshot("camera-1", 10, 5, "c", 7, 128, b"\xff\xd8")
    assert still.headers()["Nats-Msg-Id"] != MESSAGE.headers()["Nats-Msg-Id"]
