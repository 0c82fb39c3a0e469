"""`dolbom` as a person types it, on the data of a query that runs."""

import fcntl
import os
import pty
import subprocess
import sys
import termios
import time
from collections.abc import Callable

from cli.site import Site
from tests.integration.query.harness import ROOT, Query


def announce(query: Query) -> None:
    """Tell commands where the query is, as `dolbom up` does."""
    Site.at(str(query.folder)).write_env({"HTTP_HOST": "127.0.0.1", "HTTP_PORT": str(query.port)})


_OTHERS = ("LANG", "LC_ALL", "LC_MESSAGES", "PYTHONUNBUFFERED")
"""What the person who runs the tests may have set."""


def environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in _OTHERS}
    return {**kept, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", "DOLBOM_TOKEN": "", **more}


def words(query: Query, *typed: str) -> list[str]:
    return [sys.executable, "-m", "cli", *typed, "--data", str(query.folder)]


def dolbom(query: Query, *typed: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end; `more` are variables of its environment."""
    return subprocess.run(
        words(query, *typed),
        cwd=ROOT,
        env=environment(**more),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def refused(done: "subprocess.CompletedProcess[str]", status: int = 1) -> str:
    """The one line with which a command ended."""
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (status, "", 1), done
    return done.stderr


def _own_terminal() -> None:
    """What is typed, Ctrl-C too, reaches the command alone."""
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def answered(query: Query, question: bytes, answer: Callable[[], bytes], *typed: str) -> tuple[str, int]:
    """Run a command on a terminal and answer its question; what it shows, and its exit status."""
    here, there = pty.openpty()
    with subprocess.Popen(
        words(query, *typed),
        cwd=ROOT,
        env=environment(),
        stdin=there,
        stdout=there,
        stderr=there,
        preexec_fn=_own_terminal,
    ) as process:
        os.close(there)
        shown, end = b"", time.monotonic() + 20
        while question not in shown:
            assert time.monotonic() < end, shown
            shown += os.read(here, 1000)
        os.write(here, answer() + b"\n")
        try:
            while chunk := os.read(here, 1000):
                shown += chunk
        except OSError:  # the other end is closed
            pass
        code = process.wait(20)
    os.close(here)
    return shown.decode(errors="replace"), code
