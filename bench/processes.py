"""CPU time and memory of a process and all its descendants, from /proc.

The time of children that ended is in their parent's account as soon as it took their end, so nothing is lost. A figure
is cut to 10 ms for each process.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Process:
    """What /proc tells of a process. Seconds of CPU: its own, and that of its children that ended."""

    pid: int
    parent: int
    name: str
    own: float
    children: float


def tree(roots: Iterable[int]) -> dict[int, Process]:
    """The living processes of these trees."""
    all_of_them = {process.pid: process for process in _everything()}
    below: dict[int, list[int]] = {}
    for process in all_of_them.values():
        below.setdefault(process.parent, []).append(process.pid)
    found: dict[int, Process] = {}
    waiting = list(roots)
    while waiting:
        pid = waiting.pop()
        waiting += below.get(pid, [])
        if pid in all_of_them:
            found[pid] = all_of_them[pid]
    return found


def cpu_by_part(processes: dict[int, Process]) -> dict[str, float]:
    """Seconds of CPU so far, by what a process is."""
    parts: dict[str, float] = {}
    for process in processes.values():
        part = _part(process)
        parts[part] = parts.get(part, 0.0) + process.own + process.children
    return parts


def memory_by_part(processes: dict[int, Process]) -> dict[str, int]:
    """Bytes of memory (PSS: what is shared is counted once, in shares), by what a process is."""
    parts: dict[str, int] = {}
    for process in processes.values():
        part = _part(process)
        parts[part] = parts.get(part, 0) + _pss(process.pid)
    return parts


def _everything() -> Iterable[Process]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                text = (entry / "stat").read_text(encoding="utf-8", errors="replace")
            except OSError:
                continue
            name, rest = text[text.index("(") + 1 : text.rindex(")")], text.rsplit(")", 1)[1].split()
            user, system, user_of_ended, system_of_ended = (int(ticks) / _TICKS for ticks in rest[11:15])
            yield Process(int(entry.name), int(rest[1]), name, user + system, user_of_ended + system_of_ended)


def _part(process: Process) -> str:
    """`ingest`, `encoder`, … for our services; else the program's name."""
    try:
        words = Path(f"/proc/{process.pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return process.name
    service = next((word for word in words if word.startswith("services.")), "")
    return service.removeprefix("services.") or process.name


def _pss(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
