"""Programs that are kept running, with real processes."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from cli.domain import Backoff
from cli.keeper import ROOT, Keeper, Program

QUICK = Backoff(first=0.05, longest=30.0)


async def until(true: Callable[[], object], seconds: float = 5.0) -> None:
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110 - what is waited for happens in another process
            await asyncio.sleep(0.01)


@asynccontextmanager
async def kept(folder: Path, script: str, backoff: Backoff = QUICK) -> AsyncIterator[tuple[Keeper, list[str]]]:
    said: list[str] = []
    program = Program("clerk", ("sh", "-c", script), os.environ, folder / "clerk.log")
    keeper = Keeper(program, backoff, said.append)
    running = asyncio.create_task(keeper.run())
    try:
        yield keeper, said
    finally:
        await keeper.stop(1.0)
        await running


def alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def pids(folder: Path) -> list[int]:
    log = folder / "clerk.log"
    return [int(word) for word in log.read_text().split()] if log.exists() else []


async def test_a_killed_program_is_started_again(tmp_path: Path) -> None:
    async with kept(tmp_path, "echo $$; exec sleep 60") as (keeper, said):
        await until(lambda: pids(tmp_path))
        os.kill(pids(tmp_path)[0], signal.SIGKILL)
        await until(lambda: len(pids(tmp_path)) == 2)
        await until(lambda: said)
        assert said == ["clerk ended (killed by signal 9); started again"]
        assert keeper.ends == 1
        assert keeper.running


async def test_a_long_pause_is_told_when_it_begins(tmp_path: Path) -> None:
    async with kept(tmp_path, "exit 3", Backoff(first=20.0, longest=30.0)) as (keeper, said):
        await until(lambda: said)
        assert said[0].startswith("clerk ended (exit status 3); starting again in 20 s, its log is ")
        assert not keeper.running


async def test_a_program_that_cannot_be_started_is_tried_again(tmp_path: Path) -> None:
    said: list[str] = []
    missing = Program("clerk", (str(tmp_path / "missing"),), {"PATH": "/nowhere"}, tmp_path / "clerk.log")
    keeper = Keeper(missing, QUICK, said.append)
    running = asyncio.create_task(keeper.run())
    await until(lambda: keeper.ends >= 2)
    await keeper.stop(1.0)
    await running
    assert said


async def test_whoever_does_not_listen_is_ended(tmp_path: Path) -> None:
    async with kept(tmp_path, "trap '' TERM; echo $$; while :; do sleep 0.1; done") as (keeper, _):
        await until(lambda: pids(tmp_path))
        async with asyncio.timeout(2):
            await keeper.stop(0.2)
        assert not alive(pids(tmp_path)[0])


async def test_ctrl_c_does_not_reach_a_program_that_has_just_begun(tmp_path: Path) -> None:
    async with kept(tmp_path, "kill -INT $$; echo $$; exec sleep 60") as (keeper, said):
        await until(lambda: pids(tmp_path))
        assert keeper.running
        assert said == []
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])


async def test_nothing_is_left_behind_when_the_keeper_is_killed(tmp_path: Path) -> None:
    script = """
import asyncio, os, sys
from pathlib import Path
from cli.domain import SERVICE_BACKOFF
from cli.keeper import Keeper, Program
program = Program("clerk", ("sh", "-c", "echo $$; exec sleep 60"), os.environ, Path(sys.argv[1]), own_session=True)
asyncio.run(Keeper(program, SERVICE_BACKOFF, print).run())
"""
    keeper = await asyncio.create_subprocess_exec(sys.executable, "-c", script, tmp_path / "clerk.log", cwd=ROOT)
    try:
        await until(lambda: pids(tmp_path))
    finally:
        keeper.kill()
        await keeper.wait()
    await until(lambda: not alive(pids(tmp_path)[0]))
