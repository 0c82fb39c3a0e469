"""`dolbom events` and `dolbom setup` on a bus that NATS_URL names."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cli.keeper import ROOT
from libs.bus import connect, publish
from tests.integration.cli.conftest import EmbeddedBus, password

FACTS = ROOT / "tests" / "contracts" / "golden"
GOLDEN = (FACTS / "segment.closed.v1.json").read_bytes().strip()
DETECTED = (FACTS / "event.detected.v1.json").read_bytes().strip()


@contextmanager
def dolbom(bus: EmbeddedBus, user: str, *typed: str) -> Iterator["subprocess.Popen[str]"]:
    told = {"NATS_URL": bus.url, "NATS_USER": user, "NATS_PASSWORD": password(user), "TZ": "Asia/Seoul"}
    with subprocess.Popen(
        [sys.executable, "-m", "cli", *typed],
        cwd=ROOT,
        env={**os.environ, **told},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


async def say(bus: EmbeddedBus, body: bytes) -> None:
    async with connect(bus.url, "encoder", password("encoder")) as encoder:
        await publish(encoder, "segment.closed.camera-1", body, {})


async def test_a_fact_is_a_line(bus: EmbeddedBus) -> None:
    with dolbom(bus, "observer", "events", "segment.closed.*") as process:
        assert process.stdout
        assert process.stderr
        assert process.stderr.readline().startswith("Following segment.closed.* on nats://127.0.0.1")
        await say(bus, GOLDEN)
        assert process.stdout.readline().split()[:4] == ["14:00:00", "segment.closed", "camera-1", "3000"]
        process.send_signal(signal.SIGINT)
        assert process.wait(5) == 0
        assert process.stderr.read() == ""


async def test_json_is_the_fact_as_it_came(bus: EmbeddedBus) -> None:
    with dolbom(bus, "observer", "events", "--json") as process:
        assert process.stdout
        assert process.stderr
        process.stderr.readline()
        await say(bus, GOLDEN)
        assert process.stdout.readline() == GOLDEN.decode() + "\n"
        process.terminate()
        assert process.wait(5) == 0


async def test_a_reader_that_leaves_ends_it_quietly(bus: EmbeddedBus) -> None:
    with dolbom(bus, "observer", "events") as process:
        assert process.stdout
        assert process.stderr
        process.stderr.readline()
        process.stdout.close()
        await say(bus, GOLDEN)
        assert process.wait(5) == 0
        assert process.stderr.read() == ""


async def test_only_some_facts_as_json(bus: EmbeddedBus) -> None:
    golden = DETECTED.decode()
    with dolbom(bus, "observer", "events", "tail", "--severity", "danger", "--camera", "camera-2", "--json") as process:
        assert process.stdout
        assert process.stderr
        assert process.stderr.readline().startswith("Following event.> (danger camera-2 only) on nats://127.0.0.1")
        await say(bus, GOLDEN)
        async with connect(bus.url, "detector", password("detector")) as detector:
            for what in ("info.camera-2", "danger.camera-1", "danger.camera-2"):
                await publish(detector, f"event.detected.{what}", golden.replace("camera-1", what).encode(), {})
        heard = process.stdout.readline()
        assert heard == golden.replace("camera-1", "danger.camera-2") + "\n"
        assert json.loads(heard)["data"]["severity"]
        process.send_signal(signal.SIGINT)
        assert process.wait(5) == 0
        assert process.stdout.read() == ""


def test_setup_by_hand(bus: EmbeddedBus, tmp_path: Path) -> None:
    with dolbom(bus, "setup", "setup", "--data", str(tmp_path)) as process:
        said, wrong = process.communicate(timeout=10)
    assert (process.returncode, wrong) == (0, "")
    assert said.startswith("✔ setup")


def test_setup_as_somebody_who_may_not(bus: EmbeddedBus, tmp_path: Path) -> None:
    with dolbom(bus, "ingest", "setup", "--data", str(tmp_path)) as process:
        said, wrong = process.communicate(timeout=30)
    assert (process.returncode, said) == (2, "")
    assert len(wrong.splitlines()) == 1
    assert "user ingest" in wrong
