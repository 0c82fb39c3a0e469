"""Receives an uploaded film: bounded in size, space, number and time, decoded once before it is believed."""

import asyncio
import contextlib
import hashlib
import json
import os
import shutil
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

from anyio import to_thread
from pydantic import BaseModel, ConfigDict, ValidationError

from libs.media import Incoming, MediaStore, NotMounted, NotThere

AT_ONCE = 2
"""Uploads that are received at a time; every one may wait for the disk and for the probe."""
SILENT_AFTER = 30.0
"""Seconds without a byte after which a sender is given up."""
_PIECE = 1 << 20
_MAX_ANSWER = 1 << 16
_MAY_TAKE = 2.0
"""Seconds that a probe gets to end when it is told to."""


class TooMany(Exception):
    """So many uploads are received already."""


class InProgress(Exception):
    """A file of this name is being received."""


class TooLarge(Exception):
    """The file is larger than an upload may be."""


class NoSpace(Exception):
    """The file would take space that recordings need."""


class TooSlow(Exception):
    """The sender stays silent."""


class NotPlayable(Exception):
    """The file is no film that can be played; the text says why."""


class NoProbe(Exception):
    """Whether it can be played could not be found out."""


class Film(BaseModel):
    """What the probe found (`libs.video.probe`): pictures at the camera's rate, and how long they last."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    frames: int
    seconds: float
    width: int
    height: int
    codec: str
    trouble: str = ""


class Uploads:
    """What is received now. One probe at a time: it has a core to itself that live cameras may need."""

    def __init__(self) -> None:
        self._names: set[tuple[str, str]] = set()
        self._received = 0
        self.probing = asyncio.Lock()

    @contextmanager
    def hold(self, camera_id: str, name: str) -> Iterator[None]:
        """Nobody else touches a file of this name meanwhile. Raises InProgress."""
        if (camera_id, name) in self._names:
            raise InProgress
        self._names.add((camera_id, name))
        try:
            yield
        finally:
            self._names.discard((camera_id, name))

    @contextmanager
    def place(self, camera_id: str, name: str) -> Iterator[str]:
        """A place for one upload, and a name for its `.part`. Raises TooMany or InProgress."""
        with self.hold(camera_id, name):
            if self._received >= AT_ONCE:
                raise TooMany
            self._received += 1
            try:
                yield f"upload-{os.getpid()}-{_short(name)}"
            finally:
                self._received -= 1


def folder_of(camera_id: str) -> str:
    """Where a camera's uploads stand in the media store."""
    return f"{camera_id}/videos"


def sweep(store: MediaStore) -> None:
    """Delete what uploads left that were cut off by the end of a process."""
    for camera_id in store.cameras():
        store.sweep(folder_of(camera_id))


def room_for(store: MediaStore, size: int, reserve: int) -> bool:
    """Do `size` bytes leave recordings the space that they need?"""
    return store.free_bytes() - size >= min(reserve, store.total_bytes() // 10)


async def receive(chunks: AsyncIterator[bytes], file: Incoming, store: MediaStore, most: int, reserve: int) -> None:
    """Write what comes, in pieces, never more than `most` bytes. Raises TooLarge, NoSpace, TooSlow or OSError."""
    held = bytearray()
    while True:
        try:
            chunk = await asyncio.wait_for(anext(chunks, b""), SILENT_AFTER)
        except TimeoutError as problem:
            raise TooSlow from problem
        held += chunk
        if file.size + len(held) > most:
            raise TooLarge
        if len(held) >= _PIECE or (held and not chunk):
            if not room_for(store, len(held), reserve):
                raise NoSpace
            await to_thread.run_sync(file.write, bytes(held))
            held.clear()
        if not chunk:
            return


async def probe(path: Path, fps: int) -> Film:
    """Decode it once, in a process of its own. Raises NotPlayable or NoProbe."""
    guard = shutil.which("setpriv")
    died_with_us = [guard, "--pdeathsig", "KILL", "--"] if guard else []
    process = await asyncio.create_subprocess_exec(
        *died_with_us, sys.executable, "-m", "libs.video.probe", "--fps", str(fps), str(path),
        stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL,
    )  # fmt: skip
    try:
        said, _ = await process.communicate()
    finally:
        await _end(process)
    return _film(process.returncode, said[:_MAX_ANSWER])


def _film(status: int | None, said: bytes) -> Film:
    try:
        if status == 0:
            return Film.model_validate_json(said)
        answer = json.loads(said)
    except (ValueError, ValidationError) as problem:
        raise NoProbe(f"the probe ended with status {status}") from problem
    if status == 1:
        raise NotPlayable(str(answer["reason"]))
    raise NoProbe(str(answer.get("reason", "")))


async def _end(process: Process) -> None:
    """However we leave, no probe (and no child of it) stays behind."""
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        await asyncio.wait_for(asyncio.shield(process.wait()), _MAY_TAKE)
    except TimeoutError:
        process.kill()


def remember(store: MediaStore, camera_id: str, name: str, film: Film) -> None:
    """Keep what the probe found beside the file."""
    store.replace(folder_of(camera_id), _note(name), film.model_dump_json().encode(), "query")


def recall(store: MediaStore, camera_id: str, name: str) -> Film | None:
    """What the probe found when it was uploaded; None for a file that did not come that way."""
    try:
        return Film.model_validate_json(store.read(folder_of(camera_id), _note(name)))
    except (NotThere, NotMounted, ValidationError):
        return None


def forget(store: MediaStore, camera_id: str, name: str) -> None:
    """Delete an upload and what is known of it. A child that plays it keeps it open to its end."""
    store.delete(folder_of(camera_id), (name, _note(name)))


def forget_note(store: MediaStore, camera_id: str, name: str) -> None:
    """Delete what is known of an upload, not the file."""
    store.delete(folder_of(camera_id), (_note(name),))


def _note(name: str) -> str:
    return f"{_short(name)}.json"


def _short(name: str) -> str:
    """Any name, short enough to stand in another."""
    return hashlib.sha256(name.encode()).hexdigest()[:24]
