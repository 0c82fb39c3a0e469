"""What is measured on, and how busy it is."""

import os
import platform
import re
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "build" / "bench"


def load() -> float:
    """Runnable processes, averaged over a minute."""
    return os.getloadavg()[0]


def versions() -> dict[str, str]:
    """Of what the figures depend on."""
    return {
        "cores": str(len(os.sched_getaffinity(0))),
        "processor": _processor(),
        "kernel": platform.release(),
        "python": sys.version.split()[0],
        "ffmpeg": _first_line("ffmpeg", "-version"),
        "motion": _first_line("motion", "-h"),
        "nats-server": _first_line(str(Path(sys.executable).with_name("nats-server")), "--version"),
        "av": version("av"),
        "opencv": version("opencv-python-headless"),
    }


def commit() -> str:
    """What was measured; `+` when files differ from it. A copy without its history is told by BENCH_COMMIT."""
    if named := os.environ.get("BENCH_COMMIT"):
        return named
    try:
        short = _git("rev-parse", "--short", "HEAD")
        return short + ("+" if _git("status", "--porcelain", "--", "libs", "services", "cli") else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _git(*words: str) -> str:
    return subprocess.run(["git", *words], cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()


def _processor() -> str:
    found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE)
    return found[1] if found else platform.machine()


def _first_line(program: str, option: str) -> str:
    if not shutil.which(program):
        return "not installed"
    said = subprocess.run([program, option], capture_output=True, text=True, check=False, timeout=20)
    return next(iter((said.stdout or said.stderr).strip().splitlines()), "").strip()
