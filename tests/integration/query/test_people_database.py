"""Accounts on a database that other processes change, that dies, and that is not there yet."""

import asyncio
import os
import shutil
import signal
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from libs.media import MediaStore
from tests.integration.database.views import create
from tests.integration.query.harness import Query, start_query, until
from tests.integration.query.people import LIVE, PASSWORD, SESSION, USERS, Site
from tests.mariadb import SERVER, WHY_NOT, MariaDb
from tests.nats_server import NatsServer

CAMERAS = "- {id: cam1, name: a}\n"
Start = Callable[..., Query]


@pytest.fixture
def mariadb() -> Iterator[MariaDb]:
    if SERVER is None:
        pytest.skip(WHY_NOT)
    folder = Path(tempfile.mkdtemp(prefix="dolbom-mariadb-"))
    folder.chmod(0o711)
    server = MariaDb(folder / "server")
    try:
        server.make()
        server.start()
        asyncio.run(create(server.url, "dolbom"))
        yield server
    finally:
        server.kill()
        shutil.rmtree(folder)


@pytest.fixture
def start(server: NatsServer, mariadb: MariaDb, tmp_path: Path) -> Iterator[Start]:
    """Starts processes of query on one database."""
    started: list[Query] = []

    def one(role: str = "all") -> Query:
        settings = {"DATABASE_URL": f"{mariadb.url}dolbom?charset=utf8mb4", "QUERY_ROLE": role}
        started.append(start_query(tmp_path / f"query-{len(started)}", server.url, CAMERAS, settings))
        return started[-1]

    yield one
    for query in started:
        query.stop()


def test_what_one_process_changes_all_know(start: Start) -> None:
    queries = [start(), start("api")]
    for query in queries:
        until("query is ready", query.is_ready, 20)
    here, there = (Site(query.url) for query in queries)
    assert there.ask("GET", "/api/v1/cameras").status_code == 200
    here.close()
    until("the other one is closed", lambda: there.ask("GET", "/api/v1/cameras").status_code == 401)
    assert here.add("kim", "guardian", "cam1").status_code == 201
    token = here.token("kim")
    until("the token is known", lambda: there.ask("GET", SESSION, token).status_code == 200)
    with there.browser("kim") as browser:
        assert here.ask("DELETE", f"{USERS}/kim", here.admin).status_code == 204
        until("the token is dead", lambda: there.ask("GET", SESSION, token).status_code == 401)
        assert browser.get(SESSION).status_code == 401


@pytest.mark.parametrize("how", [signal.SIGKILL, pytest.param(signal.SIGSTOP, marks=pytest.mark.soak)])
def test_who_is_in_watches_on_without_the_database(start: Start, mariadb: MariaDb, how: signal.Signals) -> None:
    query = start()
    until("query is ready", query.is_ready, 20)
    MediaStore.open(str(query.folder / "media")).write_once("cam1/hls", "cam1_1.ts", b"ts", "t")
    site = Site(query.url)
    site.close()
    assert site.add("kim", "guardian", "cam1").status_code == 201
    token = site.token("kim")
    with site.browser("kim") as browser:
        pid = mariadb._process.pid if mariadb._process else 0
        if how == signal.SIGKILL:
            mariadb.kill()
        else:
            os.kill(pid, how)
        try:
            for _ in range(3):
                for path in ("/api/v1/cameras", f"{LIVE}/hls/cam1/cam1_1.ts", SESSION):
                    began = time.monotonic()
                    assert browser.get(path).status_code == site.ask("GET", path, token).status_code == 200
                    assert time.monotonic() - began < 1
                time.sleep(1)
            assert browser.post(f"{LIVE}/start-hls-stream/cam1").status_code == 403
            began = time.monotonic()
            for answer in (
                site.ask("POST", SESSION, json={"user": "kim", "password": PASSWORD}),
                site.ask("GET", USERS, site.admin),
            ):
                assert (answer.status_code, answer.json()["type"]) == (503, "urn:dolbom:problem:database-away")
                assert answer.headers["Retry-After"] == "2"
            assert time.monotonic() - began < 12
            assert httpx.get(f"{query.url}/api/v1/cameras").status_code == 401
        finally:
            if how == signal.SIGKILL:
                mariadb.start()
            else:
                os.kill(pid, signal.SIGCONT)
        body = {"user": "kim", "password": PASSWORD}
        until("signing in works again", lambda: site.ask("POST", SESSION, json=body).status_code == 200, 20)
        assert browser.get(SESSION).status_code == 200


def test_nothing_is_answered_before_it_is_known_who_may_ask(start: Start, mariadb: MariaDb) -> None:
    first = start()
    until("query is ready", first.is_ready, 20)
    site = Site(first.url)
    site.close()
    first.stop()
    mariadb.kill()
    query = start()
    time.sleep(1)
    for path in ("/api/v1/cameras", SESSION, "/openapi.json", "/docs", f"{LIVE}/hls/cam1/cam1.m3u8"):
        for token in ("", site.admin):
            answer = Site(query.url).ask("GET", path, token)
            assert (answer.status_code, answer.json()["type"]) == (503, "urn:dolbom:problem:starting")
            assert answer.headers["Retry-After"] == "1"
    assert httpx.get(query.url).status_code == httpx.get(f"{query.url}/assets/app.js").status_code == 200
    assert query.readiness()["ready"] is False
    mariadb.start()
    until("query is ready", query.is_ready, 20)
    again = Site(query.url)
    assert again.ask("GET", "/api/v1/cameras").status_code == 401
    assert again.ask("GET", SESSION, site.admin).json()["user"] == "boss"


@pytest.mark.soak
def test_the_first_account_is_added_once(start: Start) -> None:
    """Two people, each on a process of their own, in the same moment."""
    queries = [start(), start("api")]
    for query in queries:
        until("query is ready", query.is_ready, 20)

    async def add() -> list[int]:
        async with httpx.AsyncClient(timeout=20) as client:
            bodies = [{"user": f"user-{at}", "password": PASSWORD, "role": "admin"} for at in range(2)]
            sent = [client.post(query.url + USERS, json=body) for query, body in zip(queries, bodies, strict=True)]
            return [answer.status_code for answer in await asyncio.gather(*sent)]

    assert set(asyncio.run(add())) <= {201}
    for query in queries:
        until("it is closed", lambda query=query: httpx.get(query.url + SESSION).status_code == 401)  # type: ignore[misc]


def test_a_port_of_others_is_no_database(server: NatsServer, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"mysql+asyncmy://root@127.0.0.1:{silent.getsockname()[1]}/dolbom"
        query = start_query(tmp_path, server.url, CAMERAS, {"DATABASE_URL": url})
        try:
            time.sleep(1)
            assert httpx.get(f"{query.url}/api/v1/cameras").status_code == 503
            assert httpx.get(query.url).status_code == 200
        finally:
            query.stop()
