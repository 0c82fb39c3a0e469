"""`dolbom cameras` on a site that runs: open, and then with accounts."""

import json
import os
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import httpx
import pytest

from cli.site import Site as DataFolder
from tests.integration.query.command import announce, answered, dolbom, environment, refused, words
from tests.integration.query.harness import ROOT, Query, start_query, until
from tests.integration.query.people import Site
from tests.nats_server import NatsServer

CAMERAS = "/api/v1/cameras"


def started(server: NatsServer, folder: Path) -> Query:
    query = start_query(folder, server.url, "- {id: cam1, name: 햇살반, room: 1층}\n- {id: cam2, name: b}\n")
    until("query is ready", query.is_ready, 10)
    announce(query)
    return query


@pytest.fixture(scope="module")
def query(make_server: Callable[[], NatsServer], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Query]:
    query = started(make_server(), tmp_path_factory.mktemp("cameras"))
    yield query
    query.stop()


def stands(query: Query, camera: str) -> dict[str, object]:
    answer = httpx.get(f"{query.url}{CAMERAS}/{camera}")
    return dict(answer.json()) if answer.status_code == 200 else {}


def test_from_added_to_removed(query: Query) -> None:
    typed = ("--name", "달님반", "--room", "2층", "--profile", "320x240@5", "--time-zone", "America/New_York")
    added = dolbom(query, "cameras", "add", "moon", *typed, "--retention-days", "7")
    assert (added.returncode, added.stderr) == (0, "")
    assert added.stdout == "✔ added     moon (달님반, 2층): demo, 320x240 at 5 fps, wished running\n"
    assert "A camera of this id stands" in refused(dolbom(query, "cameras", "add", "moon", "--name", "x"))

    assert [line.split()[1] for line in dolbom(query, "cameras", "list").stdout.splitlines()] == [
        "cam1", "cam2", "moon",
    ]  # fmt: skip
    shown = dolbom(query, "cameras", "show", "moon").stdout
    assert "America/New_York" in shown
    assert f"{query.url}/api/live-monitoring/hls/moon/moon.m3u8" in shown

    changed = dolbom(query, "cameras", "update", "moon", "--name", "별님반", "--profile", "640x480@10")
    assert (changed.returncode, changed.stdout.split()[:2]) == (0, ["✔", "changed"])
    now = stands(query, "moon")
    assert (now["name"], now["room"], now["profile"]) == ("별님반", "2층", {"width": 640, "height": 480, "fps": 10})
    assert "is so already" in dolbom(query, "cameras", "update", "moon", "--name", "별님반").stdout

    stopped = dolbom(query, "cameras", "stop", "moon", "--reason", "점심")
    assert (stopped.returncode, stopped.stdout.split()[:4]) == (0, ["✔", "wished", "moon", "stopped;"])
    assert stands(query, "moon")["desired"] == "stopped"
    assert dolbom(query, "cameras", "start", "moon").returncode == 0
    assert stands(query, "moon")["desired"] == "running"

    assert "--yes" in refused(dolbom(query, "cameras", "remove", "moon"), 2)
    assert stands(query, "moon")
    assert dolbom(query, "cameras", "remove", "moon", "--yes").stdout.startswith("✔ removed   moon")
    assert not stands(query, "moon")
    for action in ("show", "start", "stop", "remove --yes", "update --name x"):
        word, *more = action.split()
        assert "there is no camera moon" in refused(dolbom(query, "cameras", word, "moon", *more))


def test_json_is_what_the_api_answers(query: Query) -> None:
    assert json.loads(dolbom(query, "cameras", "list", "--json").stdout) == httpx.get(query.url + CAMERAS).json()
    assert json.loads(dolbom(query, "cameras", "show", "cam1", "--json").stdout) == stands(query, "cam1")
    made = dolbom(query, "cameras", "add", "still", "--name", "x", "--source", "files", "--stopped", "--json")
    assert json.loads(made.stdout) == stands(query, "still")
    assert (stands(query, "still")["source"], stands(query, "still")["desired"]) == ("files", "stopped")
    wish = json.loads(dolbom(query, "cameras", "start", "still", "--json").stdout)
    assert (wish["camera_id"], wish["desired"]) == ("still", "running")
    changed = dolbom(query, "cameras", "update", "still", "--room", "3층", "--json")
    assert json.loads(changed.stdout) == stands(query, "still")
    gone = dolbom(query, "cameras", "remove", "still", "--yes", "--json")
    assert (gone.returncode, gone.stdout) == (0, "")


