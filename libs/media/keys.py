"""The names of media. They follow from the camera and the slot alone."""

import re
from datetime import UTC, datetime

_SEGMENT = re.compile(r"(?P<camera>[a-z0-9-]{1,32})_(?P<index>\d{1,12})\.ts", re.ASCII)
_PLAYLIST = re.compile(r"(?P<camera>[a-z0-9-]{1,32}?)(?:_dvr)?\.m3u8", re.ASCII)
_ARCHIVE = re.compile(r"archive_\d{8}_\d{6}Z\.mp4", re.ASCII)


def segment_name(camera: str, index: int) -> str:
    """File name of HLS segment `index`."""
    return f"{camera}_{index}.ts"


def read_segment_name(camera: str, name: str) -> int | None:
    """The HLS index in a file name, or None when the name is no HLS segment of this camera."""
    match = _SEGMENT.fullmatch(name)
    return int(match["index"]) if match and match["camera"] == camera else None


def playlist_name(camera: str) -> str:
    """File name of the live playlist."""
    return f"{camera}.m3u8"


def dvr_playlist_name(camera: str) -> str:
    """File name of the two-hour playlist."""
    return f"{camera}_dvr.m3u8"


def archive_name(began: datetime) -> str:
    """File name of the archive whose first picture was taken at `began`."""
    return began.astimezone(UTC).strftime("archive_%Y%m%d_%H%M%SZ.mp4")


def read_archive_name(name: str) -> datetime | None:
    """The second in which the archive of this name began, or None when it is no archive's name."""
    if not _ARCHIVE.fullmatch(name):
        return None
    try:
        return datetime.strptime(name, "archive_%Y%m%d_%H%M%S%z.mp4")
    except ValueError:
        return None


def media_key(camera: str, folder: str, name: str) -> str:
    """The key of a file as facts name it: `camera-1/archive/archive_….mp4`."""
    return f"{camera}/{folder}/{name}"


def served_folder(camera: str, name: str) -> str | None:
    """The folder (`hls`, `archive`) of a name that viewers may ask for, or None."""
    if read_segment_name(camera, name) is not None:
        return "hls"
    match = _PLAYLIST.fullmatch(name)
    if match and match["camera"] == camera:
        return "hls"
    return "archive" if _ARCHIVE.fullmatch(name) else None
