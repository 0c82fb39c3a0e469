"""One bus for the tests of a file: each test has a camera of its own."""

import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.integration.encoder.harness import Site
from tests.nats_server import NatsServer


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    """All streams stand."""
    folder = tmp_path_factory.mktemp("nats")
    server = NatsServer(folder)
    server.start()
    server.set_up()
    yield server
    server.kill()
    shutil.rmtree(folder / "js", ignore_errors=True)


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[NatsServer]:
    """One that the test may kill."""
    folder = tmp_path / "nats"
    folder.mkdir()
    server = NatsServer(folder)
    server.start()
    server.set_up()
    yield server
    server.kill()
    shutil.rmtree(folder / "js", ignore_errors=True)


@pytest_asyncio.fixture
async def site(server: NatsServer, tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Site]:
    """An empty store, and a camera whose name nobody else has."""
    camera = "c" + format(abs(hash(request.node.nodeid)) % 10**12, "d")
    async with server.bus("encoder") as bus:
        yield Site(tmp_path / "media", bus, camera)
