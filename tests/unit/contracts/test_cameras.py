"""The cameras of a site, folded from decisions."""

from libs.contracts.cameras import Camera, evolve, fold
from libs.contracts.envelope import Origin, new_fact
from libs.contracts.facts import (
    CameraConfig,
    CameraDesired,
    CameraRegistered,
    CameraRemoved,
    CameraUpdated,
    FactData,
    PastRun,
)

CONFIG = CameraConfig(name="햇살반")


def given(*decisions: FactData) -> Camera:
    camera = Camera("camera-1")
    for number, data in enumerate(decisions):
        camera = evolve(camera, new_fact(data, "camera-1", (str(number),), Origin("query", 0, 0)))
    return camera


def test_registered_then_wished() -> None:
    camera = given(
        CameraRegistered(**CONFIG.model_dump(), revision=1), CameraDesired(revision=2, state="running", by="site")
    )
    assert camera == Camera("camera-1", 2, CONFIG, "running")


def test_a_repeated_or_older_decision_changes_nothing() -> None:
    wished = CameraDesired(revision=2, state="running", by="a")
    stopped = CameraDesired(revision=3, state="stopped", by="b")
    registered = CameraRegistered(**CONFIG.model_dump(), revision=1)
    assert given(registered, wished, stopped, wished, registered) == given(registered, wished, stopped)


def test_an_update_keeps_the_wish_and_a_removal_ends_it() -> None:
    start = (CameraRegistered(**CONFIG.model_dump(), revision=1), CameraDesired(revision=2, state="running", by="a"))
    renamed = CameraUpdated(**{**CONFIG.model_dump(), "name": "별빛반"}, revision=3)
    assert given(*start, renamed).desired == "running"
    assert given(*start, renamed).config == CameraConfig(name="별빛반")
    gone = given(*start, renamed, CameraRemoved(revision=4))
    assert (gone.config, gone.desired) == (None, "stopped")


def test_a_past_run_stays_known_through_a_stop_until_the_camera_runs_live() -> None:
    past = PastRun.model_validate({"from": "2025-03-02T09:00:00Z", "to": "2025-03-02T09:01:00Z"})
    start = (
        CameraRegistered(**CONFIG.model_dump(), revision=1),
        CameraDesired(revision=2, state="running", by="a", past=past),
    )
    stopped = CameraDesired(revision=3, state="stopped", by="a")
    assert (given(*start).past, given(*start, stopped).past) == (past, past)
    assert given(*start, stopped, CameraDesired(revision=4, state="running", by="a")).past is None
    assert given(*start, CameraRemoved(revision=3)).past is None


def test_cameras_do_not_touch_one_another() -> None:
    fact = new_fact(CameraDesired(revision=1, state="running", by="a"), "camera-2", ("1",), Origin("query", 0, 0))
    cameras = fold({"camera-1": Camera("camera-1")}, fact)
    assert cameras["camera-1"] == Camera("camera-1")
    assert cameras["camera-2"].desired == "running"
