"""A nats-server that is too old is refused in one line that names what was found and what is needed; nothing starts."""

import json
import os
import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from cli.bus_server import find_server
from cli.keeper import ROOT
from cli.refusal import Refusal
from libs.bus import OldServer, connect
from libs.contracts.permissions import SERVICES


class OldNats(socketserver.StreamRequestHandler):
    """Greets as nats-server 2.9.10 does, takes every user, and answers pings."""

    def handle(self) -> None:
        """One connection."""
        told = {"server_id": "OLD", "version": "2.9.10", "proto": 1, "max_payload": 1 << 20, "headers": True}
        with suppress(OSError):
            self.wfile.write(b"INFO " + json.dumps(told | {"jetstream": True}).encode() + b" \r\n")
            for line in self.rfile:
                if line.startswith(b"PING"):
                    self.wfile.write(b"PONG\r\n")


@pytest.fixture(scope="module")
def old_bus() -> Iterator[str]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), OldNats) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"nats://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.mark.parametrize(
    "command", [("up", "--port", "0"), ("up", "--port", "0", "--clock", "2026-03-02T09:00Z@10"), ("setup",)]
)
def test_a_named_bus_is_refused_before_anything_starts(old_bus: str, command: tuple[str, ...], tmp_path: Path) -> None:
    environment = {**os.environ, "NATS_URL": old_bus.replace("//", "//me:secret@")}
    said = subprocess.run(
        [sys.executable, "-m", "cli", *command, "--data", str(tmp_path / "data")],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert said.returncode == 2
    address = old_bus.removeprefix("nats://")
    refusal = f"dolbom {command[0]}: NATS at {address} is version 2.9.10, and 2.12 or newer is needed"
    assert said.stderr.splitlines() == [refusal]
    assert "secret" not in said.stdout
    assert [name for name in SERVICES if (tmp_path / "data" / "log" / f"{name}.log").exists()] == []


@pytest.mark.parametrize("named", [True, False])
def test_a_program_is_refused_before_it_runs(named: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "nats-server"
    program.write_text("#!/bin/sh\necho 'nats-server: v2.9.10'\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "venv" / "python"))
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    with pytest.raises(Refusal) as refusal:
        find_server({"NATS_SERVER_BIN": str(program)} if named else {})
    assert str(refusal.value).startswith(f"{program} is version 2.9.10, and 2.12 or newer is needed: ")
    program.write_text("#!/bin/sh\necho 'nats-server: v2.12.0'\n")
    assert find_server({"NATS_SERVER_BIN": str(program)} if named else {}) == str(program)


async def test_a_service_says_why_it_waits(old_bus: str) -> None:
    with pytest.raises(OldServer, match=r"is version 2\.9\.10, and 2\.12 or newer is needed"):
        async with connect(old_bus, "ingest", "pw"):
            pass
