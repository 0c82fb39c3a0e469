"""Where the FFmpeg program is: named by FFMPEG_BIN, on PATH, or in the package that set-up brings where neither is."""

import importlib
import importlib.util
import shutil


class NoFfmpeg(Exception):
    """There is no FFmpeg on this machine."""


def ffmpeg_program(named: str = "") -> str:
    """Path of FFmpeg; raises NoFfmpeg with what to install."""
    found = shutil.which(named or "ffmpeg")
    if found:
        return found
    if not named and importlib.util.find_spec("imageio_ffmpeg"):
        return str(importlib.import_module("imageio_ffmpeg").get_ffmpeg_exe())
    raise NoFfmpeg(f"{named or 'ffmpeg'} is not on PATH: install the package ffmpeg, or set FFMPEG_BIN")
