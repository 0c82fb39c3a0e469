"""A fresh bus for each test."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.nats_server import NatsServer


@pytest.fixture
def server(tmp_path: Path) -> Iterator[NatsServer]:
    """All streams stand."""
    server = NatsServer(tmp_path)
    server.start()
    server.set_up()
    yield server
    server.kill()
    shutil.rmtree(tmp_path / "js", ignore_errors=True)
