"""Starting programs: Ctrl-C stays ours, however many are started at once."""

import asyncio
import os
import signal
import sys
from pathlib import Path

from cli.keeper import Program, launch


async def test_many_starts_at_once_leave_ctrl_c_working(tmp_path: Path) -> None:
    programs = [Program(f"p{at}", (sys.executable, "-c", ""), os.environ, tmp_path / f"{at}.log") for at in range(4)]
    for process in await asyncio.gather(*(launch(program) for program in programs)):
        await process.wait()
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])
