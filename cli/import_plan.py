"""What `dolbom import` is asked to do, checked as far as that goes without the bus."""

import math
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from pydantic import ValidationError

from cli.domain import unusable_name
from cli.refusal import Refusal
from libs.contracts.cameras import too_long
from libs.contracts.facts import Profile, Source
from libs.contracts.ids import BadCameraId, check_camera_id
from libs.contracts.slots import moment, unix_ms
from libs.media import MediaStore, read_archive_name, read_segment_name

RETENTION_DAYS, MAX_RETENTION_DAYS = 30, 3650
_DAY = timedelta(days=1)
_PROFILE = re.compile(r"(?P<width>\d{2,4})x(?P<height>\d{2,4})@(?P<fps>\d{1,2})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Options:
    """What was typed after `dolbom import`."""

    data: str
    camera: str
    start: str
    files: Sequence[str]
    demo: float | None
    name: str
    profile: str


@dataclass(frozen=True, slots=True)
class Import:
    """A past run as it will be wished. It ends at `end`, or before it when its files do."""

    camera: str
    begin: datetime
    end: datetime
    files: tuple[Path, ...]
    name: str
    profile: Profile | None
    retention_days: int

    @property
    def source(self) -> Source:
        """What the camera shows."""
        if not self.files:
            return Source()
        return Source(kind="files", files=tuple(path.name for path in self.files), loop=False)

    @property
    def shown(self) -> str:
        """What is imported, in a word or two."""
        if not self.files:
            return "demo"
        return self.files[0].name if len(self.files) == 1 else f"{len(self.files)} videos"


def make_import(asked: Options, now_ms: int) -> Import:
    """Check what was typed; raises Refusal with the first thing that cannot be."""
    try:
        check_camera_id(asked.camera)
    except BadCameraId as problem:
        raise Refusal(f"--camera {problem}") from problem
    begin, files = _start(asked.start), tuple(_file(name) for name in asked.files)
    if bool(files) == (asked.demo is not None):
        raise Refusal("name either video files or --demo MINUTES")
    names = [path.name for path in files]
    if len(set(names)) < len(names) or too_long(names):
        raise Refusal("the files need names of their own, and not too many of them: rename them, or import fewer")
    length = _length(files) if asked.demo is None else timedelta(minutes=asked.demo)
    if not timedelta(seconds=1) <= length <= timedelta(days=366):
        raise Refusal(f"an import of {length} is not possible: take a second to a year")
    now, end = moment(now_ms), begin + length
    if end > now:
        raise Refusal(f"--start {asked.start} and {length} end after now: an import lies wholly in the past")
    days = RETENTION_DAYS + -((begin - now) // _DAY)
    if days > MAX_RETENTION_DAYS:
        raise Refusal(
            f"--start {asked.start} is too long ago: recordings are kept for {MAX_RETENTION_DAYS} days at most"
        )
    return Import(asked.camera, begin, end, files, asked.name, _profile(asked.profile), days)


def check_media(wanted: Import, store: MediaStore) -> None:
    """Raises Refusal when the camera has media that is not older than the import."""
    segments = (read_segment_name(wanted.camera, name) for name in store.names(f"{wanted.camera}/hls"))
    archives = (read_archive_name(name) for name in store.names(f"{wanted.camera}/archive"))
    ends = [(index + 1) * 10_000 for index in segments if index is not None]
    ends += [unix_ms(began) + 1 for began in archives if began is not None]
    if ends and max(ends) > unix_ms(wanted.begin):
        until = f"{moment(max(ends)):%Y-%m-%dT%H:%M:%SZ}"
        raise Refusal(f"camera {wanted.camera} is recorded up to {until}: start later, or name another camera")


def _start(text: str) -> datetime:
    try:
        begin = datetime.fromisoformat(text)
    except ValueError:
        begin = None
    if begin is None or begin.tzinfo is None:
        raise Refusal(f"--start {text!r} is no time with a zone: write it as 2026-03-02T09:00:00+09:00")
    return begin


def _file(named: str) -> Path:
    path = Path(os.path.abspath(Path(named).expanduser()))
    if not path.is_file():
        raise Refusal(f"{named!r} is no file: name video files")
    if why := unusable_name(path.name):
        raise Refusal(f"{named!r} cannot be imported: {why}; give it another name")
    return path


def _length(files: Sequence[Path]) -> timedelta:
    """Room for every file: each is rounded up, and the run ends when the last one does."""
    # Imported late: PyAV costs a third of a second.
    from libs.video.duration import NoVideo, seconds_of

    seconds = 0
    for path in files:
        try:
            seconds += math.ceil(seconds_of(path)) + 1
        except NoVideo as problem:
            raise Refusal(f"{path.name} is no video: {problem}") from problem
    return timedelta(seconds=seconds)


def _profile(text: str) -> Profile | None:
    if not text:
        return None
    match = _PROFILE.fullmatch(text)
    try:
        return Profile.model_validate(match.groupdict()) if match else _no_profile(text, "")
    except ValidationError as problem:
        return _no_profile(text, str(problem.errors()[0]["msg"]))


def _no_profile(text: str, why: str) -> Profile:
    raise Refusal(f"--profile {text!r} is not possible ({why or 'no WIDTHxHEIGHT@FPS'}): write it as 640x480@5")
