"""How a site is, judged and in words. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

GONE = "gone"
SILENT = "does not answer"
CAME_TO_ITS_END = ("the source ended", "the run is over")
STALE_MS = 10_000
"""A picture older than this (in site time) is not live."""


@dataclass(frozen=True, slots=True)
class ServiceShown:
    """A service as it says it is; GONE when no such process runs, SILENT when it does not answer."""

    name: str
    pid: int | None
    state: str
    ready: bool = False
    since: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class CameraShown:
    """A camera as the page shows it. `age_ms` of its newest picture; None when there is none."""

    id: str
    name: str
    desired: str
    observed: str | None
    cause: str = ""
    since: str = ""
    age_ms: int | None = None


def camera_shown(item: Mapping[str, object]) -> CameraShown:
    """A camera as the API tells of it."""
    observed, picture = item.get("observed"), item.get("picture")
    seen: Mapping[str, object] = observed if isinstance(observed, Mapping) else {}
    age = picture.get("age_ms") if isinstance(picture, Mapping) else None
    return CameraShown(
        id=str(item.get("camera_id")),
        name=str(item.get("name") or ""),
        desired=str(item.get("desired")),
        observed=str(seen["state"]) if "state" in seen else None,
        cause=str(seen.get("cause") or ""),
        since=str(seen.get("since") or ""),
        age_ms=int(age) if isinstance(age, int | float) else None,
    )


def is_well(camera: CameraShown, speed: float = 1.0) -> bool:
    """Is the camera as it was wished, with a fresh picture if it should run? At `speed`, pictures age faster.

    One that has shown all there was to show is well too.
    """
    if camera.desired != "running":
        return camera.observed in (None, "stopped")
    if camera.observed == "stopped" and camera.cause.startswith(CAME_TO_ITS_END):
        return True
    return camera.observed == "online" and camera.age_ms is not None and camera.age_ms <= STALE_MS * max(speed, 1.0)


def exit_status(services: Sequence[ServiceShown], cameras: Sequence[CameraShown] | None, speed: float = 1.0) -> int:
    """0 all well, 1 something is not, 2 nothing runs. `cameras` None: nobody could be asked."""
    if all(service.state == GONE for service in services):
        return 2
    well = all(service.ready for service in services) and cameras is not None
    return 0 if well and all(is_well(camera, speed) for camera in cameras or ()) else 1


def service_line(service: ServiceShown, zone: tzinfo | None = None) -> str:
    """One line for a service."""
    glyph = "✔" if service.ready else "!"
    pid = f"pid {service.pid}" if service.pid else "no process"
    line = f"{glyph} {service.name:<10} {pid:<12} {service.state:<10} {_since(service.since, zone)}"
    return f"{line}  {service.why}".rstrip()


def camera_line(camera: CameraShown, speed: float = 1.0, zone: tzinfo | None = None) -> str:
    """One line for a camera."""
    glyph = "✔" if is_well(camera, speed) else "!"
    observed = camera.observed or "not seen yet"
    cause = f" ({camera.cause})" if camera.cause else ""
    picture = "no picture" if camera.age_ms is None else f"picture {camera.age_ms / 1000:.1f} s old"
    since = f" {_since(camera.since, zone)}" if camera.since else ""
    return (
        f"{glyph} {camera.id:<10} {observed}{cause}{since}, wished {camera.desired}, {picture}  {camera.name}".rstrip()
    )


def _since(text: str, zone: tzinfo | None) -> str:
    try:
        return f"since {datetime.fromisoformat(text).astimezone(zone):%m-%d %H:%M:%S}"
    except ValueError:
        return ""
