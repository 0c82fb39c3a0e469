"""Why a file gives no (more) pictures: FFmpeg's words, sorted into reasons that a person understands. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Code = Literal[
    "",
    "empty",
    "missing",
    "unreadable",
    "not_video",
    "no_video_stream",
    "cut_off",
    "unknown_codec",
    "too_large",
    "damaged",
    "no_picture",
    "silent",
    "slow",
    "memory",
    "crashed",
    "unknown",
]
"""Stable names of the reasons, for programs and translations; empty when nothing is wrong."""


@dataclass(frozen=True, slots=True)
class Reason:
    """`text`: an English fragment that follows a file's name ("소풍.mp4: holds no video"); empty at a clean end."""

    code: Code
    text: str


@dataclass(frozen=True, slots=True)
class Ended:
    """What is known of a child that ended by itself.

    `status`: its exit status, negative for a signal; `lines`: what it complained of first; `pictures`: how many it
    gave; `damaged_at`: the number of the picture before which it first complained of the data, if it did; `codec`: of
    its video, if it was told; `size` and `head`: the file's length and first bytes, `size` None when it is not there.
    """

    status: int
    lines: Sequence[str]
    pictures: int = 0
    damaged_at: int | None = None
    codec: str = ""
    size: int | None = None
    head: bytes = b""


CLEAN = Reason("", "")
EMPTY = Reason("empty", "is empty")
MISSING = Reason("missing", "is not there")
UNREADABLE = Reason("unreadable", "may not be read")
NOT_VIDEO = Reason("not_video", "is no video file")
NO_VIDEO_STREAM = Reason("no_video_stream", "holds no video")
CUT_OFF = Reason("cut_off", "is cut off: the part that lists its pictures is missing")
NO_PICTURE = Reason("no_picture", "holds no picture")
ALL_DAMAGED = Reason("damaged", "is damaged: none of its pictures can be read")
MEMORY = Reason("memory", "needs more memory than a film may take")
SLOW = Reason("slow", "takes too much work for one picture")
CRASHED = Reason("crashed", "made the decoder crash")

_WHO = re.compile(r"(?:\[[^\]]* @ 0x[0-9a-f]+\] )+")
"""FFmpeg's part that speaks, with an address in memory: no two complaints would be the same."""
_LEVEL = re.compile(r"\[(panic|fatal|error|warning|info|verbose)\] ?")
_SIZE = re.compile(r"Picture size (\d{1,6})x(\d{1,6})")
_NO_DECODER = re.compile(r"Decoder \(codec ([\w.-]{1,20})\) not found")
_DAMAGE = re.compile(
    r"error while decoding|Error while decoding|partial file|concealing|Invalid NAL unit|corrupt|damaged|"
    r"Error submitting packet|Invalid data found|truncated|slice header|ac-tex|skipped MB|missing picture|no frame!|"
    r"Cannot determine format|ould not find codec parameters"
)
_BOXES = frozenset((b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"uuid"))
"""With one of these after four bytes begins what may be MP4 or MOV; others only have its name."""
_MAX_TEXT = 200


def plain(line: str) -> str:
    """One line without who says it and how loudly."""
    return _LEVEL.sub("", _WHO.sub("", line.strip()))


def is_complaint(line: str, *, first: bool) -> bool:
    """Is the line an error? One without a level goes on with the line before, or, as the `first`, is not FFmpeg's."""
    level = _LEVEL.search(line)
    return first if level is None else level[1] in ("panic", "fatal", "error")


def begins_decoding(line: str) -> bool:
    """Is the file opened now? What is complained of before comes from a look ahead, and is said again in its place."""
    return "[info] Stream mapping" in line


def tells_damage(line: str) -> bool:
    """Does the line complain of the pictures' data?"""
    return _DAMAGE.search(line) is not None


def silent(seconds: float) -> Reason:
    """The child said and gave nothing for so long."""
    return Reason("silent", f"gave no picture for {seconds:.0f} s")


def damaged(pictures: int) -> Reason:
    """The data are damaged after so many pictures."""
    return _damaged_from(pictures + 1) if pictures else ALL_DAMAGED


def _damaged_from(picture: int) -> Reason:
    return Reason("damaged", f"is damaged from picture {picture} on")


def reason_of(ended: Ended) -> Reason:
    """Why it ended. A file that was played to its end but is damaged has a reason too."""
    if ended.pictures and ended.damaged_at is not None:
        return _damaged_from(ended.damaged_at + 1)
    if ended.status == 0:
        return ALL_DAMAGED if not ended.pictures and any(map(tells_damage, ended.lines)) else CLEAN
    return _of_file(ended) or _of_words(ended)


def _of_file(ended: Ended) -> Reason | None:
    """What the file itself tells."""
    if ended.size is None:
        return MISSING
    return EMPTY if ended.size == 0 else None


def _of_words(ended: Ended) -> Reason:
    words = "\n".join(ended.lines)
    if "exceeds specified max pixel count" in words:
        size = _SIZE.search(words)
        return Reason("too_large", f"is larger than 4K ({size[1]}x{size[2]})" if size else "is larger than 4K")
    if "Cannot allocate memory" in words:
        return MEMORY
    if "Permission denied" in words:
        return UNREADABLE
    if "matches no streams" in words:
        return NO_VIDEO_STREAM
    unknown = _NO_DECODER.search(words)
    if unknown or f"Codec ({ended.codec}) not on whitelist" in words:
        codec = unknown[1] if unknown else ended.codec
        name = "" if codec == "none" else f" ({codec})"
        return Reason("unknown_codec", f"has a video format that is not played here{name}")
    if "Format not on whitelist" in words or "Is a directory" in words:
        return NOT_VIDEO
    if "moov atom not found" in words:
        return CUT_OFF if ended.head[4:8] in _BOXES else NOT_VIDEO
    return _of_status(ended, words)


def _of_status(ended: Ended, words: str) -> Reason:
    if ended.status < 0:
        return CRASHED
    if "Invalid data found" in words and len(ended.lines) == 1:
        return NOT_VIDEO
    if any(map(tells_damage, ended.lines)):
        return ALL_DAMAGED
    return Reason("unknown", plain(ended.lines[0])[:_MAX_TEXT] if ended.lines else "ended without a word")
