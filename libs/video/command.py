"""The FFmpeg command line for what we do not trust: what it may read, how much it may take, what comes out.

Reads only the given file with a demuxer of the list; no shell, no user flags, no sound; writes raw pictures of a
profile into a pipe, and no file.
"""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from libs.contracts.facts import Profile

MAX_PIXELS = 8_900_000
"""Just above 4K (3840x2160, 4096x2160, and what padding adds): larger pictures are refused before they take memory."""

LARGE_PIXELS = 2_100_000
"""Above Full HD: such a film may take MAX_DATA_LARGE."""

MAX_DATA, MAX_DATA_LARGE = 116 << 20, 400 << 20
"""Bytes of private memory; some 20 MB of shared pages come on top. Measured: 40 MB for VGA, up to 106 MB for Full HD,
260 MB for 4K of 10 bit, 320 MB for 4K of 10 bit 4:4:4. An index or a list of tags that was made to hurt ends here."""

MAX_BLOCK = 64 << 20
"""Bytes of one allocation: above a 4K picture of 10 bit 4:4:4 (50 MB)."""

HOLE_SECONDS = 3.0
"""A step between two stamps up to this is kept: the picture stands still meanwhile, no longer than a live camera's may.
A longer one, or one back, is a cut or a mistake of the file: the next picture follows at once."""

DEMUXERS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,mpegts,mpeg,avi,flv,asf,h264,hevc,m4v"
DECODERS = (
    "h264,hevc,av1,libdav1d,libaom-av1,vp8,vp9,mpeg1video,mpeg2video,mpeg4,msmpeg4v1,msmpeg4v2,msmpeg4,h263,flv,mjpeg,"
    "wmv1,wmv2,wmv3,vc1,theora,prores,dnxhd,dvvideo,rawvideo,ffv1,huffyuv"
)
"""What films are made of; no other decoder, and none for sound, ever sees what we do not trust."""

_MAX_STREAMS = 32
_MAX_FILES = 64
_MAX_STACK = 2 << 20
_MOST_WITHOUT_KEY = 300
_BACK_SECONDS = 0.1
"""Stamps that go back less than this are disorder, which the rate filter mends."""

_TOLD = frozenset(("PATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "TZ"))
"""What the child may know of our environment: no password is among it."""

Spawn = Callable[[list[str]], "subprocess.Popen[bytes]"]
"""Starts a child from the main thread: the kernel ends it when the *thread* that started it ends."""


def filter_chain(profile: Profile, *, short: bool = False, seeking: bool = False) -> str:
    """Upright (FFmpeg rotates by itself), unstretched, black bars, square pixels, the profile's size and rate.

    `short`: a film that lasts less than half a slot still gives one picture. `seeking`: it begins where it was asked
    to, not with a key frame.
    """
    width, height, fps = profile.width, profile.height, profile.fps
    matrix = "bt601" if height <= 576 else "bt709"
    fit_w = f"max(2,2*trunc(min({width},{height}*dar)/2+0.5))"
    fit_h = f"max(2,2*trunc(min({height},{width}/dar)/2+0.5))"
    rate = f"fps={fps}:eof_action=pass" if short else f"fps={fps}"
    begin = "" if seeking else f"select='{_from_key_frame()}',"
    return (
        f"{begin}setpts='{_stamps()}',bwdif=mode=send_frame:deint=interlaced,{rate},"
        f"scale=w='{fit_w}':h='{fit_h}':out_color_matrix={matrix}:out_range=tv,"
        f"pad={width}:{height}:-1:-1:black,setsar=1,format=yuv420p"
    )


def _stamps() -> str:
    """The first picture is at 0, and the time between two is neither negative nor longer than a hole may be.

    Register 0 is what is added to the file's stamps, changed only where they jump; register 1 the last good step. A
    film whose pictures are always far apart (a rate below one in two seconds) keeps its rate.
    """
    step = "if(gt(ld(1),0),ld(1),0.04/TB)"
    longest = f"if(isnan(FR),{HOLE_SECONDS},max({HOLE_SECONDS},1.5/FR))/TB"
    good = f"between(PTS-PREV_INPTS,{-_BACK_SECONDS}/TB,{longest})"
    anew = f"st(0,if(isnan(PREV_OUTPTS),-PTS,PREV_OUTPTS+{step}-PTS))"
    unstamped = f"if(isnan(PREV_OUTPTS),0,PREV_OUTPTS+{step})"
    return f"if({good},st(1,PTS-PREV_INPTS),{anew});if(isnan(PTS),{unstamped},PTS+ld(0))"


def _from_key_frame() -> str:
    """Nothing before the first key frame: some decoders draw what lies there on grey.

    A stream that never has one (it is refreshed line by line) is shown all the same, a little later.
    """
    return f"if(ld(0),1,st(0,gt(key+eq(pict_type,I)+gte(n,{_MOST_WITHOUT_KEY}),0)))"


def guard(*, large: bool) -> list[str]:
    """What stands before the child's own arguments: it dies with us, and its memory and files are limited."""
    words: list[str] = []
    if setpriv := shutil.which("setpriv"):
        words += [setpriv, "--pdeathsig", "KILL", "--no-new-privs", "--"]
    if prlimit := shutil.which("prlimit"):
        limits = (
            f"--data={MAX_DATA_LARGE if large else MAX_DATA}",
            f"--stack={_MAX_STACK}",
            "--core=0",
            "--fsize=0",
            f"--nofile={_MAX_FILES}",
        )
        words += [prlimit, *limits, "--"]
    return words


def command(
    ffmpeg: str, path: Path, profile: Profile, *, short: bool = False, start_seconds: float = 0.0, large: bool = True
) -> list[str]:
    """The child's arguments: no shell, no user flags, audio ignored.

    `start_seconds`: begin so far into the film (its stamps, from its own start); pictures before are decoded from the
    key frame before it, and dropped. `large`: it may take memory for a picture above Full HD.
    """
    seek = ("-ss", f"{start_seconds:.6f}") if start_seconds > 0 else ()
    return [
        *guard(large=large),
        *(ffmpeg, "-nostdin", "-hide_banner", "-nostats", "-v", "level+info", "-max_alloc", str(MAX_BLOCK)),
        *("-filter_threads", "1", "-threads", "1", "-max_pixels", str(MAX_PIXELS), "-max_streams", str(_MAX_STREAMS)),
        *("-protocol_whitelist", "file", "-format_whitelist", DEMUXERS, "-codec_whitelist", DECODERS, *seek),
        *("-i", f"file:{path}", "-map", "0:V:0", "-an", "-sn", "-dn", "-vf"),
        filter_chain(profile, short=short, seeking=start_seconds > 0),
        *("-threads", "1", "-f", "rawvideo", "-pix_fmt", "yuv420p", "pipe:1"),
    ]


def start_child(arguments: list[str]) -> "subprocess.Popen[bytes]":
    """Start it; call this from the main thread only (see Spawn)."""
    return subprocess.Popen(
        arguments,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
        start_new_session=True,
        env={name: value for name, value in os.environ.items() if name in _TOLD},
    )
