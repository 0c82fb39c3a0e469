"""The line: what becomes of each slot. Whatever happens to the encoder, the files come out the same."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from libs.contracts.frames import End as Ending
from libs.contracts.frames import Unit, VideoMessage
from libs.contracts.slots import hls_first_slot, slot_end_ms
from services.encoder.domain import (
    LATE_AFTER_MS,
    RUN_ENDS_AFTER,
    Begin,
    Close,
    End,
    Heard,
    Late,
    Line,
    Place,
    Slate,
    Step,
    deadlines,
    end,
    overdue,
    take,
)

FPS, SPAN, PATIENCE = 5, 50, 3000
START = hls_first_slot(1000, FPS)


class Disk:
    """What a generator would make of the steps: files of (slot, what), and whether the run has ended."""

    def __init__(self) -> None:
        self.files: dict[int, list[tuple[int, str]]] = {}
        self.open: list[tuple[int, str]] = []
        self.ended = True
        self.begun: list[int] = []

    def carry_out(self, steps: list[Step]) -> None:
        for step in steps:
            match step:
                case Place():
                    self.open.append((step.unit.slot, step.unit.data.decode()))
                case Slate():
                    self.open += [(slot, step.cause) for slot in range(step.first, step.last + 1)]
                case Close():
                    assert step.index not in self.files, "a closed file is never replaced"
                    assert self.open, "no empty file"
                    self.files[step.index], self.open = self.open, []
                    assert step.complete == (self.files[step.index][-1][0] == hls_first_slot(step.index + 1, FPS) - 1)
                case Begin():
                    self.ended = False
                    self.begun.append(len(self.files))
                case End():
                    self.ended = True
                case Late():
                    pass

    def restart(self) -> Line:
        """A killed encoder's successor knows the files alone."""
        self.open = []
        if not self.files:
            return Line(FPS)
        horizon = hls_first_slot(max(self.files) + 1, FPS)
        self.ended = self.ended or self.files[max(self.files)][-1][0] < horizon - 1
        return Line(FPS, horizon=horizon, next=None if self.ended else horizon)


def second(first: int, run: str = "1.1", keys: str = "00000", end: Ending | None = None) -> VideoMessage:
    """A message of five slots from `first`; each unit's data names its run and slot."""
    units = tuple(
        Unit(first + at, "c", key == "1" or (first + at) % SPAN == 0, f"{run}/{first + at}".encode())
        for at, key in enumerate(keys)
    )
    return VideoMessage("camera-1", FPS, int(run.split(".")[0]), run, "p", units, end)


def run_of(first: int, seconds: int, run: str = "1.1", *, ends: bool = False) -> list[VideoMessage]:
    made = [second(first, run, "10000")]
    made += [second(first + 5 * at, run) for at in range(1, seconds)]
    if ends:
        made[-1] = second(first + 5 * (seconds - 1), run, "10000" if seconds == 1 else "00000", end="stopped")
    return made


def play(*messages: VideoMessage, line: Line | None = None, disk: Disk | None = None) -> tuple[Line, Disk]:
    line, disk = line or Line(FPS), disk or Disk()
    for message in messages:
        line, steps = take(line, message, PATIENCE)
        disk.carry_out(steps)
    return line, disk


def test_a_run_from_mid_segment_gives_a_short_first_file_and_full_ones() -> None:
    line, disk = play(*run_of(START + 30, 30))
    assert {index: len(file) for index, file in disk.files.items()} == {1000: 20, 1001: 50, 1002: 50}
    assert [slot for file in disk.files.values() for slot, _ in file] == list(range(START + 30, START + 150))
    assert (line.next, line.open_from) == (START + 180, START + 150)


def test_a_message_that_comes_again_changes_nothing() -> None:
    messages = run_of(START, 25)
    doubled = [message for message in messages for _ in range(2)]
    assert play(*doubled)[1].files == play(*messages)[1].files