def test_what_the_site_finds_wrong_is_named(query: Query) -> None:
    assert "time_zone" in refused(dolbom(query, "cameras", "add", "ok", "--name", "x", "--time-zone", "Mars/North"))
    assert "width" in refused(dolbom(query, "cameras", "add", "ok", "--name", "x", "--profile", "641x480@5"))
    assert "name" in refused(dolbom(query, "cameras", "update", "cam1", "--name", ""))
    assert not stands(query, "ok")


def test_it_is_asked_before_a_camera_goes_and_a_change_meanwhile_is_told(query: Query) -> None:
    address = f"{query.url}{CAMERAS}/cam2"

    def change() -> bytes:
        assert httpx.patch(address, json={"room": "kept"}, headers={"If-Match": "*"}).status_code == 200
        return b"y"

    for no in (b"", b"n", b"\x03"):
        shown, status = answered(query, b"[y/N]", partial(bytes, no), "cameras", "remove", "cam2")
        assert (status, "Nothing was removed" in shown) == (1, True)
    shown, status = answered(query, b"[y/N]", change, "cameras", "remove", "cam2")
    assert (status, "changed by somebody else" in shown) == (1, True), shown
    assert stands(query, "cam2")["room"] == "kept"
    assert httpx.post(query.url + CAMERAS, json={"id": "goes", "name": "x"}).status_code == 201
    shown, status = answered(query, b"[y/N]", "예".encode, "cameras", "remove", "goes")
    assert (status, stands(query, "goes")) == (0, {}), shown


@pytest.mark.parametrize("typed", ["cameras list", "cameras list --json", "cameras --help", "events list --help"])
def test_a_closed_pipe_is_quiet(query: Query, typed: str) -> None:
    here, there = os.pipe()
    os.close(here)
    done = subprocess.run(
        words(query, *typed.split()), cwd=ROOT, env=environment(), stdout=there, stderr=subprocess.PIPE, check=False
    )
    os.close(there)
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_terminal_without_hangul_shows_something(query: Query) -> None:
    done = dolbom(query, "cameras", "show", "cam1", PYTHONUTF8="0", PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, "")
    assert "cam1 (???, 1?)" in done.stdout


def test_nobody_or_somebody_else_answers(tmp_path: Path) -> None:
    folder = DataFolder.at(str(tmp_path))
    folder.prepare()
    query = Query(tmp_path, {}, subprocess.Popen(["true"]))
    query.process.wait()
    with socket.create_server(("127.0.0.1", 0)) as door:
        folder.write_env({"HTTP_HOST": "127.0.0.1", "HTTP_PORT": str(door.getsockname()[1])})

        def other() -> None:
            with door.accept()[0] as guest:
                guest.recv(10_000)
                guest.sendall(b"HTTP/1.0 200 OK\r\n\r\n<html>")

        thread = threading.Thread(target=other)
        thread.start()
        assert "make run" in refused(dolbom(query, "cameras", "list"), 2)
        thread.join()
    assert "does not answer" in refused(dolbom(query, "cameras", "list"), 2)
    assert "does not answer" in refused(dolbom(query, "events", "list"), 2)


def test_with_accounts_everybody_has_their_own(make_server: Callable[[], NatsServer], tmp_path: Path) -> None:
    query = started(make_server(), tmp_path)
    try:
        site = Site(query.url)
        site.close()
        site.add("kim", "guardian", "cam1")
        kim, boss = site.token("kim"), site.admin
        for typed in (["cameras", "list"], ["cameras", "show", "cam1"], ["events", "list"]):
            assert "dolbom login" in refused(dolbom(query, *typed))
            assert "dolbom login" in refused(dolbom(query, *typed, DOLBOM_TOKEN="dolbom_x"))
        seen = dolbom(query, "cameras", "list", DOLBOM_TOKEN=kim).stdout.splitlines()
        assert [line.split()[1] for line in seen] == ["cam1"]
        assert "there is no camera cam2" in refused(dolbom(query, "cameras", "show", "cam2", DOLBOM_TOKEN=kim))
        assert "there is no camera cam2" in refused(
            dolbom(query, "events", "list", "--camera", "cam2", DOLBOM_TOKEN=kim)
        )
        assert "director" in refused(dolbom(query, "cameras", "update", "cam1", "--name", "x", DOLBOM_TOKEN=kim))
        assert "teacher" in refused(dolbom(query, "cameras", "stop", "cam1", DOLBOM_TOKEN=kim))
        assert dolbom(query, "cameras", "stop", "cam1", DOLBOM_TOKEN=boss).returncode == 0
        (query.folder / "cli-token").write_text(boss + "\n", encoding="ascii")
        assert len(dolbom(query, "cameras", "list").stdout.splitlines()) == 2
        assert "letters that no token has" in refused(dolbom(query, "cameras", "list", DOLBOM_TOKEN="한글"), 2)
    finally:
        query.stop()
