"""The moments at which a crash hurts most, found by watching files and facts, and what a crash left behind."""

import asyncio
import contextlib
import os
import random
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from types import TracebackType
from typing import Literal, get_args

from libs.bus import listen
from libs.contracts.facts import SegmentExpired
from tests.integration.past.site import CAMERA, PastSite

Moment = Literal["part", "ts", "playlist", "mp4", "closed", "expired"]
"""A file is being written; a segment, its playlist, an archive, its fact, the fact that it has expired are there."""
MOMENTS: tuple[Moment, ...] = get_args(Moment)
WITHIN = (0.0, 0.004, 0.03)
"""Seconds after a moment within which the process dies: what follows an archive or its fact comes very soon."""
_FACTS = {"closed": "segment.closed.*", "expired": "segment.expired.*"}


class Moments:
    """Sees when the next file or fact of a kind comes, for the length of a `with`."""

    def __init__(self, site: PastSite) -> None:
        self.counts: Counter[str] = Counter()
        """How often what was done and found."""
        self._site = site
        self._heard: Counter[str] = Counter()
        self._listening, self._leaving = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._listen()), daemon=True)

    def __enter__(self) -> "Moments":
        self._thread.start()
        assert self._listening.wait(10), "the bus is not heard"
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self._leaving.set()
        self._thread.join(10)

    def reach(self, moment: Moment, seconds: float, over: Callable[[], bool] = lambda: False) -> bool:
        """Wait for the next one; False when none came in time, or when it is `over`."""
        before, end = self._sign(moment), time.monotonic() + seconds
        while self._sign(moment) == before:
            if time.monotonic() > end or over():
                return False
            time.sleep(0.0005)
        return True

    def strike(self, rng: random.Random, moment: Moment, seconds: float, over: Callable[[], bool]) -> str:
        """Kill the encoder up to 30 ms after the next such moment, or after `seconds`; returns what was done."""
        came, pause = self.reach(moment, seconds, over), rng.uniform(0, rng.choice(WITHIN))
        time.sleep(pause)
        self._site.kill("encoder")
        left = list(left_behind(self._site))
        self.counts.update(["encoder killed", *(f"left {one}" for one in left)])
        when = f"{pause * 1000:.0f} ms after {moment}" if came else f"though no {moment} came"
        return f"encoder killed {when}" + (f", left {' and '.join(left)}" if left else "")

    def _sign(self, moment: Moment) -> object:
        """Something that changes when it happens."""
        if moment == "playlist":
            with contextlib.suppress(FileNotFoundError):
                return os.stat(self._site.hls / f"{CAMERA}.m3u8").st_ino
            return None
        if moment in _FACTS:
            return self._heard[moment]
        return frozenset(_names(self._site, f".{moment}"))

    async def _listen(self) -> None:
        """A server that is killed is found again by the connection itself."""
        subjects = list(_FACTS.values())
        async with self._site.server.bus("observer") as bus, listen(bus, subjects) as heard:
            self._listening.set()
            hearing = asyncio.create_task(self._hear(heard))
            await asyncio.to_thread(self._leaving.wait)
            hearing.cancel()

    async def _hear(self, heard: AsyncIterator[tuple[str, bytes]]) -> None:
        async for subject, _ in heard:
            self._heard[subject.split(".")[1]] += 1


def left_behind(site: PastSite) -> Iterator[str]:
    """What a dead encoder left half done: each of these is a seam that another one must close."""
    if any(_names(site, ".part")):
        yield "a half-written file"
    if site.segments:
        newest = site.segments[-1].name
        lists = [name for name in (f"{CAMERA}.m3u8", f"{CAMERA}_dvr.m3u8") if newest in _text(site, name)]
        if not lists:
            yield "a segment that no playlist lists"
        elif len(lists) == 1:
            yield "one playlist of two"
    told = {data.media_key.rsplit("/", 1)[-1] for data in site.closed()}
    archives = {path.name for path in site.archives}
    if archives - told:
        yield "an archive without its fact"
    expired = [fact.data for fact in site.facts("segment.expired")]
    if any(isinstance(one, SegmentExpired) and one.media_key.rsplit("/", 1)[-1] in archives for one in expired):
        yield "an expired archive on disk"


def _names(site: PastSite, suffix: str) -> Iterator[str]:
    """Files of the camera with this ending, half-written ones too."""
    for folder in ("hls", "archive"):
        with contextlib.suppress(FileNotFoundError):
            yield from (name for name in os.listdir(site.hls.parent / folder) if name.endswith(suffix))


def _text(site: PastSite, name: str) -> str:
    path = site.hls / name
    return path.read_text(encoding="ascii") if path.exists() else ""
