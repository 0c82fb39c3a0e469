"""What stands where in the data directory of a one-machine site, and how it is written."""

import contextlib
import fcntl
import os
import secrets
import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from time import sleep

from cli.refusal import Refusal
from libs.clock import real

LOG_LIMIT = 20_000_000
_LEFT_BEHIND = 5.0
"""Seconds in which the processes of a `dolbom up` that was killed go away."""


@dataclass(frozen=True, slots=True)
class Site:
    """The data directory (an absolute path)."""

    data: Path

    @classmethod
    def at(cls, named: str) -> "Site":
        """The site whose data directory a person named; raises Refusal for no name at all."""
        if not named:
            raise Refusal("--data (DATA) is empty: name a folder")
        return cls(Path(os.path.abspath(Path(named).expanduser())))

    @property
    def nats(self) -> Path:
        """Configuration, passwords and store of the embedded bus; for its owner alone."""
        return self.data / "nats"

    @property
    def media(self) -> Path:
        """The media store."""
        return self.data / "media"

    @property
    def run(self) -> Path:
        """What is true only while the site runs."""
        return self.data / "run"

    def log(self, name: str) -> Path:
        """The log of a process."""
        return self.data / "log" / f"{name}.log"

    def shown(self, path: Path) -> str:
        """A path as short as it can be typed here."""
        short = os.path.relpath(path)
        return str(path) if short.startswith("..") else short

    def member(self, service: str) -> str:
        """The name of the one replica here: the same after every start."""
        return f"{service}-{sha256(os.fsencode(self.data)).hexdigest()[:4]}"

    def prepare(self) -> None:
        """Make the directories; raises Refusal when that cannot be."""
        try:
            self.data.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not any(self.data.iterdir()):
                # Recordings and passwords never get into a repository by mistake.
                (self.data / ".gitignore").write_text("*\n", encoding="ascii")
            for folder in (self.run, self.data / "log", self.nats):
                folder.mkdir(mode=0o700, exist_ok=True)
            self.nats.chmod(0o700)
            (self.run / "lock").touch(mode=0o600)
        except OSError as problem:
            raise self.unwritable(problem) from problem

    def unwritable(self, problem: OSError) -> Refusal:
        """What a person is told when something cannot be written here."""
        return Refusal(f"DATA {self.shown(self.data)} cannot be written ({problem.strerror}): name another folder")

    @contextlib.contextmanager
    def locked(self) -> Iterator[int]:
        """Nobody else runs on this data inside the block; yields the lock's descriptor. Raises Refusal.

        All processes of a site inherit it: while one that a killed `dolbom up` left behind still writes, no other
        site can be started on the data.
        """
        descriptor = os.open(self.run / "lock", os.O_RDWR | os.O_CLOEXEC)
        try:
            self._lock(descriptor)
            os.truncate(descriptor, 0)
            os.pwrite(descriptor, str(os.getpid()).encode(), 0)
            yield descriptor
        finally:
            os.close(descriptor)

    def _lock(self, descriptor: int) -> None:
        began = real()
        while not _taken(fcntl.flock, descriptor):
            # The other kind of lock is never inherited: it tells whether the first process itself still lives.
            dead = _taken(fcntl.lockf, descriptor)
            if not dead or real() - began > _LEFT_BEHIND:
                raise self._in_use(os.pread(descriptor, 20, 0).decode(errors="replace"), dead)
            sleep(0.05)
        fcntl.lockf(descriptor, fcntl.LOCK_EX)

    def _in_use(self, owner: str, dead: bool) -> Refusal:
        who = f"dolbom up, process {owner}"
        if dead:
            who = f"left from an earlier start: process {' '.join(_holders(self.run / 'lock')) or owner}"
        return Refusal(f"DATA {self.shown(self.data)} is in use ({who}): stop that, or name another folder")

    def password(self, user: str) -> str:
        """The password of a user of the embedded bus, made at the first time."""
        path = self.nats / f"{user}.password"
        with contextlib.suppress(FileNotFoundError):
            if kept := path.read_text(encoding="ascii").strip():
                return kept
        made = secrets.token_hex(16)
        write_private(path, made + "\n")
        return made

    def write_env(self, values: Mapping[str, str]) -> None:
        """What all services are told, so that a person can start one by hand."""
        write_private(self.run / "env", _HEAD + "".join(f"{k}={shlex.quote(v)}\n" for k, v in values.items()))

    def read_env(self) -> dict[str, str]:
        """What the last start told the services; empty when there was none."""
        try:
            words = shlex.split((self.run / "env").read_text(encoding="utf-8"), comments=True)
        except (OSError, ValueError):
            return {}
        return dict(word.split("=", 1) for word in words if "=" in word)


_HEAD = """\
# What `dolbom up` tells every service. To start one by hand, in the folder of the program:
#   set -a; . data/run/env; NATS_USER=encoder NATS_PASSWORD="$(cat data/nats/encoder.password)" \\
#     .venv/bin/python -m services.encoder
"""


def _taken(kind: Callable[[int, int], None], descriptor: int) -> bool:
    """Try to lock; False when somebody else has the lock."""
    try:
        kind(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holders(path: Path) -> list[str]:
    """The other processes that have a file open, where the system tells."""
    found = set()
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        with contextlib.suppress(OSError):
            if os.readlink(link) == str(path):
                found.add(link.parts[2])
    return sorted(found - {str(os.getpid())}, key=int)


def is_alive(pid: str) -> bool:
    """Does a process of this number run?"""
    try:
        os.kill(int(pid), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:
        return True
    return True


def write_private(path: Path, text: str) -> None:
    """Replace a file at once; only its owner can read it."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)
    part.replace(path)


def open_log(path: Path) -> int:
    """A descriptor that appends to a log; a long one is put aside first."""
    with contextlib.suppress(FileNotFoundError):
        if path.stat().st_size > LOG_LIMIT:
            path.replace(path.with_suffix(".log.1"))
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
