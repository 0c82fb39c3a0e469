"""The cameras of a site, folded from the facts of people's decisions. Every service that needs it folds it itself."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from libs.contracts.envelope import Fact
from libs.contracts.facts import CameraConfig, CameraDesired, CameraRegistered, CameraRemoved, CameraUpdated, PastRun

Wish = Literal["running", "stopped"]


@dataclass(frozen=True, slots=True)
class Camera:
    """What people said of a camera so far. `config` is None once it was removed (or before it was registered).

    `past`: the past run of the last wish that it runs, also while that is stopped; None when it runs live.
    """

    id: str
    revision: int = 0
    config: CameraConfig | None = None
    desired: Wish = "stopped"
    past: PastRun | None = None


def evolve(camera: Camera, fact: Fact) -> Camera:
    """The camera after one more fact; facts of a revision that is already known change nothing."""
    data = fact.data
    if not isinstance(data, CameraRegistered | CameraUpdated | CameraRemoved | CameraDesired):
        return camera
    if data.revision <= camera.revision:
        return camera
    match data:
        case CameraDesired():
            past = data.past if data.state == "running" else camera.past
            return replace(camera, revision=data.revision, desired=data.state, past=past)
        case CameraRemoved():
            return replace(camera, revision=data.revision, config=None, desired="stopped", past=None)
        case _:
            config = CameraConfig.model_validate(data.model_dump(exclude={"revision"}))
            return replace(camera, revision=data.revision, config=config)


def fold(cameras: Mapping[str, Camera], fact: Fact) -> dict[str, Camera]:
    """All cameras after one more fact."""
    before = cameras.get(fact.subject, Camera(fact.subject))
    return {**cameras, fact.subject: evolve(before, fact)}
