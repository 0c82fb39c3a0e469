"""Finds the videos that a person named: one file, or those of a folder in natural order."""

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from cli.domain import queue, unusable_name
from cli.refusal import Refusal
from libs.contracts.cameras import VIDEO_SUFFIXES, too_long


@dataclass(frozen=True, slots=True)
class Videos:
    """Files of one folder, in the order in which they are played."""

    folder: Path
    names: tuple[str, ...]


def find_videos(named: str) -> Videos:
    """The videos at `named`; raises Refusal when there is nothing to play, or it cannot be read."""
    path = Path(os.path.abspath(Path(named).expanduser()))
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            return _in_folder(path, named)
    except FileNotFoundError:
        raise Refusal(f"VIDEO {_shown(named)} does not exist: name a video file or a folder of videos") from None
    except OSError as problem:
        raise Refusal(f"VIDEO {_shown(named)} cannot be read: {problem.strerror}") from problem
    if not stat.S_ISREG(mode):
        raise Refusal(f"VIDEO {_shown(named)} is no regular file: name a video file or a folder of videos")
    _check(path, named)
    return Videos(path.parent, (path.name,))


def _in_folder(folder: Path, named: str) -> Videos:
    names = queue(entry.name for entry in os.scandir(folder) if entry.is_file())
    if not names:
        known = " ".join(sorted(VIDEO_SUFFIXES))
        raise Refusal(f"VIDEO {_shown(named)} holds no video (files that end in {known})")
    for name in names:
        _check(folder / name, str(Path(named, name)))
    if too_long(names):
        raise Refusal(f"VIDEO {_shown(named)} holds too many videos ({len(names)}): name a folder with fewer")
    return Videos(folder, tuple(names))


def _check(path: Path, named: str) -> None:
    if why := unusable_name(path.name):
        raise Refusal(f"VIDEO {_shown(named)} cannot be played: {why}; give it another name")
    try:
        path.open("rb").close()
    except OSError as problem:
        raise Refusal(f"VIDEO {_shown(named)} cannot be read: {problem.strerror}") from problem


def _shown(text: str) -> str:
    """The path as the person typed it, unless it would upset the terminal."""
    return text if text and text.isprintable() else repr(text)
