"""`HLSStreamGenerator`: carries out the steps of one camera's line in the media store: segments, then the playlist."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TypeVar

from prometheus_client import Counter, Gauge

from libs.bus import Lease
from libs.contracts.facts import CameraConfig
from libs.contracts.frames import Unit
from libs.contracts.slots import moment, slot_start_ms
from libs.media import MediaStore, NotMounted, NotThere, dvr_playlist_name, playlist_name, segment_name
from libs.observe import get_log
from libs.video.mux import read_ts, ts_segment
from libs.video.slate import slate_units
from libs.video.times import time_for_people
from services.encoder.domain import Begin, Close, End, Late, Line, Place, Slate, Step
from services.encoder.playlist import Listed, Playlist
from services.encoder.restore import read_back

log = get_log()
T = TypeVar("T")
_closed = Counter("dolbom_hls_segments_closed_total", "HLS segments written", ["camera"])
_slate = Counter("dolbom_slate_slots_total", "Slots that the encoder filled with slate", ["camera", "cause"])
_late = Counter("dolbom_late_slots_total", "Pictures that came after slate had taken their place", ["camera"])
_spoilt = Counter("dolbom_hls_segments_spoilt_total", "Segments whose name a foreign or damaged file has", ["camera"])
_failing = Gauge("dolbom_media_store_failing", "1 while a write to the media store is being repeated", ["camera"])
RETRY_FIRST, RETRY_MOST = 0.2, 5.0


class Superseded(Exception):
    """The lease ran out: whoever has it now writes this camera's files."""


class HLSStreamGenerator:
    """Segments and live playlist of one camera. A failing store is tried again until it works; nothing is skipped."""

    def __init__(self, camera: str, config: CameraConfig, store: MediaStore, lease: Lease) -> None:
        self.camera, self.config = camera, config
        self._store, self._lease, self._folder = store, lease, f"{camera}/hls"
        self._writer = f"e{lease.epoch}"
        self._open: list[Unit] = []
        self._playlist = Playlist(camera, config.profile.fps)
        self._dvr = Playlist(camera, config.profile.fps, dvr=True)
        self._params = self._open_params = ""
        self._last_picture: int | None = None

    async def restore(self, now_ms: int) -> Line:
        """The line as the files tell it; the playlist is brought up to them."""
        found = await self._persist(lambda: read_back(self._store, self.camera, self.config.profile.fps, now_ms))
        self._playlist, self._dvr, self._params, self._open = found.playlist, found.dvr, found.params, []
        if found.playlist.segments:
            last = found.playlist.segments[-1]
            self._last_picture = last.first_slot + last.frames - 1
        await self._write_playlist()
        log.info("restored", camera_id=self.camera, horizon=found.line.horizon, goes_on=found.line.next is not None)
        return found.line

    async def carry_out(self, steps: list[Step]) -> None:
        """Do what the line decided, in order."""
        for step in steps:
            match step:
                case Place():
                    self._open.append(step.unit)
                    self._open_params = step.params or self._open_params
                    self._last_picture = step.unit.slot if step.unit.kind != "s" else self._last_picture
                case Slate():
                    await self._fill(step)
                case Close():
                    await self._close(step)
                case Begin():
                    self._playlist, self._dvr = self._playlist.beginning(), self._dvr.beginning()
                    log.info("run_begun", camera_id=self.camera)
                case End():
                    await self._end()
                case Late():
                    _late.labels(self.camera).inc()

    async def _fill(self, gap: Slate) -> None:
        since = ""
        if self._last_picture is not None:
            at = moment(slot_start_ms(self._last_picture, self.config.profile.fps))
            since = time_for_people(at, self.config.time_zone)
        params, units = await asyncio.to_thread(slate_units, self.config.profile, gap.first, gap.last, gap.cause, since)
        self._open += units
        self._open_params = self._open_params or params
        _slate.labels(self.camera, gap.cause).inc(len(units))
        log.warning("gap", camera_id=self.camera, first_slot=gap.first, last_slot=gap.last, cause=gap.cause)

    async def _close(self, closing: Close) -> None:
        units, profile = self._open, self.config.profile
        self._open = []
        data = await asyncio.to_thread(ts_segment, units, profile.fps, profile.width, profile.height)
        name = segment_name(self.camera, closing.index)
        how = await self._persist(lambda: self._store.write_once(self._folder, name, data, self._writer))
        listed = Listed(closing.index, units[0].slot, len(units))
        if how == "stands":
            try:
                stands = await self._persist(lambda: read_ts(self._store.read(self._folder, name)))
            except ValueError as problem:
                # What bears the name is no segment of ours, and nothing is ever replaced: a place without pictures.
                _spoilt.labels(self.camera).inc()
                log.error("segment_not_ours", camera_id=self.camera, index=closing.index, reason=str(problem))
                return
            listed = Listed(closing.index, stands.first_slot, stands.frames)
        self._playlist, self._dvr = self._added(self._playlist, listed), self._added(self._dvr, listed)
        self._params = self._open_params
        await self._write_playlist()
        _closed.labels(self.camera).inc()
        log.info(
            "hls_segment_closed", camera_id=self.camera, index=closing.index, frames=listed.frames,
            bytes=len(data), complete=closing.complete, adopted=how == "stands",
        )  # fmt: skip

    def _added(self, playlist: Playlist, listed: Listed) -> Playlist:
        """Players need a discontinuity only where the codec's parameters change."""
        seam = bool(playlist.segments and self._params and self._open_params and self._params != self._open_params)
        return playlist.adding(replace(listed, discontinuity=seam))

    async def _end(self) -> None:
        self._playlist, self._dvr = self._playlist.ending(), self._dvr.ending()
        await self._write_playlist()
        log.info("run_ended", camera_id=self.camera)

    async def _write_playlist(self) -> None:
        if not self._playlist.segments or not self._playlist.worth_joining:
            return
        texts = {playlist_name(self.camera): self._playlist, dvr_playlist_name(self.camera): self._dvr}
        for name, playlist in texts.items():
            data = playlist.render().encode()
            await self._persist(partial(self._store.replace, self._folder, name, data, self._writer))

    async def _persist(self, work: Callable[[], T]) -> T:
        """Off the event loop, and again until the store takes it (full, read-only or vanished volume)."""
        pause = RETRY_FIRST
        while True:
            if not self._lease.held:
                raise Superseded(self.camera)
            try:
                done = await asyncio.to_thread(work)
            except (OSError, NotMounted, NotThere) as problem:
                _failing.labels(self.camera).set(1)
                reason = getattr(problem, "strerror", None) or str(problem)
                log.error("media_store_failing", camera_id=self.camera, reason=reason, retry_in_s=pause)
                await asyncio.sleep(pause)
                pause = min(pause * 2, RETRY_MOST)
            else:
                _failing.labels(self.camera).set(0)
                return done
