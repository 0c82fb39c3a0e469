"""Which facts an entry or a wish calls for, and which of two things seen is newer."""

from collections.abc import Sequence
from functools import reduce

import pytest

from libs.contracts.envelope import Fact, Origin, new_fact
from libs.contracts.facts import (
    CameraConfig,
    CameraDesired,
    CameraObserved,
    CameraRegistered,
    CameraRemoved,
    CameraUpdated,
    FactData,
    Source,
)
from libs.contracts.frames import Snapshot
from libs.contracts.slots import moment
from services.query.domain import (
    Condition,
    Entry,
    Known,
    Planned,
    is_live,
    learn,
    newer_observed,
    newer_still,
    plan,
    still_age_ms,
    unknown,
    verdict,
    wish,
)

CAMERA = "camera-1"
DEMO = Entry(CAMERA, CameraConfig(name="햇살반", source=Source(kind="demo")))
FILE = Entry(CAMERA, CameraConfig(name="햇살반", source=Source(kind="files", files=("점심.mp4",))))


def fact(data: FactData, request: str = "r", epoch: int | None = None) -> Fact:
    return new_fact(data, CAMERA, (request,), Origin("query", 0, 0, epoch))


def given(*data: FactData) -> Known:
    return reduce(learn, map(fact, data), unknown(CAMERA))


def after(known: Known, planned: Sequence[Planned]) -> Known:
    return reduce(learn, (fact(one.data, one.request) for one in planned), known)


def registered(entry: Entry, revision: int) -> CameraRegistered:
    return CameraRegistered(revision=revision, **entry.config.model_dump())


def desired(state: str, revision: int) -> CameraDesired:
    return CameraDesired.model_validate({"revision": revision, "state": state, "by": "anyone"})


def planned_data(known: Known, entry: Entry) -> list[FactData]:
    return [one.data for one in plan({CAMERA: known}, [entry])]


def test_a_new_camera_is_registered_and_told_to_run() -> None:
    running = CameraDesired(revision=2, state="running", by="site", reason="first registration")
    assert planned_data(unknown(CAMERA), DEMO) == [registered(DEMO, 1), running]


def test_the_same_entry_again_calls_for_nothing() -> None:
    assert planned_data(given(registered(DEMO, 1), desired("running", 2)), DEMO) == []


def test_a_wish_of_a_person_is_not_overruled() -> None:
    stopped = given(registered(DEMO, 1), desired("running", 2), desired("stopped", 3))
    assert planned_data(stopped, DEMO) == []
    assert planned_data(stopped, FILE) == [CameraUpdated(revision=4, **FILE.config.model_dump())]


def test_a_death_between_the_two_facts_is_made_good() -> None:
    (missing,) = planned_data(given(registered(DEMO, 1)), DEMO)
    assert missing == CameraDesired(revision=2, state="running", by="site", reason="first registration")


def test_a_removed_camera_is_registered_again_but_not_started() -> None:
    removed = given(registered(DEMO, 1), desired("running", 2), CameraRemoved(revision=3))
    assert planned_data(removed, DEMO) == [registered(DEMO, 4)]


def test_there_and_back_again_is_three_requests() -> None:
    known, requests = unknown(CAMERA), list[str]()
    for entry in (DEMO, FILE, DEMO):
        planned = plan({CAMERA: known}, [entry])
        requests += [one.request for one in planned if not isinstance(one.data, CameraDesired)]
        known = after(known, planned)
    assert len(set(requests)) == 3


def test_two_processes_plan_the_same_requests() -> None:
    assert plan({}, [DEMO]) == plan({}, [DEMO])


def test_what_was_read_must_still_be_the_last() -> None:
    known = Known(given(registered(DEMO, 1)).camera, last=17)
    assert [one.expected for one in plan({CAMERA: known}, [FILE])] == [17, 17]


@pytest.mark.parametrize(
    ("known", "state", "recorded"),
    [
        (given(registered(DEMO, 1), desired("running", 2)), "stopped", True),
        (given(registered(DEMO, 1), desired("running", 2)), "running", False),
        (given(registered(DEMO, 1), desired("stopped", 2)), "stopped", False),
        (given(registered(DEMO, 1)), "stopped", True),  # or the first registration would still start it
    ],
)
def test_a_wish_is_recorded_once(known: Known, state: str, recorded: bool) -> None:
    planned = wish(known, "running" if state == "running" else "stopped", ("anyone", "낮잠"), "key")
    assert (planned is not None) is recorded
    if planned:
        expected = {"revision": known.camera.revision + 1, "state": state, "by": "anyone", "reason": "낮잠"}
        assert planned.data == CameraDesired.model_validate(expected)


def test_a_fact_of_an_old_revision_is_no_wish() -> None:
    assert not learn(given(registered(DEMO, 5)), fact(desired("running", 3))).wished


