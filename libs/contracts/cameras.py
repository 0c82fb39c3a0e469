"""The cameras of a site, folded from the facts of people's decisions. Every service that needs it folds it itself."""

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from libs.contracts.envelope import Fact
from libs.contracts.facts import CameraConfig, CameraDesired, CameraRegistered, CameraRemoved, CameraUpdated, PastRun

Wish = Literal["running", "stopped"]

VIDEO_SUFFIXES = frozenset(
    ("mp4", "m4v", "mov", "mkv", "webm", "avi", "ts", "mts", "m2ts", "mpg", "mpeg", "wmv", "flv", "3gp")
)
"""What the names of files that a queue may play end in, in any case."""
MAX_QUEUE_BYTES = 48_000
"""The names of a queue travel in one fact, and a fact holds less than 64 kB."""
MAX_FILE_NAME = 200
"""Characters; a longer name cannot stand in the media store."""


def plain_file_name(name: str) -> str:
    """The name of a file of a queue, composed (NFC): it is named, never reached by a path. Raises ValueError."""
    composed = unicodedata.normalize("NFC", name)
    if "/" in name or name.startswith(".") or not name.isprintable() or not 0 < len(composed) <= MAX_FILE_NAME:
        raise ValueError(f"{name[:40]!r} is no plain file name")
    return composed


def too_long(names: Iterable[str]) -> bool:
    """Would the names of this queue burst a fact?"""
    return sum(len(name.encode(errors="replace")) + 4 for name in names) > MAX_QUEUE_BYTES


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
