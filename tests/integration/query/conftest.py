"""Buses, and one running query for all tests that only speak HTTP to it."""

import shutil
from collections.abc import Callable, Iterator

import pytest

from tests.integration.query.harness import CAMERAS, Running, start_query, until
from tests.nats_server import PROGRAM, NatsServer


@pytest.fixture(scope="session")
def make_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], NatsServer]]:
    """Starts servers with all streams in place."""
    if not PROGRAM.exists():
        pytest.skip("nats-server is not installed beside this Python")
    servers: list[NatsServer] = []

    def make() -> NatsServer:
        server = NatsServer(tmp_path_factory.mktemp("nats"))
        servers.append(server)
        server.start()
        server.set_up()
        return server

    yield make
    for server in servers:
        server.kill()
        shutil.rmtree(server.folder / "js", ignore_errors=True)


@pytest.fixture
def server(make_server: Callable[[], NatsServer]) -> NatsServer:
    """A fresh bus for one test."""
    return make_server()


@pytest.fixture(scope="session")
def running(make_server: Callable[[], NatsServer], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    server = make_server()
    cameras = "".join(f"- {{id: {name}, name: '{name}', source: {{kind: demo}}}}\n" for name in CAMERAS)
    query = start_query(tmp_path_factory.mktemp("query"), server.url, cameras)
    try:
        until("query is ready", query.is_ready, 10)
        yield Running(server, query)
    finally:
        query.stop()
