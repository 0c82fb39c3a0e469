"""Writes `build/soak-<file of the tests>.md`: which commit and machine, and what became of every seed.

A plugin of pytest: `-p tests.soak.report`. What a test prints is told as what was done.
"""

import os
import platform
import re
import subprocess
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from libs.contracts.slots import moment, rfc3339
from tests.soak.seeds import FIRST

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"
_LOG = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:")
"""How a line of a log begins: what libraries say is not what was done."""
_WORST = {"passed": 0, "skipped": 1, "failed": 2}


@dataclass
class Row:
    """One test: its verdict is the worst of set-up, test and clean-up."""

    name: str
    verdict: str = "passed"
    seconds: float = 0.0
    done: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    why: str = ""


@dataclass
class Soak:
    """Everything that was reported so far."""

    began: float = field(default_factory=time.time)
    commit: str = ""
    rows: defaultdict[str, dict[str, Row]] = field(default_factory=lambda: defaultdict(dict))

    def learn(self, report: pytest.TestReport) -> None:
        """One phase of one test."""
        path, _, name = report.nodeid.partition("::")
        row = self.rows[Path(path).stem.removeprefix("test_")].setdefault(name, Row(name))
        row.seconds += report.duration
        if report.when == "call":
            row.done = [line for line in report.capstdout.splitlines() if line.strip() and not _LOG.match(line)]
            row.counts.update({what: often for what, often in report.user_properties if isinstance(often, int)})
        if _WORST[report.outcome] > _WORST[row.verdict]:
            row.verdict, row.why = report.outcome, report.longreprtext

    def write(self) -> None:
        """One file for each file of tests."""
        BUILD.mkdir(exist_ok=True)
        for name, rows in self.rows.items():
            ordered = sorted(rows.values(), key=lambda row: (len(row.name), row.name))
            (BUILD / f"soak-{name}.md").write_text(self._text(name, ordered), encoding="utf-8")

    def _text(self, name: str, rows: list[Row]) -> str:
        passed = sum(row.verdict == "passed" for row in rows)
        verdict = "FAILED" if any(row.verdict == "failed" for row in rows) else "PASSED"
        counts = sum((row.counts for row in rows), Counter[str]())
        lines = [
            f"# Soak: {name.replace('_', ' ')}",
            "",
            f"**{verdict}: {passed} of {len(rows)} passed**, {sum(row.seconds for row in rows):.0f} s of tests "
            f"in {time.time() - self.began:.0f} s",
            "",
            f"commit {self.commit} · {rfc3339(moment(round(self.began * 1000)))} · {machine()}",
            "",
            *([", ".join(f"{often} × {what}" for what, often in sorted(counts.items())), ""] if counts else []),
            "| test | verdict | seconds | what was done |",
            "|---|---|---|---|",
        ]
        for row in rows:
            done = "<br>".join(line.replace("|", "\\|") for line in row.done)
            lines.append(f"| `{row.name}` | {row.verdict} | {row.seconds:.0f} | {done} |")
        for row in rows:
            if row.why:
                lines += ["", f"## {row.verdict}: {row.name}", "", "```", *row.why.splitlines()[-80:], "```"]
        return "\n".join(lines) + "\n"


def machine() -> str:
    """What it ran on; no name."""
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"


def commit() -> str:
    """The commit that was tested, and whether files differ from it."""
    head, changed = _git("rev-parse", "--short", "HEAD"), _git("status", "--porcelain", "--untracked-files=no")
    return f"{head} with changes in {len(changed.splitlines())} files" if changed else head


def _git(*words: str) -> str:
    ran = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    return ran.stdout.strip() if ran.returncode == 0 else "unknown"


def pytest_configure(config: pytest.Config) -> None:
    """Workers inherit the seed, so that all of them go through the same ones."""
    if hasattr(config, "workerinput"):
        return
    os.environ["DOLBOM_SEED"] = str(FIRST)
    config.pluginmanager.register(_Reporter(Soak(commit=commit())))


class _Reporter:
    def __init__(self, soak: Soak) -> None:
        self.soak = soak

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """After each phase; what is known is written at once, for a run may be ended from outside."""
        self.soak.learn(report)
        if report.when == "teardown":
            self.soak.write()

    def pytest_sessionfinish(self) -> None:
        """The last word."""
        self.soak.write()
