"""A viewer: the page in a real headless Chromium, from the moment its address is known."""

import threading
import time
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from playwright.sync_api import ConsoleMessage, Page, sync_playwright

ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--autoplay-policy=no-user-gesture-required", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
LOOK = """() => {
  const video = document.querySelector('video');
  const q = video?.getVideoPlaybackQuality?.();
  return video ? [video.currentTime, q ? q.totalVideoFrames : 0, video.videoWidth, video.videoHeight] : [0, 0, 0, 0];
}"""


@dataclass
class Viewer:
    """Watches in its own thread until `stop`."""

    url: str
    chromium: str
    pictures: Path
    console: list[str] = field(default_factory=list)
    moves: list[tuple[float, float, int]] = field(default_factory=list)
    size: tuple[int, int] = (0, 0)
    still_at: float = 0.0
    ages: list[str] = field(default_factory=list)
    problem: str = ""
    _stopping: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Open the page."""
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Close the browser."""
        self._stopping.set()
        if self._thread:
            self._thread.join(20)

    def moving_at(self) -> float | None:
        """When the video was first seen to have moved."""
        began = next((place for _, place, frames in self.moves if frames > 0), None)
        if began is None:
            return None
        return next((at for at, place, _ in self.moves if place >= began + 0.5), None)

    def longest_stall(self) -> float:
        """The longest time for which the video stood still, or by which it jumped, once it moved; in seconds.

        A look that came late is no stall of the video: what it played meanwhile counts.
        """
        begun = self.moving_at()
        if begun is None:
            return float("inf")
        stall = most = 0.0
        looks = [(at, place) for at, place, _ in self.moves if at >= begun]
        for (before, was), (at, place) in pairwise(looks):
            stall += abs(at - before - (place - was))
            most = max(most, stall)
            stall = stall if place == was else 0.0
        return most

    def _watch(self) -> None:
        try:
            with sync_playwright() as play:
                browser = play.chromium.launch(executable_path=self.chromium, headless=True, args=ARGUMENTS)
                page = browser.new_page(viewport={"width": 1100, "height": 800}, locale="ko-KR")
                page.on("console", self._hear)
                page.on("pageerror", lambda error: self.console.append(f"page error: {error}"))
                page.goto(self.url)
                self._look(page)
                browser.close()
        except Exception as problem:  # noqa: BLE001 - the test reads it from the other thread
            self.problem = f"{type(problem).__name__}: {problem}"

    def _look(self, page: Page) -> None:
        shown = False
        while not self._stopping.is_set():
            place, frames, width, height = page.evaluate(LOOK)
            now = time.monotonic()
            self.moves.append((now, place, frames))
            if not self.still_at and page.evaluate("() => [...document.images].some(i => i.naturalWidth > 0)"):
                self.still_at = now
                page.screenshot(path=str(self.pictures / "still.png"))
            if frames and width:
                self.size = (width, height)
            if not shown and self.moving_at():
                shown = True
                page.screenshot(path=str(self.pictures / "live.png"))
            self.ages.append(page.inner_text("body"))
            self._stopping.wait(0.25)
        page.screenshot(path=str(self.pictures / "end.png"))

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.console.append(f"{message.type}: {message.text}")
