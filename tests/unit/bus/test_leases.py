"""The pure part of leases: epochs only grow, and what stands in the bucket is read without trust."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.contracts.leases import LeaseRecord, Timing, check_member, decode_lease, encode_lease, next_epoch

EPOCHS = st.integers(min_value=0, max_value=1 << 53)


@given(st.lists(st.tuples(EPOCHS, EPOCHS), min_size=1))
def test_epochs_grow_over_any_sequence_of_takers_with_any_clocks(takes: list[tuple[int, int]]) -> None:
    before: LeaseRecord | None = None
    for newest, now in takes:
        epoch = next_epoch(newest, before, now)
        assert epoch > newest
        assert epoch >= now
        assert before is None or epoch > before.epoch
        before = LeaseRecord("somebody", epoch)


@given(st.text(), EPOCHS)
def test_a_record_is_read_as_it_was_written(member: str, epoch: int) -> None:
    assert decode_lease(encode_lease(LeaseRecord(member, epoch))) == LeaseRecord(member, epoch)


UNREADABLE = (
    b"",
    b"no json",
    b"[]",
    b"3",
    b"{}",
    b'{"member": 1, "epoch": 2}',
    b'{"member": "a", "epoch": "2"}',
    b'{"member": "a", "epoch": -1}',
    b'{"member": "a", "epoch": true}',
    b"\xff",
    b"[" * 100_000,
)


@pytest.mark.parametrize("body", UNREADABLE, ids=range(len(UNREADABLE)))
def test_a_record_that_nobody_can_read_holds_nothing(body: bytes) -> None:
    assert decode_lease(body) == LeaseRecord("", 0)


@pytest.mark.parametrize("name", ["", "a.b", "a b", "a*", ">", "돌봄", "x" * 65, "a\n"])
def test_a_member_name_is_one_token(name: str) -> None:
    with pytest.raises(ValueError, match="no member name"):
        check_member(name)


def test_the_holder_stops_before_another_may_begin_and_one_lost_heartbeat_is_no_loss() -> None:
    timing = Timing()
    slowest_notice = timing.held_for + timing.poll / 2
    assert slowest_notice + 1.5 < timing.ttl
    assert timing.beat + timing.patience < timing.held_for
    assert timing.ttl + timing.poll + 1 < 8
