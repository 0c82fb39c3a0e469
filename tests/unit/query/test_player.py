"""Runs the tests of the page's reducer, which are JavaScript as it is."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

NODE = shutil.which("node") or shutil.which("node", path=str(Path(sys.executable).parent))


@pytest.mark.skipif(NODE is None, reason="node is not installed")
def test_player() -> None:
    tests = Path(__file__).with_name("player.test.mjs")
    run = subprocess.run([NODE or "node", "--test", tests], capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
