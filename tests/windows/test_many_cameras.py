"""Sixteen small cameras at ten times the speed: all windows close at once, and live segments stay on time."""

import json
import os
import signal
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from libs.contracts.slots import slot_at, unix_ms
from tests.e2e.site import Site, start_site, tell, wait_for

CAMERAS = [f"small-{number}" for number in range(1, 17)]
START = "2026-03-02T09:09:30+00:00"
WINDOW = slot_at(unix_ms(datetime.fromisoformat("2026-03-02T09:10:00Z")), 5)
WINDOW_ENDS_MS = unix_ms(datetime.fromisoformat("2026-03-02T09:20:00Z"))
pytestmark = [pytest.mark.timeout(200), pytest.mark.soak]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("many")
    entries = [{"id": name, "name": name, "profile": {"width": 64, "height": 48, "fps": 5}} for name in CAMERAS]
    (folder / "cameras.yaml").write_text(json.dumps(entries), encoding="utf-8")
    named = {"DOLBOM_CAMERAS": str(folder / "cameras.yaml")}
    site = start_site(folder / "data", named, PORT="0", CLOCK=f"{START}@10")
    wait_for(lambda: site.url or site.process.poll() is not None, 60, "the page's address")
    yield site
    os.killpg(site.process.pid, signal.SIGINT)
    site.process.wait(20)


def test_all_windows_close_within_twenty_seconds_and_nothing_is_late(site: Site) -> None:
    wait_for(lambda: now_ms(site) >= WINDOW_ENDS_MS, 100, "the end of the window")
    ended = time.monotonic()
    wait_for(lambda: all(whole(site, name) for name in CAMERAS), 20, "sixteen archives")
    tell(f"sixteen windows closed {time.monotonic() - ended:.1f} s after their end")
    for name in CAMERAS:
        archive = whole(site, name)[0]
        assert (archive["frames"], archive["captured_frames"], archive["gaps"]) == (3000, 3000, [])
    encoder = [json.loads(line) for line in site.log("encoder").splitlines() if line.startswith("{")]
    assert [line for line in encoder if line["action"] == "gap"] == []
    closed = {name: sum(one.suffix == ".ts" for one in hls(site, name).iterdir()) for name in CAMERAS}
    behind = (now_ms(site) - WINDOW_ENDS_MS) // 10_000
    assert min(closed.values()) >= 60 + behind - 3, "no camera's live segments wait for another's archive"


def now_ms(site: Site) -> int:
    """The site's clock."""
    return int(site.get("/api/v1/cameras", method="HEAD").headers.get("dolbom-now", 0))


def whole(site: Site, camera: str) -> list[dict[str, Any]]:
    """The archive of the window, once it is told."""
    items = site.get(f"/api/v1/cameras/{camera}/segments").json()["items"]
    return [one for one in items if one["first_slot"] == WINDOW]


def hls(site: Site, camera: str) -> Path:
    """Where a camera's segments are."""
    return site.data / "media" / camera / "hls"
