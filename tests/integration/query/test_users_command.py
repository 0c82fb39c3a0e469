"""`dolbom users`, `login`, `logout` and `status` on a site that runs."""

import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from cli.site import Site
from tests.integration.query.harness import ROOT, Query, start_query, until
from tests.integration.query.people import PASSWORD, SESSION, USERS
from tests.nats_server import NatsServer


@pytest.fixture(scope="module")
def query(make_server: Callable[[], NatsServer], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Query]:
    query = start_query(tmp_path_factory.mktemp("command"), make_server().url, "- {id: cam1, name: a}\n")
    until("query is ready", query.is_ready, 10)
    Site.at(str(query.folder)).write_env({"HTTP_HOST": "127.0.0.1", "HTTP_PORT": str(query.port)})
    yield query
    query.stop()


def command(query: Query, *words: str) -> list[str]:
    return [sys.executable, "-m", "cli", *words, "--data", str(query.folder)]


def run(query: Query, *words: str, typed: str = "", token: str = "") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "DOLBOM_TOKEN": token}
    return subprocess.run(
        command(query, *words), input=typed, env=environment, capture_output=True, text=True, timeout=30, check=False
    )


def test_from_an_open_site_to_one_with_users(query: Query) -> None:
    assert run(query, "users", "list").stdout == ""
    early = run(query, "users", "add", "kim", "--role", "teacher", "--password-stdin", typed=PASSWORD)
    assert (early.returncode, early.stderr) == (2, "dolbom users: the first user must be an admin: --role admin\n")
    short = run(query, "users", "add", "boss", "--role", "admin", "--password-stdin", typed="short\n")
    assert (short.returncode, short.stderr.count("\n")) == (2, 1)
    assert "password" in short.stderr
    first = run(query, "users", "add", "boss", "--role", "admin", "--password-stdin", typed=f"{PASSWORD}\n")
    assert (first.returncode, first.stdout.splitlines()[0]) == (0, "✔ added     boss, admin")
    refused = run(query, "users", "list")
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert "dolbom login" in refused.stderr

    wrong = run(query, "login", "--user", "boss", "--password-stdin", typed="wrong\n")
    assert (wrong.returncode, wrong.stderr) == (2, "dolbom login: User or password is wrong.\n")
    assert "sign in with `dolbom login`" in run(query, "status").stdout
    assert run(query, "login", "--user", "boss", "--password-stdin", typed=PASSWORD).returncode == 0
    kept = query.folder / "cli-token"
    assert (kept.stat().st_mode & 0o777, kept.read_text()[:7]) == (0o600, "dolbom_")
    assert "cam1" in run(query, "status").stdout

    words = ("users", "add", "kim", "--role", "guardian", "--camera", "cam1", "--password-stdin")
    assert run(query, *words, typed=PASSWORD).returncode == 0
    assert run(query, *words, typed=PASSWORD).stderr == "dolbom users: There is a user kim already.\n"
    assert run(query, "users", "list").stdout == "• admin     boss: every camera\n• guardian  kim: cam1\n"
    token = run(query, "users", "token", "kim").stdout.strip()
    me = httpx.get(query.url + SESSION, headers={"Authorization": f"Bearer {token}"}).json()
    assert (me["user"], me["cameras"]) == ("kim", ["cam1"])
    assert "takes the role admin" in run(query, "users", "list", token=token).stderr
    assert run(query, "users", "remove", "../session").returncode == 2
    assert run(query, "users", "remove", "kim").returncode == 0
    assert httpx.get(query.url + SESSION, headers={"Authorization": f"Bearer {token}"}).status_code == 401

    secret = kept.read_text().strip()
    assert run(query, "logout").returncode == 0
    assert not kept.exists()
    assert httpx.get(query.url + USERS, headers={"Authorization": f"Bearer {secret}"}).status_code == 401
    assert run(query, "logout").stderr == "dolbom logout: nobody is signed in here\n"


def test_a_password_is_asked_for_twice_and_never_shown(query: Query) -> None:
    assert run(query, "login", "--user", "boss", "--password-stdin", typed=PASSWORD).returncode == 0
    for second, status in (("another one", 2), (PASSWORD, 0)):
        shown, code = on_a_terminal(command(query, "users", "add", "lee", "--role", "teacher"), PASSWORD, second)
        assert (code, PASSWORD in shown) == (status, False), shown
        assert "Once more" in shown
    assert run(query, "users", "add", "park", "--role", "teacher").stderr.count("--password-stdin") == 1


def test_nobody_is_asked_where_no_site_was_started(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "cli", "users", "list", "--data", str(tmp_path)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "make run" in done.stderr


def on_a_terminal(words: list[str], *typed: str) -> tuple[str, int]:
    """What a terminal shows, and the exit status."""
    here, there = pty.openpty()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "DOLBOM_TOKEN": ""}
    with subprocess.Popen(
        words, stdin=there, stdout=there, stderr=there, env=environment, start_new_session=True, close_fds=True
    ) as process:
        os.close(there)
        shown = b""
        for prompt, answer in zip((b"Password: ", b"Once more: "), typed, strict=True):
            end = time.monotonic() + 20
            while prompt not in shown:
                assert time.monotonic() < end, shown
                shown += os.read(here, 1000)
            os.write(here, answer.encode() + b"\n")
        try:
            while chunk := os.read(here, 1000):
                shown += chunk
        except OSError:  # the other end is closed
            pass
        code = process.wait(20)
    os.close(here)
    return shown.decode(errors="replace"), code


def test_a_command_waits_for_a_site_that_starts(server: NatsServer, tmp_path: Path) -> None:
    query = start_query(tmp_path, server.url, "- {id: cam1, name: a}\n")  # serves, and is not ready
    try:
        Site.at(str(tmp_path)).write_env({"HTTP_HOST": "127.0.0.1", "HTTP_PORT": str(query.port)})
        query.process.send_signal(signal.SIGSTOP)
        with subprocess.Popen(command(query, "users", "list"), cwd=ROOT, stderr=subprocess.PIPE, text=True) as asking:
            time.sleep(0.3)
            query.process.send_signal(signal.SIGCONT)
            _, said = asking.communicate(timeout=30)
        assert (asking.returncode, said) == (0, "")
    finally:
        query.stop()
