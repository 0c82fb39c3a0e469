"""Which slot is due, what fills it, how pictures become messages, what a wish means."""

from hypothesis import given, settings
from hypothesis import strategies as st

from libs.contracts.cameras import Camera
from libs.contracts.facts import CameraConfig, PastRun, Profile, Source
from libs.contracts.frames import MAX_PAYLOAD, End, Unit, VideoMessage, read_video
from libs.contracts.slots import slot_start_ms
from services.ingest.domain import (
    Run,
    first_slot,
    messages,
    next_slot,
    past_slots,
    phase_ms,
    plan,
    resume,
    whole_seconds,
    without_picture,
)

RUN = Run("camera-1", 5, 9, 1)


def units(first: int, count: int, size: int = 10) -> tuple[Unit, ...]:
    return tuple(Unit(first + at, "c", at == 0, bytes([at % 256]) * size) for at in range(count))


def test_a_run_begins_now_but_never_at_a_slot_that_was_published() -> None:
    now = slot_start_ms(1000, 5)
    assert first_slot(now, 5, None) == 1000
    assert first_slot(now, 5, 990) == 1000
    assert first_slot(now, 5, 1003) == 1004


def test_a_stall_is_caught_up_slot_by_slot_and_a_long_one_leaves_a_gap() -> None:
    assert next_slot(1000, slot_start_ms(1000, 5), 5, 1.0) == 1001
    assert next_slot(1000, slot_start_ms(1150, 5), 5, 1.0) == 1001
    assert next_slot(1000, slot_start_ms(1151, 5), 5, 1.0) == 1151


def test_a_stall_is_one_of_the_machine_so_it_is_measured_in_real_time() -> None:
    assert next_slot(1000, slot_start_ms(2500, 5), 5, 10.0) == 1001
    assert next_slot(1000, slot_start_ms(2501, 5), 5, 10.0) == 2501


def test_cameras_take_their_pictures_at_different_moments_of_the_slot() -> None:
    for fps in (1, 5, 10, 30):
        phases = [phase_ms(f"camera-{number}", fps) for number in range(64)]
        assert all(0 <= phase < 1000 / fps for phase in phases), "within the slot"
        thirds = [sum(third / 3 <= phase * fps / 1000 < (third + 1) / 3 for phase in phases) for third in range(3)]
        assert min(thirds) >= 10, "spread over it"


def last(slot: int, fps: int = 5, end: End | None = None) -> VideoMessage:
    return VideoMessage("camera-1", fps, 9, "9.1", "", (Unit(slot, "c", True, b"x"),), end)


PAST = PastRun.model_validate({"from": "2025-03-02T09:00:00Z", "to": "2025-03-02T09:01:00Z"})


def test_a_past_run_goes_on_after_the_last_message_until_its_end_was_told() -> None:
    slots = past_slots(PAST, 5)
    assert len(slots) == 300
    assert resume(slots, None, 5) == slots.start
    assert resume(slots, last(slots.start - 100, end="source_ended"), 5) == slots.start, "of a run before it"
    assert resume(slots, last(slots.start + 9), 5) == slots.start + 10
    assert resume(slots, last(slots.start + 9, end="stopped"), 5) == slots.start + 10
    assert resume(slots, last(slots.start + 9, end="source_ended"), 5) is None
    assert resume(slots, last(slots.stop - 1), 5) is None
    assert resume(slots, last(slots.start * 2 + 19, fps=10), 5) == slots.start + 10
    assert resume(range(5, 5), None, 5) is None


def test_a_past_run_in_place_of_a_live_one_or_of_another_begins_anew() -> None:
    live, past = Camera("a", 1, CONFIG, "running"), Camera("a", 2, CONFIG, "running", PAST)
    assert plan({"a": past}, {"a": live}).restart == ("a",)
    assert plan({"a": past}, {"a": past}).restart == ()


def test_the_last_picture_stands_in_for_three_seconds_then_slate_says_so() -> None:
    assert [without_picture(slot, 100, 5) for slot in (101, 115, 116)] == ["h", "h", "s"]
    assert without_picture(101, None, 5) == "s"


@settings(deadline=None)
@given(st.integers(0, 1000), st.integers(1, 60), st.sampled_from([10, 200_000]))
def test_messages_never_cross_a_second_nor_grow_too_large_and_lose_nothing(first: int, count: int, size: int) -> None:
    made = messages(RUN, "ab" * 8, units(first, count, size), "stopped")
    assert tuple(unit for message in made for unit in message.units) == units(first, count, size)
    for message in made:
        assert message.first_slot // 5 == message.last_slot // 5
        assert len(message.payload()) <= MAX_PAYLOAD
        assert read_video("camera-1", message.headers(), message.payload()) == message
    assert [message.end for message in made] == [None] * (len(made) - 1) + ["stopped"]


@given(st.integers(0, 100), st.integers(0, 30))
def test_only_whole_seconds_go_out_and_the_rest_waits(first: int, count: int) -> None:
    whole, rest = whole_seconds(units(first, count), 5)
    assert (*whole, *rest) == units(first, count)
    assert not whole or (whole[-1].slot + 1) % 5 == 0
    assert len(rest) < 5


CONFIG = CameraConfig(name="a")


def test_wishes_become_actions() -> None:
    cameras = {
        "a": Camera("a", 1, CONFIG, "running"),
        "b": Camera("b", 1, CONFIG, "stopped"),
        "c": Camera("c", 1, None, "running"),
        "d": Camera("d", 2, CameraConfig(name="a", source=Source(kind="files", files=("x.mp4",))), "running"),
    }
    steps = plan(cameras, {name: Camera(name, 1, CONFIG, "running") for name in ("b", "c", "d", "gone")})
    assert dict(steps.start) == {"a": cameras["a"]}
    assert steps.stop == ("b", "c"), "a camera that the log has lost goes on"
    assert steps.restart == ("d",)


def test_a_new_name_does_not_interrupt_the_picture_but_a_new_profile_does() -> None:
    running = {"a": Camera("a", 1, CONFIG, "running")}
    assert plan({"a": Camera("a", 1, CameraConfig(name="b"), "running")}, running).restart == ()
    other = CameraConfig(name="a", profile=Profile(fps=10))
    assert plan({"a": Camera("a", 1, other, "running")}, running).restart == ("a",)


def test_another_list_of_files_is_taken_up_by_the_run_that_goes_on() -> None:
    def camera(profile: Profile, *files: str, past: PastRun | None = None) -> Camera:
        source = Source(kind="files", files=files)
        return Camera("a", 1, CameraConfig(name="a", source=source, profile=profile), "running", past)

    before = {"a": camera(Profile(), "x.mp4")}
    steps = plan({"a": camera(Profile(), "x.mp4", "y.mp4")}, before)
    assert (steps.update, steps.restart) == (("a",), ())
    assert plan({"a": camera(Profile())}, before).update == ("a",), "an emptied list, too"
    assert plan(before, before).update == ()
    assert plan({"a": camera(Profile(fps=10), "y.mp4")}, before).restart == ("a",)
    assert plan({"a": camera(Profile(), "y.mp4", past=PAST)}, before).restart == ("a",)
    past = {"a": camera(Profile(), "x.mp4", past=PAST)}
    assert plan({"a": camera(Profile(), "y.mp4", past=PAST)}, past).restart == ("a",)
    assert plan({"a": Camera("a", 1, CONFIG, "running")}, before).restart == ("a",), "a demo is no list"
