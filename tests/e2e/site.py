"""A whole site started as a person starts it (`make run`), watched from outside, and hurt on purpose."""

import json
import os
import queue
import re
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
REPORT = ROOT / "build" / "e2e" / "report.txt"
SERVICES = ("ingest", "encoder", "detector", "analyzer", "query")
HLS = "/api/live-monitoring/hls/camera-1"
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Answer:
    """What an HTTP request got."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


@dataclass
class Site:
    """One `make run`."""

    data: Path
    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)
    url: str = ""
    url_at: float = 0.0
    started_at: float = field(default_factory=time.monotonic)
    _news: "queue.Queue[str]" = field(default_factory=queue.Queue)

    def read(self) -> None:
        """Collect stdout in the background."""

        def collect() -> None:
            assert self.process.stdout is not None
            with self.process.stdout as lines:
                for line in lines:
                    found = re.search(r"https?://\S+", line)
                    if found and not self.url:
                        self.url_at, self.url = time.monotonic(), found[0].rstrip("/")
                    self.lines.append(line.rstrip("\n"))

        threading.Thread(target=collect, daemon=True).start()

    def get(self, path: str, headers: dict[str, str] | None = None, method: str = "GET") -> Answer:
        """One request; every status is an answer."""
        request = urllib.request.Request(self.url + path, headers=headers or {}, method=method)  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=5) as response:  # noqa: S310
                return Answer(response.status, _lower(response.headers.items()), response.read())
        except urllib.error.HTTPError as problem:
            return Answer(problem.code, _lower(problem.headers.items()), problem.read())

    def pid(self, service: str) -> int:
        """The process of a service, from DATA/run."""
        return int(json.loads((self.data / "run" / f"{service}.json").read_text(encoding="utf-8"))["pid"])

    def nats_pid(self) -> int:
        """The embedded server: the one process that has our NATS configuration in its command line."""
        return next(pid for pid in family(self.process.pid) if "nats-server" in command_line(pid)[0])

    def bus_lives(self) -> bool:
        """Does the embedded server run?"""
        return any("nats-server" in command_line(pid)[0] and alive(pid) for pid in family(self.process.pid))

    def kill(self, service: str) -> int:
        """`kill -9` of a service, as soon as it lives; returns the pid that died."""
        wait_for(lambda: alive(self.pid(service)), 15, f"{service} to live")
        pid = self.pid(service)
        os.kill(pid, signal.SIGKILL)
        return pid

    def log(self, service: str) -> str:
        """What a service wrote."""
        return (self.data / "log" / f"{service}.log").read_text(encoding="utf-8")

    def cpu_seconds(self) -> dict[str, float]:
        """User and system time so far of each service (its living children included) and of the bus."""
        spent = {name: sum(_cpu(pid) for pid in family(self.pid(name))) for name in SERVICES}
        return spent | {"nats-server": _cpu(self.nats_pid())}

    def interrupt(self) -> float:
        """Ctrl-C in the terminal; returns the seconds until everything had gone."""
        began, members = time.monotonic(), family(self.process.pid)
        os.killpg(self.process.pid, signal.SIGINT)
        self.process.wait(timeout=20)
        wait_for(lambda: not [pid for pid in members if alive(pid)], 10, "all processes to go")
        return time.monotonic() - began


def _lower(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers}


def start_site(data: Path, named: dict[str, str] | None = None, /, **options: str) -> Site:
    """`make run` in a terminal's own process group, with more environment if `named`; returns at once."""
    words = [f"{name}={value}" for name, value in {"DATA": str(data), **options}.items()]
    outer = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES")
    environment = {name: value for name, value in os.environ.items() if name not in outer} | (named or {})
    process = subprocess.Popen(
        ["make", "run", *words], cwd=ROOT, env=environment, text=True, start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    site = Site(data, process)
    site.read()
    return site


def tell(text: str) -> None:
    """A measured figure, for the reader of the run and for `build/e2e/report.txt`."""
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    with REPORT.open("a", encoding="utf-8") as report:
        report.write(f"{text}\n")
    print(text)


def wait_for(done: Callable[[], object], seconds: float, what: str) -> float:
    """Poll until `done` is true; returns how long it took."""
    began = time.monotonic()
    while not done():
        assert time.monotonic() - began < seconds, f"waited {seconds:g} s for {what}"
        time.sleep(0.05)
    return time.monotonic() - began


def family(pid: int) -> list[int]:
    """A process and all its living descendants."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[1])
            except (FileNotFoundError, ProcessLookupError):
                continue
            children.setdefault(parent, []).append(int(entry.name))
    found, waiting = [], [pid]
    while waiting:
        found.append(waiting.pop())
        waiting += children.get(found[-1], [])
    return found


def alive(pid: int) -> bool:
    """Does the process run (a zombie does not)?"""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def command_line(pid: int) -> list[str]:
    """The arguments of a process; `[""]` when it has gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
    except (FileNotFoundError, ProcessLookupError):
        return [""]


def _cpu(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return (int(fields[11]) + int(fields[12])) / _TICKS
