"""The facts as data: what people decided about cameras, and what became of the recording.

Additions are optional fields; a change of meaning is a new version with a new golden file.
"""

from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, PlainSerializer

from libs.contracts.slots import check_fps, rfc3339

UtcTime = Annotated[AwareDatetime, PlainSerializer(rfc3339, return_type=str)]
Slot = Annotated[int, Field(ge=0)]
Fps = Annotated[int, AfterValidator(check_fps)]


def _even(value: int) -> int:
    if value % 2:
        raise ValueError("must be even (4:2:0 pictures)")
    return value


Side = Annotated[int, Field(ge=32, le=4096), AfterValidator(_even)]


class Value(BaseModel):
    """Frozen; fields that this version does not know are left out of the value, never an error."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Source(Value):
    """Where a camera's pictures come from. Secrets stand by name, never by value."""

    kind: Literal["demo", "files"] = "demo"
    files: tuple[str, ...] = ()
    loop: bool = True


class Profile(Value):
    """What every picture of a camera is turned into."""

    width: Side = 640
    height: Side = 480
    fps: Fps = 5
    preset: str = "veryfast"
    masks: tuple[tuple[int, int, int, int], ...] = ()
    overlay: bool = False


class Consent(Value):
    """Who allowed looks outside the house, when, and to which text."""

    by: str
    at: UtcTime
    text_version: str


class Looks(Value):
    """How a camera is looked at."""

    profile: Literal["adaptive", "classic"] = "adaptive"
    budget_usd: float = 1.0
    consent: Consent | None = None


class CameraConfig(Value):
    """Everything people say of a camera, apart from whether it runs."""

    name: str = Field(min_length=1, max_length=100)
    room: str = ""
    time_zone: str = "Asia/Seoul"
    source: Source = Source()
    profile: Profile = Profile()
    looks: Looks = Looks()
    retention_days: int = Field(default=30, ge=1, le=3650)


class FactData(Value):
    """The `data` of a fact; `fact` is its type without prefix and version."""

    fact: ClassVar[str]
    type_version: ClassVar[int] = 1

    def nats_subject(self, subject: str) -> str:
        """Where a fact about `subject` (a camera id or `site`) is published."""
        return f"{self.fact}.{subject}"


class CameraRegistered(CameraConfig, FactData):
    """A camera became known."""

    fact: ClassVar[str] = "camera.registered"
    revision: int


class CameraUpdated(CameraConfig, FactData):
    """A camera was changed; holds the whole new state."""

    fact: ClassVar[str] = "camera.updated"
    revision: int


class CameraRemoved(FactData):
    """A camera is no longer kept; its id may be registered again."""

    fact: ClassVar[str] = "camera.removed"
    revision: int


class PastRun(Value):
    """A run that lies wholly in the past."""

    from_: UtcTime = Field(alias="from")
    to: UtcTime
    looks: bool = False


class CameraDesired(FactData):
    """Somebody wished that a camera runs or stops."""

    fact: ClassVar[str] = "camera.desired"
    revision: int
    state: Literal["running", "stopped"]
    by: str
    reason: str = ""
    past: PastRun | None = None


CameraState = Literal["starting", "online", "degraded", "dark", "covered", "frozen", "offline", "stopped"]


class CameraObserved(FactData):
    """The state of a camera as ingest sees it; said on change only. Order is (epoch, ordinal)."""

    fact: ClassVar[str] = "camera.observed"
    ordinal: int
    state: CameraState
    cause: str = ""
    since: UtcTime


class Gap(Value):
    """Slots without a picture, filled with slate: `first_slot` to `last_slot`, both included."""

    first_slot: Slot
    last_slot: Slot
    cause: Literal["source", "ingest", "bus", "clock", "restart"]


class SegmentClosed(FactData):
    """A window's archive stands on disk and will never change."""

    fact: ClassVar[str] = "segment.closed"
    segment_id: str
    first_slot: Slot
    frames: int
    fps: Fps
    captured_frames: int
    held_frames: int
    gaps: tuple[Gap, ...]
    complete: bool
    started_at: UtcTime
    ended_at: UtcTime
    width: int
    height: int
    media_key: str
    bytes: int
    sha256: str
    previous_sha256: str | None


class SegmentMissed(FactData):
    """A window of a running camera without one captured picture: there is no file."""

    fact: ClassVar[str] = "segment.missed"
    first_slot: Slot
    frames: int
    fps: Fps
    reason: str


class SegmentExpired(FactData):
    """An archive was deleted by retention."""

    fact: ClassVar[str] = "segment.expired"
    first_slot: Slot
    fps: Fps
    media_key: str
    reason: str
