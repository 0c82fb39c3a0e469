"""The stamp in each access unit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.contracts.frames import CAUSES, Cause, Kind
from libs.video.sei import Stamp, parameter_sets, read_stamp, stamped

SLICE = b"\0\0\0\1\x09\x10\0\0\0\1\x67\x64\0\x16\0\0\0\1\x68\xee\0\0\1\x65\x88\x84\0\x33"
KINDS: list[Kind] = ["c", "h", "s"]


@given(st.integers(0, 2**64 - 1), st.sampled_from(KINDS), st.sampled_from(CAUSES))
def test_every_stamp_is_read_back(slot: int, kind: Kind, cause: Cause) -> None:
    """Slots with rows of zero bytes need emulation prevention; this finds them."""
    unit = stamped(SLICE, Stamp(slot, kind, cause))
    assert read_stamp(unit) == Stamp(slot, kind, cause)
    inserted = unit[unit.index(b"\x06\x05") : unit.rindex(b"\0\0\1\x65")]
    assert b"\0\0\0" not in inserted.rstrip(b"\0")
    assert b"\0\0\1" not in inserted


def test_it_stands_before_the_first_slice_and_the_rest_is_untouched() -> None:
    unit = stamped(SLICE, Stamp(7, "c"))
    assert unit.startswith(SLICE[: SLICE.index(b"\0\0\1\x65")])
    assert unit.endswith(b"\0\0\1\x65\x88\x84\0\x33")
    assert parameter_sets(unit) == parameter_sets(SLICE) == b"\x67\x64\0\x16\x68\xee"


def test_a_unit_of_another_maker_has_no_stamp() -> None:
    assert read_stamp(SLICE) is None
    assert read_stamp(b"") is None


def test_a_unit_without_a_picture_cannot_be_stamped() -> None:
    with pytest.raises(ValueError, match="no slice"):
        stamped(b"\0\0\1\x67\x64", Stamp(1, "c"))
