"""The databases that these tests run on: a SQLite file, and a MariaDB of their own."""

import gc
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests.integration.database.views import Fresh, create
from tests.mariadb import SERVER, WHY_NOT, MariaDb
from tests.nats_server import NatsServer


@pytest.fixture(autouse=True)
def leavings() -> Iterator[None]:
    """What drivers leave of a killed server goes with the test that killed it, and is told of no later one."""
    yield
    gc.collect()


@pytest.fixture(scope="session")
def mariadb() -> Iterator[MariaDb]:
    """One server for all tests of a process. Its folder may be reached by the user that it runs as."""
    if SERVER is None:
        pytest.skip(WHY_NOT)
    folder = Path(tempfile.mkdtemp(prefix="dolbom-mariadb-"))
    folder.chmod(0o711)
    server = MariaDb(folder / "server")
    try:
        server.make()
        server.start()
        yield server
    finally:
        server.kill()
        shutil.rmtree(folder)


@pytest.fixture(params=["sqlite", "mariadb"])
def fresh(request: pytest.FixtureRequest, tmp_path: Path) -> Fresh:
    """Makes an empty database of the kind, as often as it is asked."""
    server: MariaDb | None = request.getfixturevalue("mariadb") if request.param == "mariadb" else None

    async def make() -> str:
        name = f"views_{uuid4().hex}"
        if server is None:
            return f"sqlite+aiosqlite:///{tmp_path}/{name}.db"
        await create(server.url, name)
        return f"{server.url}{name}?charset=utf8mb4"

    return make


@pytest.fixture
def server(tmp_path: Path) -> Iterator[NatsServer]:
    server = NatsServer(tmp_path)
    server.start()
    server.set_up()
    yield server
    server.kill()
