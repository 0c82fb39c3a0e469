"""Where media lives, and how it is written so that it can be trusted after any crash.

The only importer of storage clients; keys are `{camera}/hls/{camera}_{index}.ts` and its like.
"""

from libs.media.incoming import Incoming
from libs.media.keys import (
    archive_name,
    dvr_playlist_name,
    media_key,
    playlist_name,
    read_archive_name,
    read_segment_name,
    segment_name,
    served_folder,
)
from libs.media.store import (
    MARKER,
    BadKey,
    Deleted,
    MediaError,
    MediaFile,
    MediaStore,
    NotMounted,
    NotThere,
    prepare_store,
)

__all__ = [
    "MARKER",
    "BadKey",
    "Deleted",
    "Incoming",
    "MediaError",
    "MediaFile",
    "MediaStore",
    "NotMounted",
    "NotThere",
    "archive_name",
    "dvr_playlist_name",
    "media_key",
    "playlist_name",
    "prepare_store",
    "read_archive_name",
    "read_segment_name",
    "segment_name",
    "served_folder",
]
