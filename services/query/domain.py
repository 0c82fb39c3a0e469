"""What query decides: which facts a list of cameras or a wish calls for, and which of two things seen is newer."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal
from uuid import NAMESPACE_URL, uuid5

from libs.contracts.cameras import Camera, Wish, evolve
from libs.contracts.envelope import Fact
from libs.contracts.facts import (
    CameraConfig,
    CameraDesired,
    CameraObserved,
    CameraRegistered,
    CameraRemoved,
    CameraUpdated,
    FactData,
)
from libs.contracts.frames import Snapshot
from libs.contracts.ids import fact_id
from libs.contracts.slots import slot_start_ms

STILL_LIVE_MS = 10_000
"""A still that is older than this is never passed off as live."""

CHANGES_KEPT = 100
"""So many changes of a camera are recognised when they are asked for again."""

_REQUESTS = uuid5(NAMESPACE_URL, "dolbom:request")


@dataclass(frozen=True, slots=True)
class Known:
    """A camera as the facts tell it. `last`: newest sequence over it; `wished`: somebody said whether it runs.

    `entry`: the newest state that an entry of `cameras.yaml` gave it; `changes`: ids of its newest changes.
    """

    camera: Camera
    last: int = 0
    wished: bool = False
    entry: CameraConfig | None = None
    changes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """A camera as `cameras.yaml` wants it."""

    id: str
    config: CameraConfig


@dataclass(frozen=True, slots=True)
class Planned:
    """A fact to write about a camera, if `expected` is still the last sequence over it."""

    camera_id: str
    data: FactData
    request: str
    expected: int


def unknown(camera_id: str) -> Known:
    """A camera of which no fact tells."""
    return Known(Camera(camera_id))


def learn(known: Known, fact: Fact) -> Known:
    """What is known of a camera after one more fact of `CAMERAS`."""
    camera = evolve(known.camera, fact)
    if camera is known.camera:
        return known
    match fact.data:
        case CameraDesired():
            return replace(known, camera=camera, wished=True)
        case CameraRemoved():
            return replace(known, camera=camera, entry=None)
        case _:
            changes = (*known.changes, fact.id)[-CHANGES_KEPT:]
            entry = camera.config if _of_entry(fact, camera) else known.entry
            return replace(known, camera=camera, entry=entry, changes=changes)


def _of_entry(fact: Fact, camera: Camera) -> bool:
    """Does an entry call for this fact, or did a person ask for it? Its id tells."""
    if camera.config is None:
        return False
    request = _request(Entry(camera.id, camera.config), camera.revision - 1)
    return fact.id == fact_id(fact.name, request)


def plan(cameras: Mapping[str, Known], entries: Iterable[Entry]) -> list[Planned]:
    """The facts that are missing until every entry is registered as it stands and was once told to run."""
    return [planned for entry in entries for planned in _plan(cameras.get(entry.id, unknown(entry.id)), entry)]


def _plan(known: Known, entry: Entry) -> list[Planned]:
    """Two facts at most; a process that died between them left the second one to do.

    An entry that stands as it stood when it was last carried out overrules nothing that people changed since.
    """
    camera, planned = known.camera, list[Planned]()
    revision = camera.revision
    if entry.config != (known.entry or camera.config):
        shape = CameraRegistered if camera.config is None else CameraUpdated
        data = shape.model_validate({**entry.config.model_dump(), "revision": revision + 1})
        planned.append(Planned(entry.id, data, _request(entry, revision), known.last))
        revision += 1
    if not known.wished:
        wanted = CameraDesired(revision=revision + 1, state="running", by="site", reason="first registration")
        planned.append(Planned(entry.id, wanted, _request(entry, revision), known.last))
    return planned


def _request(entry: Entry, replaces: int) -> str:
    """Follows from the entry and the revision it replaces: demo → file → demo again is three requests, not two."""
    config = entry.config.model_dump(mode="json", exclude_defaults=True)  # a field of a later version changes no id
    content = json.dumps({"id": entry.id, **config}, sort_keys=True, ensure_ascii=False)
    return str(uuid5(_REQUESTS, f"{content}|{replaces}"))


def wish(known: Known, state: Wish, said: tuple[str, str], request: str) -> Planned | None:
    """The fact that a wish calls for; None when the camera is already wished so. `said`: by whom, and why."""
    if known.wished and known.camera.desired == state:
        return None
    by, reason = said
    data = CameraDesired(revision=known.camera.revision + 1, state=state, by=by, reason=reason)
    return Planned(known.camera.id, data, request, known.last)


def newer_observed(before: Fact | None, fact: Fact) -> Fact:
    """The newer of two facts by (epoch, ordinal): a writer whose lease was taken is never believed again."""
    return fact if before is None or _order(fact) > _order(before) else before


def _order(fact: Fact) -> tuple[int, int]:
    return (fact.epoch or 0, fact.data.ordinal if isinstance(fact.data, CameraObserved) else 0)


def newer_still(before: Snapshot | None, still: Snapshot) -> Snapshot:
    """The newer of two stills; neither epochs nor slots ever go back."""
    if before is None or (still.epoch >= before.epoch and still.slot > before.slot):
        return still
    return before


def still_age_ms(still: Snapshot, now_ms: int) -> int:
    """Site time since the still's slot began."""
    return max(0, now_ms - slot_start_ms(still.slot, still.fps))


def is_live(age_ms: int, speed: float) -> bool:
    """May a still of this age be shown as the present? Site time runs `speed` times as fast as real time."""
    return age_ms <= STILL_LIVE_MS * speed


Verdict = tuple[Literal["starting", "degraded", "ready"], bool, str]


@dataclass(frozen=True, slots=True)
class Condition:
    """What readiness depends on; a text is empty when its matter is well."""

    facts_read: bool
    bus: str
    registration: str
    media: str
    database: str = ""


def verdict(now: Condition) -> Verdict:
    """State, readiness and the reason. A bus or a database that went away leaves recordings and page to be served."""
    if not now.facts_read:
        return "starting", False, now.bus or "the facts are being read"
    if now.registration or now.media:
        return "degraded", False, now.registration or now.media
    away = now.bus or now.database
    return ("degraded", True, away) if away else ("ready", True, "")
