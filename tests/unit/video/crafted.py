"""Films made by FFmpeg and bent by hand: odd ones that must play, hostile ones that must be refused cheaply."""

import struct
import subprocess
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path

from libs.video.ffmpeg import ffmpeg_program

CONTAINERS = (b"moov", b"trak", b"mdia", b"minf", b"dinf", b"stbl")


def ffmpeg(*arguments: str | Path) -> None:
    """Run FFmpeg, quietly; the last argument is the output."""
    command = [ffmpeg_program(), "-nostdin", "-v", "error", "-y", *map(str, arguments)]
    subprocess.run(command, check=True, timeout=60)


def film(path: Path, *options: str, seconds: float = 2.0, picture: str = "testsrc2=s=160x120:r=10") -> Path:
    """`seconds` of a lavfi picture; H.264 in what the name says, unless the options say otherwise."""
    ffmpeg("-f", "lavfi", "-t", str(seconds), "-i", picture, "-threads", "1", *options, path)
    return path


def png(path: Path, side: int) -> Path:
    """A square grey PNG: few bytes, many pixels."""
    deflate = zlib.compressobj(1)
    row = bytes(side + 1)
    data = b"".join(deflate.compress(row) for _ in range(side)) + deflate.flush()

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b""))
    return path


def bent(source: Path, path: Path, bend: Callable[[bytearray], None]) -> Path:
    """A copy with some bytes changed."""
    data = bytearray(source.read_bytes())
    bend(data)
    path.write_bytes(data)
    return path


def samples(count: int) -> Callable[[bytearray], None]:
    """An MP4 that says that it has `count` samples of one byte, all in one chunk."""

    def bend(data: bytearray) -> None:
        struct.pack_into(">II", data, data.index(b"stsz") + 8, 1, count)
        struct.pack_into(">III", data, data.index(b"stsc") + 12, 1, count, 1)

    return bend


def jpeg_sides(side: int) -> Callable[[bytearray], None]:
    """Every JPEG in the file says that it has such sides."""

    def bend(data: bytearray) -> None:
        at = data.find(b"\xff\xc0\x00\x11\x08")
        while at >= 0:
            struct.pack_into(">HH", data, at + 5, side, side)
            at = data.find(b"\xff\xc0\x00\x11\x08", at + 1)

    return bend


def vp8_sides(side: int) -> Callable[[bytearray], None]:
    """Every VP8 key frame in the file says that it has such sides (14 bits)."""

    def bend(data: bytearray) -> None:
        at = data.find(b"\x9d\x01\x2a")
        while at >= 0:
            struct.pack_into("<HH", data, at + 3, side, side)
            at = data.find(b"\x9d\x01\x2a", at + 1)

    return bend


def elsewhere(source: Path, path: Path, target: Path) -> Path:
    """A QuickTime film whose pictures lie in another file (a data reference with an alias of the path)."""
    name = str(target).encode()
    alias = bytearray(150)
    alias[4:6] = struct.pack(">H", 2)
    tail = struct.pack(">hH", 2, len(name)) + name + b"\0" * (len(name) % 2) + struct.pack(">hH", -1, 0)
    entry = struct.pack(">I4sI", 12 + len(alias) + len(tail), b"alis", 0) + bytes(alias) + tail
    dref = struct.pack(">I4sII", 16 + len(entry), b"dref", 0, 1) + entry
    path.write_bytes(_replaced(source.read_bytes(), b"dref", dref))
    return path


def _replaced(data: bytes, kind: bytes, box: bytes) -> bytes:
    """The boxes with the first `kind` exchanged, and the sizes of those around it made right (`moov` after `mdat`)."""
    made, at = b"", 0
    while at < len(data):
        size, name = struct.unpack_from(">I4s", data, at)
        body = data[at + 8 : at + size]
        if name == kind:
            made += box
        elif name in CONTAINERS:
            inner = _replaced(body, kind, box)
            made += struct.pack(">I4s", 8 + len(inner), name) + inner
        else:
            made += data[at : at + size]
        at += size
    return made


