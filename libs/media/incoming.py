"""A large file that somebody sends: written piece by piece, looked at, then given its name or given up."""

import os
from pathlib import Path
from typing import Literal


class Incoming:
    """A `.part` in a folder of the store; made by `MediaStore.incoming`, which deletes it at the end."""

    def __init__(self, directory: int, part: str, path: Path) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        self._directory, self._part = directory, part
        self._file = os.fdopen(os.open(part, flags, 0o640, dir_fd=directory), "wb", buffering=0)
        self.path = path
        """Where it can be read meanwhile."""
        self.size = 0

    def write(self, data: bytes) -> None:
        """Append; raises OSError."""
        rest = memoryview(data)
        while rest:
            rest = rest[self._file.write(rest) :]
        self.size += len(data)

    def keep(self, name: str) -> Literal["written", "stands"]:
        """Give it its name for ever, safely on disk; `stands`: another file has that name."""
        os.fsync(self._file.fileno())
        try:
            os.link(self._part, name, src_dir_fd=self._directory, dst_dir_fd=self._directory, follow_symlinks=False)
        except FileExistsError:
            return "stands"
        os.fsync(self._directory)
        return "written"

    def close(self) -> None:
        """Give back what it holds."""
        self._file.close()
