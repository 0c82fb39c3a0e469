"""Reads HLS segments as a player's decoder does, and says what is wrong with them."""

import hashlib
import io
from dataclasses import replace
from pathlib import Path

import av

from libs.video.sei import read_stamp
from libs.video.x264 import params_id
from tests.hls_checker.files import File, file_findings
from tests.hls_checker.rules import Finding, Terms

_PACKET, _SYNC = 188, 0x47


def read_file(path: Path) -> File:
    """Demux and decode one `.ts`; never raises for what is in it."""
    data = path.read_bytes()
    file = File(path.name, hashlib.sha256(data).hexdigest())
    try:
        with av.open(io.BytesIO(data), "r", format="mpegts") as container:
            return _decoded(container, replace(file, damaged=_torn(data)))
    except (av.FFmpegError, IndexError) as problem:
        return replace(file, problem=f"no video can be read: {problem}")


def _decoded(container: av.container.InputContainer, file: File) -> File:
    pictures, damaged = 0, file.damaged
    units: list[tuple[int | None, int | None, bytes, bool]] = []
    streams = tuple(stream.type for stream in container.streams)
    for packet in container.demux(container.streams.video[0]):
        if packet.size:
            units.append((packet.pts, packet.dts, bytes(packet), packet.is_keyframe))
        try:
            frames = packet.decode()
        except av.FFmpegError:
            damaged += 1
            continue
        pictures += len(frames)
        damaged += packet.is_corrupt or any(frame.is_corrupt for frame in frames)
    stamps = [read_stamp(unit) for _, _, unit, _ in units]
    return replace(
        file, pictures=pictures, damaged=damaged, streams=streams,
        pts=tuple(pts for pts, _, _, _ in units), dts=tuple(dts for _, dts, _, _ in units),
        slots=tuple(stamp.slot if stamp else None for stamp in stamps),
        key=bool(units and units[0][3]), params=params_id(units[0][2]) if units else "",
    )  # fmt: skip


def _torn(data: bytes) -> int:
    """Breaks between transport packets (ISO/IEC 13818-1, 2.4.3.3), which FFmpeg passes over in silence."""
    torn = 1 if len(data) % _PACKET else 0
    counters: dict[int, int] = {}
    for start in range(0, len(data) - _PACKET + 1, _PACKET):
        sync, high, low, flags = data[start : start + 4]
        program, counter, payload = (high & 31) << 8 | low, flags & 15, flags & 16
        if sync != _SYNC:
            torn += 1
        elif payload:
            torn += counter != counters.get(program, counter)
            counters[program] = (counter + 1) % 16
    return torn


def read_directory(folder: Path) -> list[File]:
    """Every `.ts` of a folder, oldest first."""
    return [read_file(path) for path in sorted(folder.glob("*.ts"), key=lambda path: (len(path.name), path.name))]


def check_directory(folder: Path, terms: Terms | None = None) -> tuple[list[File], list[Finding]]:
    """The files of a folder (for `check`, together with a history), and what is wrong with each by itself."""
    files = read_directory(folder)
    return files, [finding for file in files for finding in file_findings(file, terms or Terms())]
