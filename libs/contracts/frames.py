"""Frames on the bus: one message holds the H.264 of consecutive slots of one wall second, or one JPEG.

Read counts and keys from the headers: video need not come from our own x264.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from libs.contracts.subjects import MSG_ID

VERSION = "1"
MAX_PAYLOAD = 512 * 1024
"""Above this a second is cut at an access unit."""

Kind = Literal["c", "h", "s"]
"""captured, held (the last picture again), slate (no picture)."""

Cause = Literal["none", "source", "ingest", "bus", "clock", "restart"]
"""Why a slot is slate."""

CAUSES: tuple[Cause, ...] = ("none", "source", "ingest", "bus", "clock", "restart")
"""In the order of their byte in the SEI."""

End = Literal["stopped", "source_ended"]
_KINDS: dict[str, Kind] = {"c": "c", "h": "h", "s": "s"}
_ENDS: dict[str, End] = {"stopped": "stopped", "source_ended": "source_ended"}


class FrameError(ValueError):
    """The message does not keep the contract; the text says how."""


@dataclass(frozen=True, slots=True)
class Unit:
    """One access unit (Annex B, with its slot SEI): the picture of one slot."""

    slot: int
    kind: Kind
    key: bool
    data: bytes


@dataclass(frozen=True, slots=True)
class VideoMessage:
    """A message of `frames.video.{camera}`. `run` is `epoch.n`: one per x264 instance; `params`: SPS+PPS, 16 hex."""

    camera: str
    fps: int
    epoch: int
    run: str
    params: str
    units: tuple[Unit, ...]
    end: End | None = None

    @property
    def first_slot(self) -> int:
        """The slot of the first access unit."""
        return self.units[0].slot

    @property
    def last_slot(self) -> int:
        """The slot of the last access unit."""
        return self.units[-1].slot

    def headers(self) -> dict[str, str]:
        """All NATS headers, the id for de-duplication among them."""
        named = {
            MSG_ID: f"video:{self.camera}:{self.epoch}:{self.first_slot}",
            "Dolbom-V": VERSION,
            "Dolbom-First-Slot": str(self.first_slot),
            "Dolbom-Fps": str(self.fps),
            "Dolbom-Sizes": ",".join(str(len(unit.data)) for unit in self.units),
            "Dolbom-Kinds": "".join(unit.kind for unit in self.units),
            "Dolbom-Keys": "".join("1" if unit.key else "0" for unit in self.units),
            "Dolbom-Epoch": str(self.epoch),
            "Dolbom-Run": self.run,
            "Dolbom-Params": self.params,
        }
        return named | ({"Dolbom-End": self.end} if self.end else {})

    def payload(self) -> bytes:
        """The access units, joined."""
        return b"".join(unit.data for unit in self.units)


def read_video(camera: str, headers: Mapping[str, str], payload: bytes) -> VideoMessage:
    """Parse a message of `frames.video.{camera}`; raises FrameError with the header that is wrong."""
    if headers.get("Dolbom-V") != VERSION:
        raise FrameError(f"Dolbom-V is {headers.get('Dolbom-V')!r}; this code reads {VERSION!r}")
    first, kinds, keys = (
        _int(headers, "Dolbom-First-Slot"),
        headers.get("Dolbom-Kinds", ""),
        headers.get("Dolbom-Keys", ""),
    )
    try:
        sizes = [int(size) for size in headers.get("Dolbom-Sizes", "").split(",")]
    except ValueError as problem:
        raise FrameError("Dolbom-Sizes is no list of numbers") from problem
    if not len(sizes) == len(kinds) == len(keys) or min(sizes) <= 0 or sum(sizes) != len(payload):
        raise FrameError("Dolbom-Sizes, Dolbom-Kinds and Dolbom-Keys do not fit the payload")
    if not set(kinds) <= set(_KINDS) or not set(keys) <= {"0", "1"}:
        raise FrameError("Dolbom-Kinds takes c, h, s and Dolbom-Keys 0, 1")
    units, at = [], 0
    for offset, (size, kind, key) in enumerate(zip(sizes, kinds, keys, strict=True)):
        units.append(Unit(first + offset, _KINDS[kind], key == "1", payload[at : at + size]))
        at += size
    return VideoMessage(
        camera=camera,
        fps=_int(headers, "Dolbom-Fps"),
        epoch=_int(headers, "Dolbom-Epoch"),
        run=headers.get("Dolbom-Run", ""),
        params=headers.get("Dolbom-Params", ""),
        units=tuple(units),
        end=_ENDS.get(headers.get("Dolbom-End", "")),
    )


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A message of `frames.snapshot.{camera}`: one JPEG. `luma` is the mean brightness, 0 to 255."""

    camera: str
    slot: int
    fps: int
    kind: Kind
    epoch: int
    luma: int
    jpeg: bytes

    def headers(self) -> dict[str, str]:
        """All NATS headers; the id carries the kind, since de-duplication is per stream."""
        return {
            MSG_ID: f"snapshot:{self.camera}:{self.epoch}:{self.slot}",
            "Dolbom-V": VERSION,
            "Dolbom-Slot": str(self.slot),
            "Dolbom-Fps": str(self.fps),
            "Dolbom-Kind": self.kind,
            "Dolbom-Epoch": str(self.epoch),
            "Dolbom-Luma": str(self.luma),
        }


def read_snapshot(camera: str, headers: Mapping[str, str], payload: bytes) -> Snapshot:
    """Parse a message of `frames.snapshot.{camera}`; raises FrameError with the header that is wrong."""
    kind = _KINDS.get(headers.get("Dolbom-Kind", ""))
    if kind is None:
        raise FrameError(f"Dolbom-Kind is {headers.get('Dolbom-Kind')!r}")
    names = ("Dolbom-Slot", "Dolbom-Fps", "Dolbom-Epoch", "Dolbom-Luma")
    slot, fps, epoch, luma = (_int(headers, name) for name in names)
    return Snapshot(camera, slot, fps, kind, epoch, luma, payload)


def _int(headers: Mapping[str, str], name: str) -> int:
    text = headers.get(name, "")
    if not text.isascii() or not text.isdigit():
        raise FrameError(f"{name} is {text[:40]!r}, not a number")
    return int(text)
