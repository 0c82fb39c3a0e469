"""Files that were made to hurt: each is refused with a reason, cheaply, and leads nowhere but to itself."""

import re
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from libs.video.command import command
from libs.video.ffmpeg import ffmpeg_program
from tests.unit.video import crafted
from tests.unit.video.measured import PROFILE, decode

MEGABYTES, WORK = 150, 5.0
PLAYLIST = "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:3,\n{}\n#EXT-X-ENDLIST\n"
SDP = (
    "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video {port} RTP/AVP 96\na=rtpmap:96 H264/90000\n"
)
DASH = (
    '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT3S" '
    'profiles="urn:mpeg:dash:profile:isoff-on-demand:2011"><Period><AdaptationSet mimeType="video/mp4"><Representation '
    'id="1" bandwidth="1"><BaseURL>{}</BaseURL></Representation></AdaptationSet></Period></MPD>'
)


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with good films, which hostile ones try to reach or are bent from."""
    folder = tmp_path_factory.mktemp("good")
    for name in ("secret.ts", "good.mp4", "good.mkv"):
        crafted.film(folder / name, "-c:v", "libx264", "-preset", "ultrafast")
    return folder


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """A port on which somebody listens whom nobody may call."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            listener.accept()


Maker = Callable[[Path, Path, int], object]
"""Writes the file; given the path, the folder of good films, and the port."""


def text(words: str) -> Maker:
    return lambda path, good, port: path.write_text(words.format(f"file://{good}/secret.ts", good=good, port=port))


LURES: dict[str, Maker] = {
    "playlist of a local file": text(PLAYLIST),
    "playlist of an address": text(PLAYLIST.replace("{}", "http://127.0.0.1:{port}/x.ts")),
    "playlist of both": text(PLAYLIST.replace("{}", "concat:http://127.0.0.1:{port}/h|file:{good}/secret.ts")),
    "playlist of a part": text(PLAYLIST.replace("{}", "subfile,,start,0,end,0,,:{good}/secret.ts")),
    "playlist of data": text(PLAYLIST.replace("{}", "data:video/mp2t;base64,R0AAEAAAsA0AAcEAAAAB8AAqsQSy")),
    "ffconcat": text("ffconcat version 1.0\nfile secret.ts\n"),
    "ffconcat of an address": text("ffconcat version 1.0\nfile http://127.0.0.1:{port}/x.ts\n"),
    "session description": text(SDP),
    "DASH": text(DASH),
    "RTSP redirect": text("rtsp://127.0.0.1:{port}/x\n"),
    "filter graph": text("movie={good}/secret.ts\n"),
    "pictures elsewhere": lambda path, good, port: crafted.elsewhere(good / "good.mp4", path, good / "secret.ts"),
}


def large_mp4(path: Path, _: Path, __: int) -> None:
    picture = "color=red:s=8192x8192:r=1"
    crafted.film(path, "-frames:v", "1", "-c:v", "libx264", "-preset", "ultrafast", picture=picture, seconds=1)


def bent_mjpeg(path: Path, good: Path, __: int) -> None:
    source = crafted.film(good / "jpeg.avi", "-c:v", "mjpeg", seconds=0.5)
    crafted.bent(source, path, crafted.jpeg_sides(16_000))


def bent_vp8(path: Path, good: Path, __: int) -> None:
    source = crafted.film(good / "vp8.webm", "-c:v", "libvpx", "-deadline", "realtime", seconds=0.5)
    crafted.bent(source, path, crafted.vp8_sides(16_383))


def png_in_mov(path: Path, good: Path, __: int) -> None:
    source = crafted.film(good / "png.mov", "-c:v", "png", seconds=0.3)
    shutil.copy(source, path)


def bent_mp4(bend: Callable[[bytearray], None]) -> Maker:
    return lambda path, good, port: crafted.bent(good / "good.mp4", path, bend)


def cued(path: Path, good: Path, __: int) -> None:
    parts = crafted.matroska(good / "good.mkv")
    path.write_bytes(crafted.segment(parts, crafted.cues(1_000_000), parts[b"clusters"]))


def tagged(path: Path, good: Path, __: int) -> None:
    parts = crafted.matroska(good / "good.mkv")
    path.write_bytes(crafted.segment(parts, crafted.tags(100_000), parts[b"clusters"]))