def observed(epoch: int, ordinal: int) -> Fact:
    return fact(CameraObserved(ordinal=ordinal, state="online", since=moment(0)), f"{epoch}.{ordinal}", epoch)


def test_observed_never_goes_back() -> None:
    facts = [observed(7, 3), observed(8, 1), observed(7, 4), observed(8, 2), observed(8, 2), observed(8, 1)]
    newest = reduce(newer_observed, facts, facts[0])
    assert newest is facts[3]
    assert newer_observed(None, facts[0]) is facts[0]


def snap(epoch: int, slot: int) -> Snapshot:
    return Snapshot(CAMERA, slot, 5, "c", epoch, 100, b"")


@pytest.mark.parametrize(
    ("before", "then", "taken"),
    [
        ((1, 10), (1, 11), True),
        ((1, 10), (1, 10), False),
        ((1, 10), (1, 9), False),
        ((2, 10), (1, 11), False),
        ((1, 10), (2, 11), True),
        ((1, 10), (2, 9), False),
    ],
)
def test_stills_never_go_back(before: tuple[int, int], then: tuple[int, int], taken: bool) -> None:
    assert (newer_still(snap(*before), snap(*then)) == snap(*then)) is taken or before == then


@pytest.mark.parametrize(
    ("now_ms", "age", "speed", "live"),
    [
        (2000, 0, 1.0, True),
        (1000, 0, 1.0, True),  # a still of the future is young, not negative
        (12_000, 10_000, 1.0, True),
        (12_001, 10_001, 1.0, False),
        (62_000, 60_000, 10.0, True),
        (102_001, 100_001, 10.0, False),
    ],
)
def test_age_of_a_still(now_ms: int, age: int, speed: float, live: bool) -> None:
    assert still_age_ms(snap(1, 10), now_ms) == age
    assert is_live(age, speed) is live


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (Condition(False, "no NATS", "wait", ""), ("starting", False, "no NATS")),
        (Condition(False, "", "wait", ""), ("starting", False, "the facts are being read")),
        (Condition(True, "", "cameras.yaml: …", ""), ("degraded", False, "cameras.yaml: …")),
        (Condition(True, "", "", "not mounted"), ("degraded", False, "not mounted")),
        (Condition(True, "away", "", ""), ("degraded", True, "away")),
        (Condition(True, "", "", ""), ("ready", True, "")),
    ],
)
def test_verdict(condition: Condition, expected: tuple[str, bool, str]) -> None:
    assert verdict(condition) == expected


def changed(known: Known, config: CameraConfig) -> Known:
    """Somebody changed the camera through the API."""
    return learn(known, fact(CameraUpdated(revision=known.camera.revision + 1, **config.model_dump()), "a person"))


OTHER = FILE.config.model_copy(update={"source": Source(kind="files", files=("점심.mp4", "낮잠.mp4"))})


def carried_out(known: Known, entry: Entry) -> Known:
    return after(known, plan({CAMERA: known}, [entry]))


def test_an_entry_that_did_not_change_overrules_nothing() -> None:
    known = changed(carried_out(unknown(CAMERA), FILE), OTHER)
    for _ in range(3):
        assert planned_data(known, FILE) == []
        known = changed(known, known.camera.config or OTHER)
    assert known.camera.config == OTHER


def test_an_entry_that_changed_does() -> None:
    known = changed(carried_out(unknown(CAMERA), FILE), OTHER)
    assert planned_data(known, DEMO) == [CameraUpdated(revision=4, **DEMO.config.model_dump())]
    known = carried_out(known, DEMO)
    assert planned_data(known, DEMO) == []
    assert planned_data(changed(known, OTHER), DEMO) == []
    assert [one.fact for one in planned_data(changed(known, OTHER), FILE)] == ["camera.updated"], "there and back again"


def test_an_entry_that_came_to_say_what_a_person_said_before_is_remembered() -> None:
    """Else the person's next change would be overruled by an entry that did not change any more."""
    known = changed(carried_out(unknown(CAMERA), DEMO), FILE.config)
    known = carried_out(known, FILE)
    assert planned_data(changed(known, OTHER), FILE) == []


def test_facts_that_no_entry_calls_for_leave_the_older_rule() -> None:
    """A site whose facts were written otherwise (an older version) is brought to its entries once."""
    assert [one.fact for one in planned_data(given(registered(DEMO, 1), desired("running", 2)), FILE)] == [
        "camera.updated"
    ]


def test_a_removed_camera_is_registered_anew() -> None:
    known = learn(carried_out(unknown(CAMERA), FILE), fact(CameraRemoved(revision=3)))
    assert planned_data(known, FILE)[0] == registered(FILE, 4)
