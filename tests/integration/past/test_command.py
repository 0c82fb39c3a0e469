"""`dolbom import`: what was checked, what is shown, and that files are played once, in order, to their ends."""

import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from libs.contracts.slots import slot_at, unix_ms
from libs.video.ffmpeg import ffmpeg_program
from tests.integration.past.pictures import pictures
from tests.integration.past.site import CAMERA, ROOT, PastSite, past_site, until

START = "2026-03-02T09:09:50+09:00"


def command(site: PastSite, *typed: str) -> list[str]:
    """The command on this site, as `dolbom up` would have left it."""
    data = site.folder / "data"
    for folder in ("run", "nats"):
        (data / folder).mkdir(parents=True, exist_ok=True)
    (data / "run" / "env").write_text(f"NATS_URL={site.server.url}\nMEDIA_URL={site.folder / 'media'}\n")
    (data / "nats" / "query.password").write_text("query\n")
    small = ["--profile", "160x120@5", "--data", str(data)]
    return [sys.executable, "-m", "cli", "import", "--camera", CAMERA, "--start", START, *small, *typed]


def asked(site: PastSite, *typed: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command(site, *typed), cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def film(path: Path, seconds: int, luma: int) -> Path:
    """One grey, so that pixels tell which film a picture comes from."""
    grey = f"color=c=0x{luma:02x}{luma:02x}{luma:02x}:s=320x240:r=25:d={seconds}"
    subprocess.run(
        [ffmpeg_program(), "-v", "error", "-f", "lavfi", "-i", grey, "-pix_fmt", "yuv420p", path], check=True
    )
    return path


def test_files_are_played_once_in_order(tmp_path: Path) -> None:
    films = [film(tmp_path / "둘 2.mp4", 18, 60), film(tmp_path / "one.mp4", 13, 180)]
    with past_site(tmp_path / "site") as site:
        site.start("ingest", "encoder")
        said = asked(site, *map(str, films))
        assert (said.returncode, said.stderr) == (0, ""), said.stderr
        first, *archives, last = said.stdout.splitlines()
        assert f"2 videos becomes {CAMERA}" in first
        assert len(archives) == 2
        assert "done" in last
        seen = [one for path in site.segments for one in pictures(path)]
        begin = site.closed()[0].first_slot
        assert begin == slot_at(unix_ms(site.closed()[0].started_at), 5)
        assert [one.stamp.slot for one in seen] == list(range(begin, begin + 155))
        assert {one.stamp.kind for one in seen} == {"c"}
        bright = [one.luma > 120 for one in seen]
        assert bright == [False] * 90 + [True] * 65
        again = asked(site, "--demo", "1")
        assert (again.returncode, again.stdout) == (2, "")
        assert "is recorded up to" in again.stderr


def test_ctrl_c_leaves_the_import_to_go_on(tmp_path: Path) -> None:
    with past_site(tmp_path) as site:
        site.start("encoder")
        with subprocess.Popen(command(site, "--demo", "3"), cwd=ROOT, stdout=subprocess.PIPE, text=True) as shown:
            assert shown.stdout
            assert "becomes" in shown.stdout.readline()
            shown.send_signal(signal.SIGINT)
            assert "goes on" in shown.stdout.read()
            assert shown.wait(10) == 0
        site.start("ingest")
        until(lambda: site.ended, 60, site.words)
        assert sum(one.frames for one in site.until_told(2)) == 900


def test_a_camera_that_runs_takes_no_import(tmp_path: Path) -> None:
    with past_site(tmp_path) as site:
        site.wish_live()
        said = asked(site, "--demo", "1")
        assert (said.returncode, said.stdout) == (2, "")
        assert "is a live one" in said.stderr
    with past_site(tmp_path / "other") as site:
        site.wish(datetime(2025, 3, 2, tzinfo=UTC), datetime(2025, 3, 3, tzinfo=UTC))
        assert "still goes on" in asked(site, "--demo", "1").stderr


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        (("--demo", "3", "--start", "2126-03-02T09:00:00Z"), "in the past"),
        (("--demo", "3", "--start", "2026-03-02T09:00:00"), "no time with a zone"),
        (("--demo", "3", "--start", "1999-03-02T09:00:00Z"), "too long ago"),
        (("--demo", "3", "--camera", "Hall 1"), "no camera id"),
        (("--demo", "3", "--profile", "640x480"), "WIDTHxHEIGHT@FPS"),
        (("--demo", "3", "--profile", "640x481@5"), "even"),
        (("--demo", "0"), "not possible"),
        ((), "--demo MINUTES"),
        (("{tmp}/absent.mp4",), "no file"),
        (("{tmp}/text.mp4",), "no video"),
        (("{tmp}/text.mp4", "--demo", "1"), "either"),
    ],
)
def test_a_refusal_is_one_line_and_2(typed: tuple[str, ...], says: str, tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("no film")
    for folder in ("data/run", "data/nats"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "data" / "run" / "env").write_text("NATS_URL=nats://127.0.0.1:9\n")
    (tmp_path / "data" / "nats" / "query.password").write_text("query\n")
    words = [word.format(tmp=tmp_path) for word in typed]
    told = ["--data", str(tmp_path / "data"), "--camera", CAMERA, "--start", START, *words]
    said = subprocess.run(
        [sys.executable, "-m", "cli", "import", *told], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (said.returncode, said.stdout) == (2, "")
    assert len(said.stderr.splitlines()) == 1
    assert says in said.stderr
