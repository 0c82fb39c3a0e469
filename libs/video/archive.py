"""One mp4 of a row of HLS segments, without a new encoding, and the account of what it holds."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import IO

import av

from libs.contracts.facts import Gap
from libs.contracts.slots import TICKS_PER_SECOND, ticks_per_slot
from libs.video.sei import Stamp, read_stamp

_TICK = Fraction(1, TICKS_PER_SECOND)
_OPTIONS = {"movflags": "faststart", "video_track_timescale": str(TICKS_PER_SECOND), "use_editlist": "0"}


class BrokenRow(ValueError):
    """The segments do not follow one another slot by slot, or are not ours."""


@dataclass(frozen=True, slots=True)
class Account:
    """What an archive holds, counted from the stamps in its pictures."""

    first_slot: int
    frames: int
    captured: int
    held: int
    gaps: tuple[Gap, ...]
    width: int
    height: int


def write_archive(segments: Iterable[IO[bytes]], target: Path, fps: int) -> Account:
    """Remux open `.ts` files, in order, into `target`: first pts 0, exact duration, no edit list, fast start.

    Raises BrokenRow when a picture's slot does not follow the one before, OSError when the disk takes no more.
    """
    # PyAV 18.1 never closes a file whose header could not be written: a full disk must say so before.
    target.write_bytes(b"\0")
    try:
        return _remux(segments, target, fps)
    except av.FFmpegError as problem:
        if isinstance(problem, OSError):
            raise
        raise BrokenRow(f"unreadable: {problem}") from problem


def _remux(segments: Iterable[IO[bytes]], target: Path, fps: int) -> Account:
    ticks, stamps, size = ticks_per_slot(fps), list[Stamp](), (0, 0)
    with av.open(str(target), "w", format="mp4", options=_OPTIONS) as out:
        stream: av.VideoStream | None = None
        for segment in segments:
            with av.open(segment, "r", format="mpegts") as source:
                video = source.streams.video[0]
                if stream is None:
                    stream = out.add_stream_from_template(video)
                    size = video.codec_context.width, video.codec_context.height
                for packet, stamp in _stamped_packets(source, video):
                    if stamps and stamp.slot != stamps[-1].slot + 1:
                        raise BrokenRow(f"slot {stamp.slot} comes after {stamps[-1].slot}")
                    # Times are counted, never taken from the segments: those begin again every 26.5 hours.
                    packet.pts = packet.dts = len(stamps) * ticks
                    packet.duration, packet.time_base, packet.stream = ticks, _TICK, stream
                    out.mux(packet)
                    stamps.append(stamp)
        if not stamps:
            raise BrokenRow("no pictures")
    return account(stamps, *size)


def account(stamps: list[Stamp], width: int, height: int) -> Account:
    """Count what the stamps say."""
    return Account(
        first_slot=stamps[0].slot,
        frames=len(stamps),
        captured=sum(stamp.kind == "c" for stamp in stamps),
        held=sum(stamp.kind == "h" for stamp in stamps),
        gaps=tuple(gaps(stamps)),
        width=width,
        height=height,
    )


def gaps(stamps: Iterable[Stamp]) -> Iterator[Gap]:
    """The rows of slate, each with its one cause."""
    gap: Gap | None = None
    for stamp in stamps:
        if stamp.kind != "s":
            continue
        cause = "source" if stamp.cause == "none" else stamp.cause
        if gap is not None and gap.last_slot + 1 == stamp.slot and gap.cause == cause:
            gap = gap.model_copy(update={"last_slot": stamp.slot})
            continue
        if gap is not None:
            yield gap
        gap = Gap(first_slot=stamp.slot, last_slot=stamp.slot, cause=cause)
    if gap is not None:
        yield gap


def _stamped_packets(
    source: "av.container.InputContainer", video: av.VideoStream
) -> "Iterator[tuple[av.Packet[av.VideoStream], Stamp]]":
    for packet in source.demux(video):
        if not packet.size:
            continue
        stamp = read_stamp(bytes(packet))
        if stamp is None:
            raise BrokenRow("a picture without a stamp")
        yield packet, stamp