def test_a_lost_message_is_slate_until_the_next_idr() -> None:
    messages = run_of(START, 30)
    del messages[12]
    _, disk = play(*messages)
    assert disk.files[1001] == [
        *((slot, f"1.1/{slot}") for slot in range(START + 50, START + 60)),
        *((slot, "bus") for slot in range(START + 60, START + 100)),
    ]
    assert disk.files[1002][0] == (START + 100, f"1.1/{START + 100}")


def test_a_new_ingest_leaves_a_gap_with_cause_restart() -> None:
    _, disk = play(*run_of(START, 5), *run_of(START + 38, 10, "2.1"))
    assert disk.files[1000][25:38] == [(slot, "restart") for slot in range(START + 25, START + 38)]
    assert disk.files[1000][38] == (START + 38, f"2.1/{START + 38}")


def test_a_recording_that_broke_and_began_anew_in_one_ingest_is_its_own_cause() -> None:
    _, disk = play(*run_of(START, 5, "3.1"), *run_of(START + 30, 10, "3.2"))
    assert {cause for _, cause in disk.files[1000][25:30]} == {"ingest"}


def test_a_lower_epoch_never_comes_back() -> None:
    _, disk = play(*run_of(START, 5, "1.1"), *run_of(START + 25, 5, "2.1"), *run_of(START + 50, 10, "1.1"))
    assert disk.open == []
    assert 1001 not in disk.files


def test_a_stop_closes_short_and_a_start_in_the_same_segment_waits_for_the_boundary() -> None:
    line, disk = play(*run_of(START, 3, ends=True))
    assert (len(disk.files[1000]), disk.ended, line.next) == (15, True, None)
    line, disk = play(*run_of(START + 20, 20, "2.1"), line=line, disk=disk)
    assert len(disk.files[1000]) == 15
    assert disk.files[1001][0] == (START + 50, f"2.1/{START + 50}")
    assert not disk.ended


def test_a_stop_on_a_boundary_leaves_no_empty_file() -> None:
    line, disk = play(*run_of(START, 10, ends=True))
    assert (list(disk.files), disk.ended, line.next) == ([1000], True, None)


def test_an_end_of_an_older_run_met_again_does_not_end_the_present_one() -> None:
    older, present = run_of(START, 3, ends=True), run_of(START + 50, 25, "2.1")
    _, disk = play(*older, *present)
    line, disk = play(*older, *present, line=disk.restart(), disk=disk)
    assert not disk.ended
    assert line.next == START + 175


def test_a_gap_of_ten_minutes_is_another_run() -> None:
    _, disk = play(*run_of(START, 5), *run_of(START + 25 + PATIENCE, 10, "2.1"))
    assert [cause for _, cause in disk.files[1000] if "/" not in cause] == []
    assert len(disk.begun) == 2


def test_overdue_slots_become_slate_after_six_real_seconds_and_not_before() -> None:
    line, _ = play(*run_of(START, 4))
    due = slot_end_ms(START + 20, FPS) + 6000
    assert overdue(line, due - 1, 1.0, PATIENCE)[1] == []
    line, steps = overdue(line, due, 1.0, PATIENCE)
    assert steps == [Slate(START + 20, START + 20, "ingest")]
    _, steps = overdue(line, due + 12_000, 1.0, PATIENCE)
    assert steps[:3] == [
        Slate(START + 21, START + 49, "ingest"),
        Close(1000, True),
        Slate(START + 50, START + 80, "ingest"),
    ]


def test_overdue_slots_wait_longer_when_the_site_clock_runs_faster() -> None:
    line, _ = play(*run_of(START, 4))
    due = slot_end_ms(START + 20, FPS) + 60_000
    assert overdue(line, due - 1, 10.0, PATIENCE * 10)[1] == []
    assert overdue(line, due, 10.0, PATIENCE * 10)[1] != []


SILENT = LATE_AFTER_MS / 1000
"""Real seconds."""


