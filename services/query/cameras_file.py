"""Reads `cameras.yaml`: entries as they will be registered, or one line that names the entry and the field."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

import yaml  # type: ignore[import-untyped,unused-ignore]
from pydantic import AfterValidator, BaseModel, Field, ValidationError, model_validator

from libs.contracts.cameras import plain_file_name
from libs.contracts.facts import CameraConfig, Source
from libs.contracts.ids import check_camera_id
from services.query.days import known_zone
from services.query.domain import Entry

MAX_BYTES = 1 << 20


class BadCameras(ValueError):
    """The file cannot be used; the text names entry and field."""


def _plain_name(name: str) -> str:
    """A file of the camera's queue is named, never reached by a path."""
    plain_file_name(name)
    return name  # as it was written, for so it may stand in the folder


class _Queue(Source):
    files: tuple[Annotated[str, AfterValidator(_plain_name)], ...] = ()

    @model_validator(mode="after")
    def _fits(self) -> "_Queue":
        if self.kind == "files" and not self.files:
            raise ValueError("kind files needs a list of files")
        if self.kind == "demo" and self.files:
            raise ValueError("kind demo takes no files")
        return self


class _Written(CameraConfig):
    id: Annotated[str, AfterValidator(check_camera_id)]
    room: str = Field(default="", max_length=100)
    time_zone: Annotated[str, AfterValidator(known_zone)] = "Asia/Seoul"
    source: _Queue = _Queue()


def read_cameras(path: Path) -> list[Entry]:
    """The entries of the file, in its order. Raises BadCameras."""
    try:
        text = path.read_bytes()[: MAX_BYTES + 1]
    except OSError as problem:
        raise BadCameras(f"{path.name} cannot be read: {problem.strerror}") from problem
    if len(text) > MAX_BYTES:
        raise BadCameras(f"{path.name} is larger than {MAX_BYTES} bytes")
    try:
        return parse_cameras(text.decode())
    except UnicodeDecodeError as problem:
        raise BadCameras(f"{path.name} is not UTF-8") from problem
    except BadCameras as problem:
        raise BadCameras(f"{path.name}: {problem}") from problem


def parse_cameras(text: str) -> list[Entry]:
    """The entries of the text. Raises BadCameras."""
    try:
        raw: object = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as problem:
        mark = getattr(problem, "problem_mark", None)
        raise BadCameras(f"line {mark.line + 1} is no YAML" if mark else "it is no YAML") from problem
    if raw is None:
        return []
    if not isinstance(raw, list):
        raise BadCameras("it must be a list of cameras (lines that begin with '- id: …')")
    entries = [_entry(number, item) for number, item in enumerate(raw, 1)]
    for number, entry in enumerate(entries, 1):
        if any(entry.id == other.id for other in entries[: number - 1]):
            raise BadCameras(f"entry {number} ({entry.id}): id: it stands twice")
    return entries


def _entry(number: int, raw: object) -> Entry:
    if not isinstance(raw, Mapping):
        raise BadCameras(f"entry {number}: it must have fields (id, name, …)")
    where = f"entry {number} ({str(raw.get('id'))[:40]})" if "id" in raw else f"entry {number}"
    for field in _unknown_fields(_Written, raw):
        raise BadCameras(f"{where}: {field}: there is no such field")
    try:
        written = _Written.model_validate(raw)
    except ValidationError as problem:
        first = problem.errors(include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        raise BadCameras(f"{where}: {field}: {first['msg'].removeprefix('Value error, ')}") from problem
    return Entry(written.id, CameraConfig.model_validate(written.model_dump(exclude={"id"})))


def _unknown_fields(shape: type[BaseModel], raw: Mapping[object, object], prefix: str = "") -> Iterator[str]:
    """Fields that are misspelt would be left out without a word."""
    for name, value in raw.items():
        field = shape.model_fields.get(str(name))
        if field is None:
            yield f"{prefix}{str(name)[:40]}"
        elif isinstance(value, Mapping) and (inner := _model(field.annotation)):
            yield from _unknown_fields(inner, value, f"{prefix}{name}.")


def _model(annotation: object) -> type[BaseModel] | None:
    """The model in `Looks` or `Consent | None`."""
    for kind in (annotation, *getattr(annotation, "__args__", ())):
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return kind
    return None
