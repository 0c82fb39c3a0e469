"""detector and analyzer stand by: they say so, wait for the bus, and leave at once when asked."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cli.keeper import ROOT
from cli.web import ask
from tests.integration.cli.conftest import EmbeddedBus, password


@contextmanager
def running(service: str, url: str, data: Path) -> Iterator["subprocess.Popen[bytes]"]:
    told = {"NATS_URL": url, "NATS_PASSWORD": password(service), "DOLBOM_DATA": str(data), "DOLBOM_MEMBER": "m-1"}
    with subprocess.Popen(
        [sys.executable, "-m", f"services.{service}"], cwd=ROOT, env={**os.environ, **told}
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def state(service: str, data: Path) -> dict[str, object]:
    """What `/readyz` says, found by what the process announced; empty before it did."""
    announced = data / "run" / f"{service}.json"
    if not announced.exists():
        return {}
    said = json.loads(announced.read_text())
    assert said["member"] == "m-1"
    answer = ask("127.0.0.1", said["health_port"], "/readyz")
    shown: dict[str, object] = json.loads(answer.body) if answer else {}
    assert answer is None or (answer.status == 200) is shown["ready"]
    return shown


def until(true: Callable[[], bool], seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come true"
        time.sleep(0.02)


@pytest.mark.parametrize("service", ["detector", "analyzer"])
def test_idle_is_ready_and_sigterm_is_obeyed_at_once(bus: EmbeddedBus, service: str, tmp_path: Path) -> None:
    with running(service, bus.url, tmp_path) as process:
        until(lambda: state(service, tmp_path).get("state") == "idle")
        process.send_signal(signal.SIGINT)
        time.sleep(0.1)
        assert process.poll() is None
        began = time.monotonic()
        process.terminate()
        assert process.wait(5) == 0
        assert time.monotonic() - began < 1.0


def test_without_a_bus_it_is_not_ready_and_still_obeys(tmp_path: Path) -> None:
    with running("detector", "nats://127.0.0.1:9", tmp_path) as process:
        until(lambda: state("detector", tmp_path).get("state") == "degraded")
        process.terminate()
        assert process.wait(5) == 0
