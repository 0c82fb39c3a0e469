"""MPEG's clock has 33 bits and begins again every 26.5 hours: nothing is lost there, in no file and in no player."""

import functools
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import sync_playwright

from libs.contracts.slots import hls_first_slot, hls_index, moment, slot_start_ms
from libs.video.ffmpeg import ffmpeg_program
from services.query.rest.page import FILES, WEB
from tests.e2e.browser import ARGUMENTS
from tests.integration.past.pictures import pictures, wrong
from tests.integration.past.site import CAMERA, PastSite, past_site, until
from tests.marker import read_marker

WRAP = 8_971_709_462
"""The slot (5 fps) within which the 33 bits begin again: 18 800 times 2**33 ticks after the epoch."""
FIRST = hls_first_slot(hls_index(WRAP, 5) - 1, 5)
SLOTS = 150


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PastSite]:
    """A past run of thirty seconds, with the wrap in its middle segment."""
    begin = moment(slot_start_ms(FIRST, 5))
    with past_site(tmp_path_factory.mktemp("wrap")) as site:
        site.start("ingest", "encoder")
        site.wish(begin, begin + timedelta(seconds=SLOTS // 5))
        until(lambda: site.ended, 60, site.words)
        yield site


def test_nothing_is_lost_where_the_stamps_begin_again(site: PastSite) -> None:
    assert WRAP * 18_000 // 2**33 < (WRAP + 1) * 18_000 // 2**33
    site.until_told(1)
    seen = [one for path in site.segments for one in pictures(path)]
    assert (len(seen), wrong(seen, FIRST)) == (SLOTS, [])
    (archive,) = site.archives
    assert pictures(archive) == seen


def test_ffmpeg_plays_over_it_without_a_word(site: PastSite) -> None:
    playlist = site.hls / f"{CAMERA}_dvr.m3u8"
    said = subprocess.run(
        [ffmpeg_program(), "-v", "warning", "-i", playlist, "-f", "null", "-"], capture_output=True, check=True
    )
    assert said.stderr == b""


PLAYER = f"""<!doctype html><title>wrap</title><video muted></video><script src="hls.js"></script><script>
const video = document.querySelector("video"), said = [], hls = new Hls();
hls.on(Hls.Events.ERROR, (_, data) => said.push(data.details));
hls.loadSource("{CAMERA}_dvr.m3u8");
hls.attachMedia(video);
const once = (name) => new Promise((done) => video.addEventListener(name, done, {{ once: true }}));
const ranges = () => Array.from(video.buffered, (_, n) => [video.buffered.start(n), video.buffered.end(n)]);
const painted = () => new Promise((done) => video.requestVideoFrameCallback((_, frame) => done(frame.mediaTime)));
async function shown(at) {{ // the strip with the marker, and the date that the player gives to this picture
  const there = Promise.all([once("seeked"), painted()]);
  video.currentTime = at;
  await there;
  const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight), pen = canvas.getContext("2d");
  pen.drawImage(video, 0, 0);
  const strip = pen.getImageData(0, canvas.height - 4, canvas.width, 4).data;
  return {{ date: hls.playingDate.getTime(), red: Array.from(strip.filter((_, n) => n % 4 === 0)) }};
}}
async function every(slots) {{
  const found = [];
  for (let n = 0; n < slots; n++) found.push(await shown(video.buffered.start(0) + (n + 0.5) / 5));
  return found;
}}
async function play(from, to) {{ // the media times of the frames that came to the screen
  await shown(from);
  const times = [];
  const note = (_, frame) => {{ times.push(frame.mediaTime); video.requestVideoFrameCallback(note); }};
  video.requestVideoFrameCallback(note);
  await video.play();
  while (video.currentTime < to) await once("timeupdate");
  video.pause();
  return times;
}}
</script>"""


@pytest.mark.skipif(not shutil.which("chromium"), reason="chromium is not installed")
def test_hls_js_shows_every_picture_around_it(site: PastSite) -> None:
    (site.hls / "index.html").write_text(PLAYER, encoding="ascii")
    shutil.copy(WEB / FILES["hls.js"][0], site.hls / "hls.js")
    with served(site.hls) as url, sync_playwright() as play:
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), headless=True, args=ARGUMENTS)
        page = browser.new_page()
        page.goto(url)
        page.wait_for_function(f"ranges().length && ranges()[0][1] - ranges()[0][0] > {SLOTS / 5 - 0.01}")
        ((begin, end),) = page.evaluate("ranges()")
        shown: list[dict[str, Any]] = page.evaluate(f"every({SLOTS})")
        wrap = begin + (WRAP - FIRST) / 5
        times: list[float] = page.evaluate(f"play({wrap - 1}, {wrap + 1})")
        said = page.evaluate("said")
        browser.close()
    assert said == []
    assert end - begin == pytest.approx(SLOTS / 5, abs=0.001)
    markers = [read_marker(np.array(one["red"], np.uint8).reshape(4, -1)) for one in shown]
    expected = range(FIRST, FIRST + SLOTS)
    assert [marker.slot if marker else None for marker in markers] == [slot & 0xFFFFFF for slot in expected]
    dates = [slot_start_ms(slot, 5) + 100 for slot in expected]
    assert max(abs(one["date"] - date) for one, date in zip(shown, dates, strict=True)) <= 1
    assert times[0] < wrap < times[-1], "it plays over the wrap"


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The folder over HTTP, on a port of its own."""
    handler = functools.partial(Silent, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()


class Silent(SimpleHTTPRequestHandler):
    """Says nothing of what it serves."""

    def log_message(self, format: str, *args: Any) -> None:
        """Not on the test's output."""
