"""Positions of queues: what was written is read, and what nobody can read is told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.contracts.positions import BadPosition, Position, decode_position, encode_position, position_subject

NUMBERS = st.integers(0, 1 << 60)
POSITIONS = st.builds(
    Position, st.text(), NUMBERS, NUMBERS, st.integers(1, 30), st.text(), NUMBERS, st.text(), NUMBERS, st.booleans()
)


@given(POSITIONS)
def test_what_was_written_is_read(position: Position) -> None:
    assert decode_position(encode_position(position)) == position


def test_the_contract_needs_file_frame_and_slot_and_bears_more() -> None:
    assert decode_position(b'{"file":"a","frame":1,"slot":2,"fps":5,"more":[]}') == Position("a", 1, 2, 5)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff",
        b"[]",
        b"7",
        b'{"file":"a"}',
        b'{"file":1,"frame":1,"slot":2,"fps":5}',
        b'{"file":"a","frame":-1,"slot":2,"fps":5}',
        b'{"file":"a","frame":true,"slot":2,"fps":5}',
        b'{"file":"a","frame":1,"slot":2,"fps":0}',
        b'{"file":"a","frame":1,"slot":2,"fps":5,"ended":"no"}',
        b"[" * 100_000,
    ],
)
def test_what_nobody_can_read_is_told(body: bytes) -> None:
    with pytest.raises(BadPosition):
        decode_position(body)


def test_the_subject_is_the_key_of_the_bucket() -> None:
    assert position_subject("camera-1") == "$KV.positions.camera-1"
