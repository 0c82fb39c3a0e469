"""Cameras that people register, change and remove. Each change is a fact, and names the revision that it is made to."""

import contextlib
import re
from collections.abc import Iterator
from typing import Annotated, Literal
from uuid import uuid4

from fastapi import APIRouter, Depends, Header, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from libs.contracts.facts import CameraConfig, Fps, Looks, Profile, Side, Source
from libs.contracts.ids import CAMERA_ID, check_camera_id
from libs.contracts.slots import TICKS_PER_SECOND
from services.query.commands import Unregistered, Unwritten, Wished, record_change, record_registration, record_wish
from services.query.days import known_zone
from services.query.domain import Known, Planned
from services.query.registration import AlreadyRegistered, OtherRevision, registered, removed, updated
from services.query.rest.answers import CameraItem
from services.query.rest.asked import PROBLEMS, Asker, Key, Needs, Registered, SiteNow, cameras_read, no_query
from services.query.rest.cameras import answer_camera
from services.query.rest.problems import Problem, ProblemBody, not_found, unavailable

_STANDS: dict[int | str, dict[str, object]] = {409: {"model": ProblemBody, "description": "A camera of this id stands"}}
_CHANGE: dict[int | str, dict[str, object]] = {
    412: {"model": ProblemBody, "description": "Not the revision that is named"},
    428: {"model": ProblemBody, "description": "No revision is named"},
}
router = APIRouter(
    dependencies=[Depends(no_query), Depends(cameras_read), Depends(Needs("director"))],
    responses=PROBLEMS,
)
_REVISION = re.compile(r'"(\d{1,15})"', re.ASCII)


_RATES = tuple(fps for fps in range(1, 31) if TICKS_PER_SECOND % fps == 0)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class SourceAsked(_Strict):
    """Where the pictures come from; the files of a queue are uploaded to `/videos`."""

    kind: Literal["demo", "files"] = "demo"
    loop: bool = True


class ProfileAsked(_Strict):
    """What every picture is turned into."""

    width: Side = Field(default=640, json_schema_extra={"multipleOf": 2})
    height: Side = Field(default=480, json_schema_extra={"multipleOf": 2})
    fps: Fps = Field(default=5, json_schema_extra={"enum": [*_RATES]})
    overlay: bool = False


class LooksAsked(_Strict):
    """How it is looked at."""

    profile: Literal["adaptive", "classic"] = "adaptive"
    budget_usd: float = Field(default=1.0, ge=0, le=1000)


Zone = Annotated[str, AfterValidator(known_zone), Field(max_length=64)]
Name = Annotated[str, Field(min_length=1, max_length=100)]