BOMBS: dict[str, tuple[str, Maker]] = {
    "PNG of 16000x16000": ("not_video", lambda path, good, port: crafted.png(path, 16_000)),
    "PNG in a film": ("unknown_codec", png_in_mov),
    "MP4 of 8192x8192": ("too_large", large_mp4),
    "JPEG that says 16000x16000": ("too_large|damaged", bent_mjpeg),
    "VP8 that says 16383x16383": ("too_large|damaged", bent_vp8),
    "SPS of 32768x32768": ("too_large|damaged", lambda path, good, port: crafted.sps_only(path, 2048)),
    "index of 2^28 pictures": ("damaged", bent_mp4(crafted.samples(1 << 28))),
    "index of 2.5 million pictures": ("damaged|memory", bent_mp4(crafted.samples(2_500_000))),
    "index of a million pictures": ("damaged", bent_mp4(crafted.samples(1_000_000))),
    "a million packets of a byte": ("damaged|slow", lambda path, good, port: path.write_bytes(
        crafted.segment(crafted.matroska(good / "good.mkv"), crafted.tiny_packets(1_000_000)))),
    "a million index points": ("memory", cued),
    "100,000 boxes in boxes": ("not_video|damaged|cut_off", lambda path, good, port: path.write_bytes(
        (good / "good.mp4").read_bytes()[:32] + crafted.nested(100_000))),
    "a box without an end": ("not_video|damaged|cut_off|no_video_stream", lambda path, good, port: path.write_bytes(
        (good / "good.mp4").read_bytes()[:32] + b"\0\0\0\1moov\x7f" + b"\xff" * 7 + b"\0" * 5000)),
    "20 MB of transport packets with nothing in them": ("not_video|no_video_stream|damaged", lambda path, good, port:
        path.write_bytes((b"\x47\x1f\xff\x10" + b"\xff" * 184) * 106_000)),
    "20 MB of zeros": ("not_video", lambda path, good, port: path.write_bytes(bytes(20_000_000))),
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_cheaply(name: str, good: Path, port: int, tmp_path: Path) -> None:
    codes, make = BOMBS[name]
    path = tmp_path / f"{name}.mp4"
    make(path, good, port)
    got = decode(path, most=50)
    print(f"{name}: {got}")
    assert got.code in codes.split("|"), got
    assert got.megabytes <= MEGABYTES
    assert got.work <= WORK
    assert str(tmp_path) not in got.reason


def test_work_without_end_is_given_up(good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """FFmpeg looks through all tags for each tag: 100,000 are minutes of work."""
    monkeypatch.setattr("libs.video.child.BUSY_AFTER", 1.0)
    tagged(tmp_path / "tags.mkv", good, 0)
    got = decode(tmp_path / "tags.mkv")
    print(f"100,000 tags: {got}")
    assert (got.pictures, got.code) in ((0, "slow"), (0, "silent")), got  # silent: on a machine that is busy itself
    assert got.megabytes <= MEGABYTES
    assert got.work <= 2.0


@pytest.mark.parametrize("name", LURES)
def test_a_lure_is_refused_cheaply(name: str, good: Path, port: int, tmp_path: Path) -> None:
    path = tmp_path / f"{name}.mp4"
    LURES[name](path, good, port)
    got = decode(path)
    print(f"{name}: {got}")
    assert (got.pictures, got.code) == (0, "damaged" if name == "pictures elsewhere" else "not_video"), got
    assert got.megabytes <= MEGABYTES
    assert got.work <= WORK


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
@pytest.mark.parametrize("name", LURES)
def test_nothing_but_the_file_is_opened_and_nobody_is_called(name: str, good: Path, port: int, tmp_path: Path) -> None:
    """By the kernel's word: what a lure makes the child open or call, a good film makes it open as well."""
    path = tmp_path / f"{name}.mp4"
    LURES[name](path, good, port)
    before = opened(good / "good.mp4", tmp_path / "before")
    assert str(good / "good.mp4") in before, "the trace shows what is opened"
    assert opened(path, tmp_path / "after") - before <= {str(path)}


def opened(path: Path, trace: Path) -> set[str]:
    """Paths that the child opened, and sockets that it made."""
    watch = ["strace", "-f", "-qq", "-e", "trace=open,openat,openat2,socket,connect", "-o", str(trace)]
    decoding = command(ffmpeg_program(), path, PROFILE)
    subprocess.run([*watch, *decoding], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60, check=False)
    calls = trace.read_text(encoding="utf-8", errors="replace")
    sockets = {f"{call}()" for call in re.findall(r"\b(socket|connect)\(", calls)}
    calls = re.sub(r'"/proc/\d+/', '"/proc/self/', calls)
    return set(re.findall(r'open(?:at2?)?\((?:AT_FDCWD, )?"([^"]*)"', calls)) | sockets
