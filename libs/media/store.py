"""A directory tree of media. Closed files are never replaced; a crash leaves a whole file or none.

Writing: `.part` → fsync → `link()` to the name → fsync of the directory. Whoever comes second adopts what stands.
Reading: every step is opened relative to the one before and without following links, so no name leads outside.
"""

import contextlib
import errno
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from io import BufferedReader
from pathlib import Path
from typing import Literal, TypeVar

from libs.media.incoming import Incoming

MARKER = ".dolbom-media"
_PART = ".part"
_MAX_NAME = 200
_ABSENT = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENXIO, errno.ENAMETOOLONG)
"""A name that leads nowhere or to no plain file; anything else is trouble with the disk and no answer."""
_NO_SPACE = (errno.ENOSPC, errno.EDQUOT)


T = TypeVar("T")
Written = Literal["written", "stands"]
"""`stands`: somebody else had given the name its content."""


class MediaError(Exception):
    """Media could not be read or written."""


class NotMounted(MediaError):
    """The store has no marker: it is not there, which is not the same as empty."""


class NotThere(MediaError):
    """No such file in the store (or it is no plain file)."""


class BadKey(MediaError):
    """The key could lead outside the store."""


@dataclass(slots=True)
class MediaFile:
    """An open media file; close it by closing `stream`. Sizes in bytes."""

    stream: BufferedReader
    size: int
    modified_ns: int


@dataclass(frozen=True, slots=True)
class Deleted:
    """What became of files that should go: how many went and how large they were, and which stayed and why."""

    files: int = 0
    bytes: int = 0
    kept: dict[str, str] = field(default_factory=dict)


def prepare_store(root: Path) -> None:
    """Make an empty directory a media store. Raises NotMounted for a directory that holds something else."""
    root.mkdir(parents=True, exist_ok=True)
    if (root / MARKER).exists():
        return
    if any(root.iterdir()):
        raise NotMounted(f"{root.name} is not empty and has no {MARKER}: it is no media store (wrong volume?)")
    (root / MARKER).write_text("dolbom media store, form 1\n", encoding="ascii")


