"""What becomes of a camera that somebody registers, changes or removes. Pure.

A request that is sent again with the same key calls for nothing new: its fact's id stands among the newest changes.
"""

from libs.contracts.facts import CameraConfig, CameraRegistered, CameraRemoved, CameraUpdated
from libs.contracts.ids import fact_id
from services.query.domain import Known, Planned


class AlreadyRegistered(ValueError):
    """A camera of this id stands."""


class OtherRevision(ValueError):
    """The camera is not (any more) as whoever asks saw it."""


def asked_before(known: Known, request: str) -> bool:
    """Was this request carried out already?"""
    kinds = (CameraRegistered, CameraUpdated)
    return any(fact_id(kind.fact, request) in known.changes for kind in kinds)


def registered(known: Known, config: CameraConfig, request: str) -> Planned | None:
    """The fact that registers it. Raises AlreadyRegistered."""
    if asked_before(known, request):
        return None
    if known.camera.config is not None:
        raise AlreadyRegistered(known.camera.id)
    data = CameraRegistered(**config.model_dump(), revision=known.camera.revision + 1)
    return Planned(known.camera.id, data, request, known.last)


def updated(known: Known, config: CameraConfig, revision: int | None, request: str) -> Planned | None:
    """The fact that changes it to `config`; None when it is so already. Raises OtherRevision."""
    if asked_before(known, request):
        return None
    check_revision(known, revision)
    if known.camera.config == config:
        return None
    data = CameraUpdated(**config.model_dump(), revision=known.camera.revision + 1)
    return Planned(known.camera.id, data, request, known.last)


def removed(known: Known, revision: int | None, request: str) -> Planned | None:
    """The fact that removes it; None when it is gone. Raises OtherRevision."""
    if known.camera.config is None:
        return None
    check_revision(known, revision)
    return Planned(known.camera.id, CameraRemoved(revision=known.camera.revision + 1), request, known.last)


def check_revision(known: Known, revision: int | None) -> None:
    """Raises OtherRevision unless it is the camera's, or none was named."""
    if revision is not None and revision != known.camera.revision:
        raise OtherRevision(known.camera.id)
