"""Keeps a program running: starts it, starts it again when it ends, and stops it when asked."""

import asyncio
import os
import shutil
import signal
from asyncio.subprocess import DEVNULL, STDOUT, Process
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cli.domain import AT_ONCE, Backoff, ended
from cli.site import open_log
from libs.clock import real

ROOT = Path(__file__).resolve().parent.parent
"""The folder of the program: where `python -m services.<name>` works."""
_NOT_STARTED = 127
_KILLED_WITHIN = 0.3
_ONE_AT_A_TIME = asyncio.Lock()
"""Two starts at once would take each other's blocked signals for the normal state: Ctrl-C would be dead for ever."""


@dataclass(frozen=True, slots=True)
class Program:
    """What is run. `inherits`: descriptors that it keeps open."""

    name: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    log: Path
    own_session: bool = False
    inherits: tuple[int, ...] = ()


class Keeper:
    """One program that always runs until it is stopped."""

    def __init__(self, program: Program, backoff: Backoff, say: Callable[[str], None]) -> None:
        self.program = program
        self.ends = 0
        self._backoff, self._say = backoff, say
        self._log = os.path.relpath(program.log)
        self._process: Process | None = None
        self._stopping = asyncio.Event()

    @property
    def running(self) -> bool:
        """Does the process run now?"""
        return self._process is not None and self._process.returncode is None

    async def run(self) -> None:
        """Until `stop`: the process runs, or will soon."""
        pause: float | None = None
        news = ""
        while not self._stopping.is_set():
            began = real()
            code = await self._run_once(news)
            if self._stopping.is_set():
                return
            self.ends += 1
            pause = self._backoff.after(real() - began, pause)
            news = ended(self.program.name, code, pause, self._log)
            if pause > AT_ONCE:
                self._say(news)
                news = ""
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), pause)

    async def stop(self, patience: float) -> None:
        """Ask the process to end, and end it when it has not after `patience` seconds."""
        self._stopping.set()
        process = self._process
        if process is None or process.returncode is not None:
            return
        with suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), patience)
        except TimeoutError:
            with suppress(ProcessLookupError):
                process.kill()
            with suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), _KILLED_WITHIN)

    async def _run_once(self, news: str) -> int:
        try:
            self._process = await launch(self.program)
        except OSError as problem:
            self._say(f"{self.program.name} could not be started: {problem.strerror}")
            return _NOT_STARTED
        if news:
            self._say(news)
        return await self._process.wait()


async def launch(program: Program) -> Process:
    """Start a program; call it in the main thread (the child is told when the thread that started it dies)."""
    async with _ONE_AT_A_TIME:
        log = open_log(program.log)
        # A blocked signal stays blocked in the child: Ctrl-C does not even reach one that is still importing.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            return await asyncio.create_subprocess_exec(
                *_dies_with_us(),
                *program.arguments,
                stdin=DEVNULL,
                stdout=log,
                stderr=STDOUT,
                cwd=ROOT,
                env=program.environment,
                start_new_session=program.own_session,
                pass_fds=program.inherits,
            )
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
            os.close(log)


def _dies_with_us() -> tuple[str, ...]:
    """So that nothing is left behind when `dolbom up` is killed."""
    setpriv = shutil.which("setpriv")
    return (setpriv, "--pdeathsig", "TERM", "--") if setpriv else ()