class MediaStore:
    """The media of a site on a file system."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.refused = 0
        """Writes that failed for lack of space."""

    @classmethod
    def open(cls, url: str) -> "MediaStore":
        """The store at `file://…` or at a path. Raises NotMounted without its marker, BadKey for another scheme."""
        if "://" in url and not url.startswith("file://"):
            raise BadKey(f"MEDIA_URL scheme {url.split('://')[0]!r} is not known: take a directory")
        store = cls(Path(url.removeprefix("file://")))
        store.check()
        return store

    def check(self) -> None:
        """Raise NotMounted when the marker is missing."""
        if not (self._root / MARKER).is_file():
            raise NotMounted(f"the media store has no {MARKER}: is the volume mounted?")

    def write_once(self, folder: str, name: str, data: bytes, writer: str) -> Written:
        """Give `name` its content for ever; `stands` when somebody else did already. `writer` names the `.part`."""
        with self._folder(folder, make=True) as directory:
            part = f"{_checked(name)}.{_checked(writer)}{_PART}"
            try:
                self._write(directory, part, data)
                os.link(part, name, src_dir_fd=directory, dst_dir_fd=directory)
            except FileExistsError:
                return "stands"
            finally:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(part, dir_fd=directory)
            os.fsync(directory)
            return "written"

    def make_once(self, folder: str, name: str, make: Callable[[Path], T], writer: str) -> tuple[Written, T]:
        """The same for a large file: `make` writes it at the path it is given, and its result is returned."""
        with self._folder(folder, make=True) as directory:
            part = f"{_checked(name)}.{_checked(writer)}{_PART}"
            try:
                result = make(self._root / folder / part)
                _sync(directory, part)
                os.link(part, name, src_dir_fd=directory, dst_dir_fd=directory)
            except FileExistsError:
                return "stands", result
            finally:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(part, dir_fd=directory)
            os.fsync(directory)
            return "written", result

    @contextlib.contextmanager
    def incoming(self, folder: str, writer: str) -> Iterator[Incoming]:
        """A file that comes piece by piece; what was not kept is deleted at the end. Raises OSError, NotMounted."""
        with self._folder(folder, make=True) as directory:
            part = f"{_checked(writer)}{_PART}"
            file = Incoming(directory, part, self._root / folder / part)
            try:
                yield file
            finally:
                file.close()
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(part, dir_fd=directory)

    def delete(self, folder: str, names: Iterable[str]) -> Deleted:
        """Delete files; one that is not there is no failure. Raises NotMounted without the marker."""
        self.check()
        files, size, kept = 0, 0, dict[str, str]()
        try:
            with self._folder(folder) as directory:
                for name in names:
                    try:
                        found = os.stat(_checked(name), dir_fd=directory, follow_symlinks=False)
                        os.unlink(name, dir_fd=directory)
                    except FileNotFoundError:
                        continue
                    except OSError as problem:
                        kept[name] = problem.strerror or type(problem).__name__
                    else:
                        files, size = files + 1, size + found.st_size
                os.fsync(directory)
        except NotThere:
            self.check()
        return Deleted(files, size, kept)

    def free_bytes(self) -> int:
        """Space left for us on the volume."""
        found = os.statvfs(self._root)
        return found.f_bavail * found.f_frsize

    def total_bytes(self) -> int:
        """Size of the volume."""
        found = os.statvfs(self._root)
        return found.f_blocks * found.f_frsize

    def replace(self, folder: str, name: str, data: bytes, writer: str) -> None:
        """Give `name` new content at once (playlists); readers see the old or the new, never a mixture."""
        with self._folder(folder, make=True) as directory:
            part = f"{_checked(name)}.{_checked(writer)}{_PART}"
            try:
                self._write(directory, part, data)
                os.rename(part, name, src_dir_fd=directory, dst_dir_fd=directory)
            except OSError:
                with contextlib.suppress(OSError):
                    os.unlink(part, dir_fd=directory)
                raise
            os.fsync(directory)

    def read(self, folder: str, name: str) -> bytes:
        """The whole content; raises NotThere."""
        with contextlib.closing(self.open_file(folder, name).stream) as stream:
            return stream.read()

    def open_file(self, folder: str, name: str) -> MediaFile:
        """Open a plain file for reading; raises NotThere for anything else, links and devices included."""
        with self._folder(folder) as directory:
            try:
                flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
                descriptor = os.open(_checked(name), flags, dir_fd=directory)
            except OSError as problem:
                if problem.errno not in _ABSENT:
                    raise
                raise NotThere(name) from problem
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            os.close(descriptor)
            raise NotThere(name)
        return MediaFile(os.fdopen(descriptor, "rb"), found.st_size, found.st_mtime_ns)

    def names(self, folder: str) -> list[str]:
        """Names of the finished files of a folder, unsorted; none when the folder is not there."""
        try:
            with self._folder(folder) as directory:
                return [name for name in os.listdir(directory) if not name.endswith(_PART)]
        except NotThere:
            self.check()
            return []

    def cameras(self) -> list[str]:
        """Names of the folders at the top, one a camera."""
        return [entry.name for entry in os.scandir(self._root) if entry.is_dir(follow_symlinks=False)]

    def sweep(self, folder: str) -> int:
        """Delete what a crash left half-written; returns how many files that were."""
        try:
            with self._folder(folder) as directory:
                left = [name for name in os.listdir(directory) if name.endswith(_PART)]
                for name in left:
                    with contextlib.suppress(FileNotFoundError):
                        os.unlink(name, dir_fd=directory)
                return len(left)
        except NotThere:
            return 0

    def _write(self, directory: int, name: str, data: bytes) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        with os.fdopen(os.open(name, flags, 0o640, dir_fd=directory), "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())

    @contextlib.contextmanager
    def _folder(self, folder: str, *, make: bool = False) -> Iterator[int]:
        """A descriptor of `camera/hls`; raises NotThere, or NotMounted when it should be made without a marker."""
        if make:
            self.check()
        try:
            directory = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as problem:
            raise NotMounted("the media store is not there") from problem
        try:
            for step in folder.split("/"):
                directory = _enter(directory, _checked(step), make)
            yield directory
        except OSError as problem:
            self.refused += problem.errno in _NO_SPACE
            raise
        finally:
            os.close(directory)


def _enter(directory: int, step: str, make: bool) -> int:
    """Exchange the descriptor of a directory for that of a directory in it."""
    if make:
        with contextlib.suppress(FileExistsError):
            os.mkdir(step, 0o750, dir_fd=directory)
    try:
        inner = os.open(step, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=directory)
    except OSError as problem:
        if problem.errno not in _ABSENT:
            raise
        raise NotThere(step) from problem
    os.close(directory)
    return inner


def _sync(directory: int, name: str) -> None:
    descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=directory)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _checked(name: str) -> str:
    """One step of a path: not empty, no way up, nothing hidden, no separators or control characters."""
    good = 0 < len(name) <= _MAX_NAME and not name.startswith(".") and "/" not in name and name.isprintable()
    if not good:
        raise BadKey(f"{name[:40]!r} is no name in the media store")
    return name
