"""Playlists (RFC 8216): numbers and times from slots, so that a restart of the encoder is invisible. Pure."""

import re
from dataclasses import dataclass, replace
from datetime import datetime

from libs.contracts.slots import HLS_SECONDS, hls_first_slot, moment, rfc3339, slot_at, slot_start_ms, unix_ms
from libs.media import read_segment_name, segment_name

LISTED = 6
"""Segments in the live playlist."""

DVR_LISTED = 720
"""Places in the two-hour playlist; a place without a segment is a gap."""

JOIN_SECONDS = 7
"""A run's playlist is published once it lists so much: a player that joins at less stalls (measured with hls.js)."""


class BadPlaylist(ValueError):
    """The text is no playlist of ours."""


@dataclass(frozen=True, slots=True)
class Listed:
    """One closed segment in the playlist."""

    index: int
    first_slot: int
    frames: int
    discontinuity: bool = False


@dataclass(frozen=True, slots=True)
class Playlist:
    """The newest segments, oldest first: of a run (live), or of two hours (`dvr`), where absent ones are gaps.

    `discontinuities`: how many left the list (EXT-X-DISCONTINUITY-SEQUENCE).
    """

    camera: str
    fps: int
    dvr: bool = False
    segments: tuple[Listed, ...] = ()
    discontinuities: int = 0
    ended: bool = False
    first: int = -1
    """Index of the first place, which may be a gap; -1 when there is none yet."""

    def adding(self, segment: Listed) -> "Playlist":
        """The list with one more segment, and without what has become too old."""
        begins = segment.index + 1 - (DVR_LISTED if self.dvr else LISTED)
        kept = tuple(one for one in self.segments if one.index >= begins)
        gone = self.discontinuities + sum(one.discontinuity for one in self.segments if one.index < begins)
        first = segment.index if self.first < 0 else max(self.first, begins)
        return replace(self, segments=(*kept, segment), discontinuities=gone, ended=False, first=first)

    def ending(self) -> "Playlist":
        """The list of a run that is over."""
        return replace(self, ended=True)

    def beginning(self) -> "Playlist":
        """The list of a new run: nothing older when live, everything that is not too old otherwise."""
        return replace(self, ended=False) if self.dvr else Playlist(self.camera, self.fps)

    @property
    def worth_joining(self) -> bool:
        """May players see it? A run that begins just before a boundary waits for its second segment."""
        return self.ended or sum(one.frames for one in self.segments) >= JOIN_SECONDS * self.fps

    def render(self) -> str:
        """The text of the `.m3u8`."""
        lines = [
            "#EXTM3U",
            f"#EXT-X-VERSION:{8 if self.dvr else 6}",
            f"#EXT-X-TARGETDURATION:{HLS_SECONDS}",
            f"#EXT-X-MEDIA-SEQUENCE:{max(self.first, 0)}",
            *([f"#EXT-X-DISCONTINUITY-SEQUENCE:{self.discontinuities}"] if self.discontinuities else []),
            "#EXT-X-INDEPENDENT-SEGMENTS",
        ]
        expected = self.first
        for one in self.segments:
            for absent in range(expected, one.index):
                lines += ["#EXT-X-GAP", *self._place(absent, hls_first_slot(absent, self.fps), HLS_SECONDS * self.fps)]
            lines += ["#EXT-X-DISCONTINUITY"] if one.discontinuity else []
            lines += self._place(one.index, one.first_slot, one.frames)
            expected = one.index + 1
        lines += ["#EXT-X-ENDLIST"] if self.ended else []
        return "\n".join(lines) + "\n"

    def _place(self, index: int, first_slot: int, frames: int) -> list[str]:
        return [
            f"#EXT-X-PROGRAM-DATE-TIME:{rfc3339(moment(slot_start_ms(first_slot, self.fps)))}",
            f"#EXTINF:{frames / self.fps:.3f},",
            segment_name(self.camera, index),
        ]


_TAG = re.compile(r"#(?P<name>EXT[A-Z0-9-]*)(?::(?P<value>.*))?")


def parse(text: str, camera: str, fps: int, *, dvr: bool = False) -> Playlist:
    """Read back a playlist that we wrote; raises BadPlaylist."""
    if not text.startswith("#EXTM3U\n"):
        raise BadPlaylist("no #EXTM3U")
    segments: list[Listed] = []
    tags: dict[str, str] = {}
    first = -1
    for line in text.splitlines():
        tag = _TAG.fullmatch(line)
        if tag:
            tags[tag["name"]] = tag["value"] or ""
            continue
        listed = _listed(line, camera, fps, tags)
        first = listed.index if first < 0 else first
        if tags.pop("EXT-X-GAP", None) is None:
            segments.append(listed)
            tags.pop("EXT-X-DISCONTINUITY", None)
    left = _number(tags.get("EXT-X-DISCONTINUITY-SEQUENCE", "0"))
    return Playlist(camera, fps, dvr, tuple(segments), left, "EXT-X-ENDLIST" in tags, first)


def _listed(line: str, camera: str, fps: int, tags: dict[str, str]) -> Listed:
    """The segment that the tags before its name describe."""
    index = read_segment_name(camera, line)
    try:
        frames = round(float(tags["EXTINF"].rstrip(",")) * fps)
        began = unix_ms(datetime.fromisoformat(tags["EXT-X-PROGRAM-DATE-TIME"]))
    except (KeyError, ValueError) as problem:
        raise BadPlaylist(f"{line[:60]!r} has no duration or no time") from problem
    if index is None or not 0 < frames <= HLS_SECONDS * fps:
        raise BadPlaylist(f"{line[:60]!r} is no segment of ours")
    return Listed(index, slot_at(began, fps), frames, "EXT-X-DISCONTINUITY" in tags)


def _number(text: str) -> int:
    if not text.isdigit():
        raise BadPlaylist(f"{text!r} is no number")
    return int(text)