class CameraNew(_Strict):
    """A camera to register. It is wished to run at once unless `running` is false."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"id": "sun", "name": "햇살반", "source": {"kind": "demo"}}}
    )

    id: Annotated[str, AfterValidator(check_camera_id)] = Field(json_schema_extra={"pattern": f"^{CAMERA_ID.pattern}$"})
    name: Name
    room: str = Field(default="", max_length=100)
    time_zone: Zone = "Asia/Seoul"
    source: SourceAsked = SourceAsked()
    profile: ProfileAsked = ProfileAsked()
    looks: LooksAsked = LooksAsked()
    retention_days: int = Field(default=30, ge=1, le=3650)
    running: bool = True


class CameraChange(_Strict):
    """What is to be another; what is left out stays."""

    model_config = ConfigDict(json_schema_extra={"example": {"name": "별빛반", "retention_days": 14}})

    name: Name | None = None
    room: str | None = Field(default=None, max_length=100)
    time_zone: Zone | None = None
    profile: ProfileAsked | None = None
    looks: LooksAsked | None = None
    retention_days: int | None = Field(default=None, ge=1, le=3650)


IfMatch = Annotated[str | None, Header(description='the `revision` that was seen, as an ETag: `"3"`; `*` for any')]


@router.post(
    "/api/v1/cameras", status_code=201, summary="Register a camera", response_model=CameraItem, responses=_STANDS
)
async def register_camera(
    site: SiteNow, who: Asker, asked: CameraNew, response: Response, idempotency_key: Key = None
) -> CameraItem:
    """Recorded as `camera.registered`; 409 when a camera of this id stands."""
    key = idempotency_key or str(uuid4())
    config = CameraConfig(
        **asked.model_dump(exclude={"id", "source", "profile", "looks", "running"}),
        source=Source(**asked.source.model_dump()),
        profile=Profile(**asked.profile.model_dump()),
        looks=Looks(**asked.looks.model_dump()),
    )
    with _refusals():
        await record_registration(
            site, asked.id, lambda known: registered(known, config, f"{asked.id}|register|{who.user}|{key}")
        )
        if asked.running:
            await record_wish(site, asked.id, Wished("running", who.user, "registered", key))
    response.headers["Location"] = f"/api/v1/cameras/{asked.id}"
    return await answer_camera(site, asked.id, response)


@router.patch("/api/v1/cameras/{camera_id}", summary="Change a camera", response_model=CameraItem, responses=_CHANGE)
async def change_camera(
    camera: Registered,
    site: SiteNow,
    change: CameraChange,
    response: Response,
    idempotency_key: Key = None,
    if_match: IfMatch = None,
) -> CameraItem:
    """Recorded as `camera.updated`. `If-Match` names the revision that was seen, so that no change is lost unseen."""
    camera_id, revision = camera[0].camera.id, _revision(if_match)
    wanted = f"{camera_id}|change|{idempotency_key or uuid4()}"

    def decide(known: Known, config: CameraConfig) -> Planned | None:
        return updated(known, _changed(config, change), revision, wanted)

    with _refusals():
        await record_change(site, camera_id, decide)
    return await answer_camera(site, camera_id, response)


@router.delete("/api/v1/cameras/{camera_id}", status_code=204, summary="Remove a camera", responses=_CHANGE)
async def remove_camera(
    camera: Registered, site: SiteNow, idempotency_key: Key = None, if_match: IfMatch = None
) -> Response:
    """Recorded as `camera.removed`. Its recordings go as they grow old; its id may be registered again."""
    camera_id, revision = camera[0].camera.id, _revision(if_match)
    wanted = f"{camera_id}|remove|{idempotency_key or uuid4()}"
    with _refusals():
        await record_registration(site, camera_id, lambda known: removed(known, revision, wanted))
    return Response(status_code=204)


def _changed(config: CameraConfig, change: CameraChange) -> CameraConfig:
    """The camera with what is asked for; parts of profile and looks that are not named stay."""
    values = change.model_dump(exclude_unset=True)
    merged = {**config.model_dump(), **{name: value for name, value in values.items() if value is not None}}
    for part in ("profile", "looks"):
        merged[part] = {**config.model_dump()[part], **(values.get(part) or {})}
    return CameraConfig.model_validate(merged)


def _revision(if_match: str | None) -> int | None:
    """The revision that a request names; None for any."""
    if if_match is None:
        raise Problem(
            428, 'Name the revision that you saw: If-Match: "3" (`revision` of the camera), or *.', "no-revision"
        )
    if if_match.strip() == "*":
        return None
    match = _REVISION.fullmatch(if_match.strip())
    if match is None:
        raise Problem(422, 'header.if-match: is no revision; write it as "3", or *')
    return int(match[1])


@contextlib.contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except AlreadyRegistered as problem:
        raise Problem(409, "A camera of this id stands; change it, or take another id.", "id-taken") from problem
    except OtherRevision as problem:
        raise Problem(412, "The camera was changed meanwhile: read it again.", "other-revision") from problem
    except Unregistered as problem:
        raise not_found() from problem
    except Unwritten as problem:
        detail = "The bus does not answer, so it may not be recorded. Try again with the same Idempotency-Key."
        raise unavailable("bus-away", detail, retry_after=2) from problem