def test_age_alone_makes_no_slate_while_anything_is_heard() -> None:
    """After five minutes without the bus its backlog arrives in order: no slot of it may be filled before it comes."""
    line, disk = play(*run_of(START, 4))
    now_ms = slot_end_ms(START + 20 + 300 * FPS, FPS)
    for message in run_of(START + 20, 300, "1.1"):
        line, steps = deadlines(line, SILENT - 0.001, now_ms, 1.0, PATIENCE)
        assert steps == []
        line, disk = play(message, line=line, disk=disk)
    assert {what for file in disk.files.values() for _, what in file if "/" not in what} == set()


def test_silence_alone_makes_no_slate_of_young_slots() -> None:
    line, _ = play(*run_of(START, 4))
    due = slot_end_ms(START + 20, FPS) + LATE_AFTER_MS
    assert deadlines(line, SILENT + 60, due - 1, 1.0, PATIENCE) == (line, [])
    _, steps = deadlines(line, SILENT, due, 1.0, PATIENCE)
    assert steps == [Slate(START + 20, START + 20, "ingest")]


def test_ten_minutes_of_silence_end_the_run_whatever_the_clock_says() -> None:
    line, _ = play(*run_of(START, 4))
    after, steps = deadlines(line, RUN_ENDS_AFTER, 0, 1.0, PATIENCE)
    assert (steps, after.next) == ([Close(1000, False), End()], None)
    assert deadlines(line, RUN_ENDS_AFTER - 0.001, 0, 1.0, PATIENCE)[1] == []


def test_silence_is_counted_anew_on_another_connection() -> None:
    heard = Heard(at=100.0, connection=3)
    assert heard.on(3, now=900.0) == heard
    again = heard.on(4, now=900.0)
    assert again == Heard(900.0, 4)
    assert again.on(4, now=905.0).at == 900.0, "once"


def test_a_picture_that_comes_after_its_slate_is_dropped_and_counted() -> None:
    line, disk = play(*run_of(START, 4))
    line, steps = overdue(line, slot_end_ms(START + 24, FPS) + 6000, 1.0, PATIENCE)
    disk.carry_out(steps)
    line, steps = take(line, second(START + 20), PATIENCE)
    assert steps == [Late(START + slot) for slot in range(20, 25)]
    line, steps = take(line, second(START + 25), PATIENCE)
    assert steps == [], "it needs the one before it, which was dropped"


def test_nothing_is_overdue_between_runs() -> None:
    line, _ = play(*run_of(START, 3, ends=True))
    assert overdue(line, slot_end_ms(START + 10_000, FPS), 1.0, PATIENCE) == (line, [])
    assert end(line) == (line, [])


@st.composite
def histories(draw: st.DrawFn) -> list[VideoMessage]:
    """Several runs, with gaps, losses, repeats, stops; as a stream holds them."""
    messages: list[VideoMessage] = []
    at = START + draw(st.integers(0, 49))
    for number in range(draw(st.integers(1, 4))):
        made = run_of(at, draw(st.integers(1, 40)), f"{number + 1}.1", ends=draw(st.booleans()))
        messages += [message for message in made if draw(st.integers(0, 9)) or message is made[-1]]
        at = messages[-1].last_slot + 1 + draw(st.integers(0, 120))
    return messages


@settings(max_examples=150, deadline=None)
@given(histories(), st.randoms(use_true_random=False))
def test_an_encoder_killed_anywhere_writes_the_same_files(messages: list[VideoMessage], rng: random.Random) -> None:
    _, expected = play(*messages)
    line, disk = Line(FPS), Disk()
    for _ in range(rng.randint(1, 4)):
        _, disk = play(*messages[: rng.randint(0, len(messages))], line=line, disk=disk)
        line = disk.restart()
    _, disk = play(*messages, line=line, disk=disk)
    assert disk.files == expected.files
    assert disk.ended == expected.ended
