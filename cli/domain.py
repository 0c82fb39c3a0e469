"""Decisions of the `dolbom` command: which videos, which port, when to start again, what that is called. Pure."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address

from cli.said import line
from libs.contracts.cameras import MAX_FILE_NAME, VIDEO_SUFFIXES
from libs.contracts.streams import MIN_SERVER

PORTS_TRIED = 50
NEEDED_SERVER = ".".join(map(str, MIN_SERVER))
_DIGITS = re.compile(r"([0-9]+)")


def natural_key(name: str) -> tuple[list[tuple[int, int, str]], str]:
    """Sorts as people count: `part 2` before `part 10`, whatever the case and however Hangul is composed."""
    text = unicodedata.normalize("NFC", name).casefold()
    parts = [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in _DIGITS.split(text) if part]
    return parts, name


def is_video(name: str) -> bool:
    """Is a file of this name part of a folder's queue? Hidden files are not."""
    stem, dot, suffix = name.rpartition(".")
    return bool(dot and stem) and not name.startswith(".") and suffix.casefold() in VIDEO_SUFFIXES


def queue(names: Iterable[str]) -> list[str]:
    """The videos among these names, in the order in which they are played."""
    return sorted(filter(is_video, names), key=natural_key)


def unusable_name(name: str) -> str | None:
    """Why a file of this name cannot be played, or None."""
    if not name.isprintable():
        return "its name holds characters that cannot be written"
    if name.startswith("."):
        return "its name begins with a dot"
    return f"its name is longer than {MAX_FILE_NAME} characters" if len(name) > MAX_FILE_NAME else None


def is_loopback(host: str) -> bool:
    """Can only this machine reach `host`?"""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def ports(wished: int) -> Iterable[int]:
    """The ports to try, in order; 0 lets the system choose."""
    return range(wished, min(wished + PORTS_TRIED, 65_535) + 1) if wished else (0,)


def too_old(version: str) -> bool:
    """Is a nats-server of this version older than what is needed? One that cannot be read is not refused for it."""
    numbers = re.match(r"v?([0-9]+)\.([0-9]+)", version)
    return numbers is not None and (int(numbers[1]), int(numbers[2])) < MIN_SERVER


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long to wait before a process that ended is started again; in seconds."""

    first: float
    longest: float
    settled_after: float = 3.0

    def after(self, lived: float, before: float | None) -> float:
        """The pause after a life of `lived`; `before` is the pause before that life, None for the first one."""
        if before is None or lived >= self.settled_after:
            return self.first
        return min(before * 2, self.longest)


SERVICE_BACKOFF = Backoff(first=0.5, longest=30.0)
BUS_BACKOFF = Backoff(first=0.2, longest=5.0)
AT_ONCE = 1.0
"""A pause up to this is not worth a word."""


def ended(name: str, code: int, pause: float, log: str) -> str:
    """What is said when a process ended by itself and is started again."""
    how = f"killed by signal {-code}" if code < 0 else f"exit status {code}"
    if pause <= AT_ONCE:
        return f"{name} ended ({how}); started again"
    return f"{name} ended ({how}); starting again in {pause:g} s, its log is {log}"


def bus_line(host: str, port: int, password: str | None, kept_in: str) -> str:
    """How to listen to the bus; without its password where the line may be kept (a pipe, a file)."""
    hint = "" if password else f"  (password: {kept_in})"
    return line("✔", "bus", f"nats -s nats://observer:{password or '…'}@{host}:{port} sub 'event.>'{hint}")