def element(identity: bytes, data: bytes) -> bytes:
    """One element of Matroska."""
    return identity + struct.pack(">Q", len(data) | 1 << 56) + data


def matroska(source: Path) -> dict[bytes, bytes]:
    """The parts of a made Matroska file: head, info, tracks, clusters (joined), each with its own head."""
    data, at, found = source.read_bytes(), 0, dict[bytes, bytes]()
    names = {b"\x1a\x45\xdf\xa3": b"head", b"\x15\x49\xa9\x66": b"info", b"\x16\x54\xae\x6b": b"tracks"}
    while at < len(data):
        identity = data[at : at + 9 - data[at].bit_length()]
        width = 9 - data[at + len(identity)].bit_length()
        size = int.from_bytes(data[at + len(identity) : at + len(identity) + width], "big") & ((1 << 7 * width) - 1)
        start = at + len(identity) + width
        if identity == b"\x18\x53\x80\x67":
            at = start
            continue
        name = names.get(identity, b"clusters" if identity == b"\x1f\x43\xb6\x75" else b"rest")
        found[name] = found.get(name, b"") + data[at : start + size]
        at = start + size
    return found


def segment(parts: dict[bytes, bytes], *bodies: bytes) -> bytes:
    """A whole Matroska file of these bodies after info and tracks."""
    return parts[b"head"] + element(b"\x18\x53\x80\x67", parts[b"info"] + parts[b"tracks"] + b"".join(bodies))


def cues(count: int) -> bytes:
    """An index with so many points."""
    position = b"\xb7\x87\xf7\x81\x01\xf1\x82\x00\x64"
    points = (b"\xbb\x8f\xb3\x84" + struct.pack(">I", at) + position for at in range(count))
    return element(b"\x1c\x53\xbb\x6b", b"".join(points))


def tiny_packets(count: int) -> bytes:
    """Clusters with so many packets of one byte."""
    blocks = [b"\xa3\x85\x81" + struct.pack(">h", at) + b"\x00\x00" for at in range(25_000)]
    body = b"".join(blocks)
    clusters = (b"\xe7\x84" + struct.pack(">I", at * 25_000) + body for at in range(count // 25_000))
    return b"".join(element(b"\x1f\x43\xb6\x75", cluster) for cluster in clusters)


def tags(count: int) -> bytes:
    """So many different tags."""
    pairs = (
        element(b"\x67\xc8", element(b"\x45\xa3", b"T%d" % at) + element(b"\x44\x87", b"x")) for at in range(count)
    )
    return element(b"\x12\x54\xc3\x67", element(b"\x73\x73", element(b"\x63\xc0", b"") + b"".join(pairs)))


def sps_only(path: Path, side_in_blocks: int) -> Path:
    """Raw H.264: parameter sets of a picture with such sides (in blocks of 16) and a slice that is junk."""
    bits = "1" + _golomb(0, 0, 0) + _golomb(1) + "0" + _golomb(side_in_blocks - 1, side_in_blocks - 1) + "1100" + "1"
    sps = b"\x67\x42\x00\x33" + _packed(bits)
    pps = b"\x68" + _packed(_golomb(0, 0) + "00" + _golomb(0, 0, 0) + "000" + _golomb(0, 0, 0) + "000" + "1")
    path.write_bytes(b"".join(b"\0\0\0\1" + unit for unit in (sps, pps, b"\x65\x88\x84" + b"\x5a" * 4000)) * 20)
    return path


def _golomb(*values: int) -> str:
    return "".join(bin(value + 1)[2:].zfill(2 * (value + 1).bit_length() - 1) for value in values)


def _packed(bits: str) -> bytes:
    padded = bits + "0" * (-len(bits) % 8)
    return int(padded, 2).to_bytes(len(padded) // 8, "big")


def nested(depth: int) -> bytes:
    """Boxes in boxes."""
    sizes: Iterable[int] = range(8 * depth, 0, -8)
    return b"".join(struct.pack(">I4s", size, b"moov") for size in sizes)
