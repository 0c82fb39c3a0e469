"""Writes the machine-readable strip of the demo camera: slot and incident, as black and white cells in the picture.

32 cells over the width, most significant bit first: 24 bits slot modulo 2^24, 4 bits incident code, 4 bits checksum
(xor of the seven nibbles, xor 0xA, so that neither a black nor a white strip is ever valid).
"""

from libs.video.picture import Pixels

CELLS = 32
_BLACK, _WHITE, _GREY = 16, 235, 128


def strip_height(height: int) -> int:
    """Lines that the strip takes at the bottom."""
    return max(2, height // 30)


def word(slot: int, incident: int) -> int:
    """The 32 bits of a slot and an incident code (0 = none)."""
    value = ((slot & 0xFFFFFF) << 4) | (incident & 0xF)
    check = 0xA
    for shift in range(0, 28, 4):
        check ^= (value >> shift) & 0xF
    return (value << 4) | check


def draw_marker(planes: Pixels, height: int, slot: int, incident: int) -> None:
    """Write the strip into stacked I420 planes (`height * 3 / 2` rows)."""
    width, lines, bits = planes.shape[1], strip_height(height), word(slot, incident)
    luma = planes[height - lines : height]
    for cell in range(CELLS):
        on = bits >> (CELLS - 1 - cell) & 1
        luma[:, cell * width // CELLS : (cell + 1) * width // CELLS] = _WHITE if on else _BLACK
    chroma_rows = -(-lines // 2)
    flat, area = planes.reshape(-1), width * height
    for plane in range(2):
        chroma = flat[area + plane * area // 4 : area + (plane + 1) * area // 4].reshape(height // 2, width // 2)
        chroma[height // 2 - chroma_rows :] = _GREY
