"""Reads the demo camera's strip from pixels. Written from the contract, apart from the writer in services/ingest."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Marker:
    """What the picture says: slot modulo 2^24 and the incident code."""

    slot: int
    incident: int


def read_marker(grey: NDArray[Any]) -> Marker | None:
    """The marker of a grey picture of any size, or None when the strip is not valid (black on slate)."""
    height, width = grey.shape
    lines = max(2, height // 30)
    strip = grey[height - lines :].astype(float).mean(axis=0)
    bits = [int(np.mean(_middle(strip, cell, width)) > 127) for cell in range(32)]
    number = int("".join(map(str, bits)), 2)
    nibbles = [(number >> shift) & 0xF for shift in range(28, -4, -4)]
    check = 0xA
    for nibble in nibbles[:7]:
        check ^= nibble
    if check != nibbles[7]:
        return None
    return Marker(slot=number >> 8, incident=nibbles[6])


def _middle(strip: NDArray[np.float64], cell: int, width: int) -> NDArray[np.float64]:
    """The inner half of a cell: its edges blur when the picture is scaled."""
    left, right = cell * width / 32, (cell + 1) * width / 32
    quarter = (right - left) / 4
    return strip[int(left + quarter) : max(int(left + quarter) + 1, int(right - quarter))]
