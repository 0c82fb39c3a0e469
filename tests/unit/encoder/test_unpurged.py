"""What may go from the bus: what stands in files, never the last message, nothing behind one that is needed."""

from services.encoder.unpurged import Unpurged


def read(*messages: tuple[int, int]) -> Unpurged:
    unpurged = Unpurged()
    for sequence, end_ms in messages:
        unpurged.add(sequence, end_ms)
    return unpurged


def test_what_is_durable_goes_and_the_last_stays() -> None:
    unpurged = read((3, 1000), (5, 2000), (6, 3000))
    assert [unpurged.needed_from(ms) for ms in (0, 1999, 2000, 9000)] == [3, 5, 6, 6]
    assert read().needed_from(9000) == 0


def test_what_nobody_can_use_goes_with_what_stands_around_it() -> None:
    assert read((1, 1000), (2, 0), (3, 0), (4, 2000), (5, 0)).needed_from(1000) == 4


def test_sequences_that_come_again_are_known_once() -> None:
    unpurged = read((1, 1000), (2, 2000), (3, 3000))
    for sequence in (2, 3):
        unpurged.add(sequence, sequence * 1000)
    assert unpurged.needed_from(2000) == 3
