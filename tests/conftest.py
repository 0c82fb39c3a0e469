"""Tells at the end which tests were skipped and why; in CI a skip that tests/skips.txt does not name fails the run."""

import os
import ssl
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import cast

import pytest
import structlog

ALLOWED = Path(__file__).with_name("skips.txt")
LEFT = Path(__file__).parents[1] / "build"
"""`make test` runs pytest twice and ends with the skips of both."""


# Every HTTP client reads the certificates of the whole world, 33 ms each time; tests ask this machine in plain text.
ssl.create_default_context = cast(Callable[..., ssl.SSLContext], cache(ssl.create_default_context))


@pytest.fixture(autouse=True)
def fresh_logs() -> Iterator[None]:
    """A command that a test ran in this process may have made the logs quiet."""
    yield
    structlog.reset_defaults()


def pytest_sessionfinish(session: pytest.Session) -> None:
    unlisted = _unlisted(_skips(session.config))
    if os.environ.get("CI") == "true" and unlisted and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    skips = _skips(config)
    if not skips:
        return
    LEFT.mkdir(exist_ok=True)
    lines = "".join(f"{test} — {reason}\n" for test, reason in sorted(skips.items()))
    (LEFT / f"skips-{os.getpid()}.txt").write_text(lines, encoding="utf-8")
    terminalreporter.section(f"skipped: {len(skips)}")
    for test, reason in sorted(skips.items()):
        terminalreporter.line(f"{test} — {reason}")
    unlisted = _unlisted(skips)
    if os.environ.get("CI") == "true" and unlisted:
        terminalreporter.section("skipped without leave: the run fails", red=True)
        for test in sorted(unlisted):
            terminalreporter.line(f"{test} is not named in tests/{ALLOWED.name}", red=True)


def _skips(config: pytest.Config) -> dict[str, str]:
    """The node ids of skipped tests, and of files skipped whole, with their reasons."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    reports = reporter.stats.get("skipped", []) if reporter else []
    return {report.nodeid: _reason(report) for report in reports}


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return text.removeprefix("Skipped: ").replace("\n", " ")


def _unlisted(skips: dict[str, str]) -> set[str]:
    lines = (line.strip() for line in ALLOWED.read_text(encoding="utf-8").splitlines())
    allowed = {line.split(" — ")[0].strip() for line in lines if line and not line.startswith("#")}
    return {test for test in skips if test not in allowed and test.split("[")[0] not in allowed}
