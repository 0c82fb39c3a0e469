"""Seconds of video that wait for the bus, on disk: a crash of ingest during an outage costs none of them.

One file a message, named so that their order is the order of names. Nothing is written while the bus is there.
"""

import json
from pathlib import Path

from prometheus_client import Counter

from libs.contracts.frames import FrameError, VideoMessage, read_video
from libs.observe import get_log

log = get_log()
_unwritten = Counter("dolbom_backlog_unwritten_total", "Seconds of video that could not be kept on disk", ["camera"])
_SUFFIX = ".second"


class Backlog:
    """The waiting messages of one camera; `folder` None keeps nothing."""

    def __init__(self, folder: Path | None, camera: str) -> None:
        self._folder = folder / camera if folder else None
        self._camera = camera
        self._kept: set[str] = set()

    def keep(self, message: VideoMessage) -> None:
        """Write it down, once. A full disk is told and costs only the safety."""
        name = _name(message)
        if self._folder is None or name in self._kept:
            return
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            part = self._folder / f".{name}.part"
            part.write_bytes(json.dumps(message.headers()).encode() + b"\n" + message.payload())
            part.replace(self._folder / name)
        except OSError as problem:
            _unwritten.labels(self._camera).inc()
            log.error("backlog_unwritten", camera_id=self._camera, reason=problem.strerror)
        else:
            self._kept.add(name)

    def forget(self, message: VideoMessage) -> None:
        """It was stored, or given up."""
        name = _name(message)
        if self._folder is not None and name in self._kept:
            self._kept.discard(name)
            (self._folder / name).unlink(missing_ok=True)

    def load(self) -> list[VideoMessage]:
        """What a process before this one left, oldest first."""
        found: list[VideoMessage] = []
        if self._folder is None or not self._folder.is_dir():
            return found
        for path in sorted(self._folder.iterdir()):
            if path.suffix != _SUFFIX:
                path.unlink(missing_ok=True)
                continue
            head, _, payload = path.read_bytes().partition(b"\n")
            try:
                found.append(read_video(self._camera, json.loads(head), payload))
            except (FrameError, ValueError) as problem:
                log.error("backlog_unreadable", camera_id=self._camera, name=path.name, reason=str(problem))
                path.unlink(missing_ok=True)
            else:
                self._kept.add(path.name)
        return found


def _name(message: VideoMessage) -> str:
    return f"{message.epoch:020d}-{message.first_slot:020d}{_SUFFIX}"
