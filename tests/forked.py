"""Services as processes of a test's own, without paying for their imports each time.

For each module one process imports it and waits; asked for, it forks, and the child runs the module's `main` in its own
environment. So a service starts in a hundredth of a second of CPU and not in two. All else is as if it was started.
"""

import atexit
import gc
import importlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from threading import Lock

ROOT = Path(__file__).parents[1]


class Forked:
    """A process, to be handled as one of `subprocess` is."""

    def __init__(self, parent: "_Parent", pid: int) -> None:
        self._parent, self.pid = parent, pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """How it ended; None while it runs."""
        if self.returncode is None:
            self.returncode = self._parent.ask(pid=self.pid)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Raises subprocess.TimeoutExpired."""
        end = None if timeout is None else time.monotonic() + timeout
        while (code := self.poll()) is None:
            if end is not None and time.monotonic() > end:
                raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0)
            time.sleep(0.005)
        return code

    def send_signal(self, number: int) -> None:
        """Nothing to do for one that ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL."""
        self.send_signal(signal.SIGKILL)


def start(module: str, environment: Mapping[str, str], log: Path, *words: str, also: str = "") -> Forked:
    """Start `python -m <module> <words>` in the project's folder; what it says is added to `log`.

    `also`: a module that the program imports only when it needs it.
    """
    parent = _parent(module, also)
    pid = parent.ask(environment=dict(environment), log=str(log), words=words)
    assert pid is not None
    return Forked(parent, pid)


class _Parent:
    """The process that forks: one question at a time."""

    def __init__(self, module: str, also: str) -> None:
        here, there = socket.socketpair()
        with there:
            words = [sys.executable, "-m", "tests.forked", str(there.fileno()), module, also]
            self._process = subprocess.Popen(words, cwd=ROOT, pass_fds=[there.fileno()])
        with here:
            self._lines, self._turn = here.makefile("rw", encoding="utf-8"), Lock()
        atexit.register(self._end)

    def ask(self, **question: object) -> int | None:
        with self._turn:
            self._lines.write(f"{json.dumps(question)}\n")
            self._lines.flush()
            answer: int | None = json.loads(self._lines.readline())
            return answer

    def _end(self) -> None:
        self._lines.close()
        self._process.wait()


@cache
def _parent(module: str, also: str) -> _Parent:
    return _Parent(module, also)


def _serve(there: socket.socket, module: str, also: str) -> None:
    """Until the other side is gone."""
    program = importlib.import_module(f"{module}.__main__")
    if also:
        importlib.import_module(also)
    gc.freeze()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the test; the children take it again
    lines = there.makefile("rw", encoding="utf-8")
    for line in lines:
        question = json.loads(line)
        if "pid" in question:
            pid, status = os.waitpid(question["pid"], os.WNOHANG)
            answer = os.waitstatus_to_exitcode(status) if pid else None
        elif not (answer := os.fork()):
            signal.signal(signal.SIGINT, signal.default_int_handler)
            random.seed()
            os.environ.clear()
            os.environ.update(question["environment"])
            with Path(question["log"]).open("ab") as log:
                os.dup2(log.fileno(), 1)
                os.dup2(log.fileno(), 2)
            lines.detach()
            there.close()
            sys.argv = [module, *question["words"]]
            sys.exit(program.main())
        lines.write(f"{json.dumps(answer)}\n")
        lines.flush()


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])), *sys.argv[2:])
