"""The pictures of one FFmpeg child, one `read` each."""

import subprocess
from collections.abc import Callable
from pathlib import Path

from libs.contracts.facts import Profile
from libs.video.child import SILENT_AFTER, CaptureEnded, Child
from libs.video.command import Spawn, command, start_child
from libs.video.picture import Picture, blank

__all__ = ["SILENT_AFTER", "Capture", "CaptureEnded", "Spawn", "command", "start_child"]
_MAX_VECTORS = 1024


class Capture:
    """Pictures of one child, one `read` each."""

    def __init__(
        self,
        child: "subprocess.Popen[bytes]",
        profile: Profile,
        path: Path,
        again: Callable[[], "subprocess.Popen[bytes]"] | None = None,
    ) -> None:
        """`again` starts the child anew, for a film larger than Full HD (`command(…, large=True)`)."""
        self._child, self._profile = Child(child, path, again), profile

    @property
    def seconds(self) -> float | None:
        """How long the film is by its container's word; None until the child has read that, or if it does not say."""
        return self._child.words.seconds

    def ready(self, wait: float) -> bool:
        """Is the next picture coming, or the end? Waits up to `wait` real seconds; may raise CaptureEnded."""
        return self._child.ready(wait)

    def read(self) -> Picture:
        """The next picture; raises CaptureEnded at the end, after an error, or after too long a silence."""
        picture = blank(self._profile.width, self._profile.height)
        rows = _vectors(picture)
        while rows:
            got = self._child.read(rows[:_MAX_VECTORS])
            done = 0
            while done < len(rows) and got >= len(rows[done]):
                got -= len(rows[done])
                done += 1
            del rows[:done]
            if got:
                rows[0] = rows[0][got:]
        self._child.gave_picture()
        return picture

    def close(self) -> None:
        """Kill the child's whole group and take its end."""
        self._child.close()


def _vectors(picture: Picture) -> list[memoryview]:
    """The frame's memory in the order of the pipe: a plane at once, or line by line where lines have padding."""
    vectors: list[memoryview] = []
    for plane in picture.planes:
        memory = memoryview(plane).cast("B")
        if plane.line_size == plane.width:
            vectors.append(memory[: plane.width * plane.height])
        else:
            starts = range(0, plane.height * plane.line_size, plane.line_size)
            vectors += [memory[start : start + plane.width] for start in starts]
    return vectors
