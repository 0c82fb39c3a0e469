"""What a camera's queue of files becomes by an upload, a deletion or a new order. Pure."""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence

from libs.contracts.cameras import VIDEO_SUFFIXES, plain_file_name, too_long
from libs.contracts.facts import CameraConfig, CameraUpdated, Source
from services.query.domain import Known, Planned

MAX_NAME_BYTES = 240
"""As file systems count; they take 255."""


class BadName(ValueError):
    """No file of a queue can have this name."""


class NoFilm(ValueError):
    """A file of this name is no film."""


class NoSuchFile(LookupError):
    """The queue holds no file of this name."""


class NameTaken(ValueError):
    """The queue holds a file of this name."""


class OtherFiles(ValueError):
    """The order that is asked for is of other files than the queue holds."""


class QueueFull(ValueError):
    """One more name does not go into the fact that tells the queue."""


def upload_name(name: str) -> str:
    """The name under which an upload is kept, composed (NFC). Raises BadName or NoFilm."""
    try:
        composed = plain_file_name(name)
    except ValueError as problem:
        raise BadName(str(problem)) from problem
    if len(composed.encode(errors="replace")) > MAX_NAME_BYTES:
        raise BadName(f"the name is longer than {MAX_NAME_BYTES} bytes")
    stem, dot, suffix = composed.rpartition(".")
    if not (stem and dot and suffix.casefold() in VIDEO_SUFFIXES):
        raise NoFilm(f"the name must end in one of {' '.join(sorted(VIDEO_SUFFIXES))}")
    return composed


def files_of(config: CameraConfig) -> tuple[str, ...]:
    """The files of a camera's queue, in order; none of a camera that plays no files."""
    return config.source.files if config.source.kind == "files" else ()


def find(files: Iterable[str], name: str) -> str | None:
    """The name as it stands in the queue, however its Hangul is composed."""
    return next((file for file in files if _same(file) == _same(name)), None)


def added(known: Known, config: CameraConfig, name: str, request: str) -> Planned:
    """An upload goes to the end of the queue; a camera that showed the demo plays files from then on."""
    files = files_of(config)
    if find(files, name) is not None:
        raise NameTaken(name)
    if too_long((*files, name)):
        raise QueueFull(name)
    loop = config.source.loop if config.source.kind == "files" else True
    return _updated(known, config, (*files, name), loop, request)


def removed(known: Known, config: CameraConfig, name: str, request: str) -> Planned:
    """The queue without a file, wherever it stands in it; it may become empty."""
    stands = find(files_of(config), name)
    if stands is None:
        raise NoSuchFile(name)
    rest = tuple(file for file in files_of(config) if file != stands)
    return _updated(known, config, rest, config.source.loop, request)


def ordered(known: Known, config: CameraConfig, wished: Sequence[str], loop: bool, request: str) -> Planned | None:
    """The same files in another order; None when they stand so already."""
    files = files_of(config)
    names = [find(files, name) for name in wished]
    if None in names:
        raise NoSuchFile(wished[names.index(None)])
    order = tuple(name for name in names if name is not None)
    if Counter(order) != Counter(files):
        raise OtherFiles
    if (order, loop) == (files, config.source.loop):
        return None
    return _updated(known, config, order, loop, request)


def _updated(known: Known, config: CameraConfig, files: tuple[str, ...], loop: bool, request: str) -> Planned:
    source = Source(kind="files", files=files, loop=loop)
    changed = config.model_copy(update={"source": source})
    data = CameraUpdated.model_validate({**changed.model_dump(), "revision": known.camera.revision + 1})
    return Planned(known.camera.id, data, request, known.last)


def _same(name: str) -> str:
    return unicodedata.normalize("NFC", name)
