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


def read_file(path: Path) -> File:
    """Demux and decode one `.ts`; never raises for what is in it."""
    data = path.read_bytes()
    file = File(path.name, hashlib.sha256(data).hexdigest())
    try:
        with av.open(io.BytesIO(data), "r", format="mpegts") as container:
            return _decoded(container, file)
    except (av.FFmpegError, IndexError) as problem:
        return replace(file, problem=f"the decoder gave up: {problem}")


def _decoded(container: av.container.InputContainer, file: File) -> File:
    pictures = damaged = 0
    units: list[tuple[int | None, int | None, bytes, bool]] = []
    streams = tuple(stream.type for stream in container.streams)
    for packet in container.demux(container.streams.video[0]):
        if packet.size:
            units.append((packet.pts, packet.dts, bytes(packet), packet.is_keyframe))
            damaged += packet.is_corrupt
        frames = packet.decode()
        pictures += len(frames)
        damaged += sum(frame.is_corrupt for frame in frames)
    stamps = [read_stamp(unit) for _, _, unit, _ in units]
    return replace(
        file, pictures=pictures, damaged=damaged, streams=streams,
        pts=tuple(pts for pts, _, _, _ in units), dts=tuple(dts for _, dts, _, _ in units),
        slots=tuple(stamp.slot if stamp else None for stamp in stamps),
        key=bool(units and units[0][3]), params=params_id(units[0][2]) if units else "",
    )  # fmt: skip


def read_directory(folder: Path) -> list[File]:
    """Every `.ts` of a folder, oldest first."""
    return [read_file(path) for path in sorted(folder.glob("*.ts"), key=lambda path: (len(path.name), path.name))]


def check_directory(folder: Path, terms: Terms | None = None) -> tuple[list[File], list[Finding]]:
    """The files of a folder (for `check`, together with a history), and what is wrong with each by itself."""
    files = read_directory(folder)
    return files, [finding for file in files for finding in file_findings(file, terms or Terms())]
