"""How a site is judged and shown."""

from dataclasses import replace
from datetime import timedelta, timezone

from cli.status_lines import GONE, SILENT, CameraShown, ServiceShown, camera_line, exit_status, is_well, service_line

SEOUL = timezone(timedelta(hours=9))
IDLE = ServiceShown("detector", 7, "idle", True, "2026-03-02T05:00:00.000Z")
DEAD = ServiceShown("encoder", None, GONE)
ONLINE = CameraShown("camera-1", "놀이방", "running", "online", "", "2026-03-02T05:00:00.000Z", 800)


def test_all_well() -> None:
    assert exit_status([IDLE, replace(IDLE, state="ready")], [ONLINE]) == 0
    assert exit_status([IDLE], []) == 0


def test_not_all_well() -> None:
    assert exit_status([IDLE, DEAD], [ONLINE]) == 1
    assert exit_status([IDLE, replace(IDLE, state=SILENT, ready=False)], [ONLINE]) == 1
    assert exit_status([IDLE], None) == 1
    assert exit_status([IDLE], [replace(ONLINE, observed="frozen")]) == 1


def test_nothing_runs() -> None:
    assert exit_status([DEAD, replace(DEAD, name="query")], None) == 2


def test_a_camera_that_should_run_shows_a_fresh_picture() -> None:
    assert is_well(ONLINE)
    assert not is_well(replace(ONLINE, age_ms=None))
    assert not is_well(replace(ONLINE, age_ms=10_001))
    assert is_well(replace(ONLINE, age_ms=60_000), speed=10)
    assert not is_well(replace(ONLINE, observed=None))


def test_a_camera_that_has_shown_all_there_was_is_well() -> None:
    over = replace(ONLINE, observed="stopped", cause="the source ended", age_ms=None)
    assert is_well(over)
    assert is_well(replace(over, cause="the source ended; film.mp4: holds no picture"))
    assert not is_well(replace(over, cause="film.mp4: holds no picture"))


def test_a_camera_that_should_stand_still() -> None:
    stopped = replace(ONLINE, desired="stopped", observed="stopped", age_ms=None)
    assert is_well(stopped)
    assert is_well(replace(stopped, observed=None))
    assert not is_well(replace(stopped, observed="online"))


def test_lines() -> None:
    assert service_line(IDLE, SEOUL).split() == ["✔", "detector", "pid", "7", "idle", "since", "03-02", "14:00:00"]
    assert service_line(DEAD, SEOUL).split() == ["!", "encoder", "no", "process", "gone"]
    assert service_line(replace(IDLE, ready=False, state="degraded", why="the bus is away")).endswith("the bus is away")
    assert camera_line(ONLINE, zone=SEOUL) == (
        "✔ camera-1   online since 03-02 14:00:00, wished running, picture 0.8 s old  놀이방"
    )
    assert "not seen yet, wished running, no picture" in camera_line(
        replace(ONLINE, observed=None, age_ms=None, since="")
    )
