"""The poller keeps what changed, bears what does not answer, and the command tells people what it found."""

import http.client
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.hls_checker import History, Watch, check, watch
from tests.hls_checker.__main__ import main
from tests.unit.hls_checker.lists import FIRST, full, text

SIX, NEXT = text(full(6)), text(full(6, FIRST + 1))


class Script:
    """Answers, exceptions among them, one for each question, on a clock that only `pause` moves."""

    def __init__(self, *answers: tuple[int, bytes] | Exception) -> None:
        self.answers, self.asked, self.now = answers, 0, 100.0

    def fetch(self) -> tuple[int, bytes]:
        answer = self.answers[self.asked]
        self.asked += 1
        if isinstance(answer, Exception):
            raise answer
        return answer

    def pause(self, seconds: float) -> None:
        self.now += seconds

    def watch(self, every: float = 0.2) -> History:
        return watch(
            self.fetch,
            lambda: self.asked == len(self.answers),
            every=every,
            clock=lambda: self.now,
            pause=self.pause,
        )


def test_only_changed_versions_are_kept_each_with_the_time_it_came() -> None:
    script = Script((200, SIX.encode()), (200, SIX.encode()), (200, NEXT.encode()), (200, NEXT.encode()))
    history = script.watch(every=10)
    assert [(seen.at, seen.text) for seen in history.versions] == [(100, SIX), (120, NEXT)]
    assert history.until == 130
    assert check(history) == []


def test_no_answer_ends_nothing() -> None:
    script = Script(
        (404, b"not yet"), (200, SIX.encode()), ConnectionRefusedError("nobody"), http.client.IncompleteRead(b""),
        (200, SIX.encode()), (200, NEXT.encode()),
    )  # fmt: skip
    history = script.watch()
    assert [seen.text for seen in history.versions] == [SIX, NEXT]
    assert [(status, said) for _, status, said in history.refusals] == [
        (404, "not yet"),
        (0, "nobody"),
        (0, "IncompleteRead(0 bytes read)"),
    ]
    assert check(history) == []


def test_a_version_that_comes_again_is_a_version() -> None:
    script = Script((200, NEXT.encode()), (200, SIX.encode()), (200, NEXT.encode()))
    assert [finding.rule for finding in check(script.watch())] == ["sequence.back"]


def test_what_is_no_text_is_a_finding_and_no_crash() -> None:
    assert check(Script((200, SIX.encode().replace(b"-1_", b"\xff_"))).watch())


def test_a_watch_in_a_thread_can_be_read_while_it_grows() -> None:
    asked = threading.Event()

    def fetch() -> tuple[int, bytes]:
        asked.set()
        return 200, SIX.encode()

    watching = Watch(fetch, every=0.01)
    assert asked.wait(5)
    while not watching.history.versions:
        time.sleep(0.01)
    history = watching.stop()
    until = history.until
    time.sleep(0.03)
    assert history.until == until, "it has ended"
    assert [seen.text for seen in history.versions] == [SIX]


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """The address at which a file is served (404 while it is not there), and the file."""
    file = tmp_path / "camera-1.m3u8"

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = file.read_bytes() if file.exists() else b""
            self.send_response(200 if body else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/hls/camera-1.m3u8", file
        server.shutdown()


def test_the_command(served: tuple[str, Path], capsys: pytest.CaptureFixture[str]) -> None:
    address, file = served
    assert main([address, "--seconds", "0.15"]) == 2
    assert "no playlist" in capsys.readouterr().err
    file.write_text(SIX)
    assert main([address, "--seconds", "0.15"]) == 0
    assert "1 versions in 0 s, 0 findings" in capsys.readouterr().out
    file.write_text(SIX[:-30])
    assert main([str(file), "--seconds", "0.15"]) == 1
    told = capsys.readouterr().out
    assert told.startswith("line.cut: the text ends in mid-line")
    assert "RFC 8216 4.1" in told


def test_the_command_knows_the_two_hour_playlist_and_decodes_a_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    playlist = tmp_path / "camera-1_dvr.m3u8"
    playlist.write_text(text(full(9), dvr=True))
    assert main([str(playlist), "--seconds", "0"]) == 2, "not asked even once"
    assert main([str(playlist), "--seconds", "0.15"]) == 0
    assert main([str(playlist), "--seconds", "0.15", "--files", str(tmp_path)]) == 1
    assert capsys.readouterr().out.count("file.missing") == 9
