"""Where a camera's recording stands, from files alone: no acknowledgement, no database, no memory is needed."""

from dataclasses import dataclass

from libs.contracts.slots import hls_first_slot, hls_index, slot_at
from libs.media import (
    MediaStore,
    NotThere,
    dvr_playlist_name,
    playlist_name,
    read_segment_name,
    segment_name,
)
from libs.observe import get_log
from libs.video.mux import TsFacts, read_ts
from services.encoder.domain import Line
from services.encoder.playlist import LISTED, BadPlaylist, Listed, Playlist, parse
from services.encoder.windows import piece_of

log = get_log()


@dataclass(frozen=True, slots=True)
class Found:
    """Where the line goes on, both playlists, and the params of the newest segment."""

    line: Line
    playlist: Playlist
    dvr: Playlist
    params: str


def read_back(store: MediaStore, camera: str, fps: int, now_ms: int) -> Found:
    """The state before the crash or stop; half-written files are deleted."""
    folder = f"{camera}/hls"
    swept = store.sweep(folder) + store.sweep(f"{camera}/archive")
    if swept:
        log.info("half_written_files_deleted", camera_id=camera, files=swept)
    live = _listed_before(store, playlist_name(camera), Playlist(camera, fps))
    dvr = _listed_before(store, dvr_playlist_name(camera), Playlist(camera, fps, dvr=True))
    files = _newest_files(store, camera, fps, hls_index(slot_at(now_ms, fps), fps) + 1)
    if not files:
        return Found(Line(fps), Playlist(camera, fps), dvr, "")
    live, dvr = _brought_up(live, files), _brought_up(dvr, files)
    index, newest = max(files.items())
    horizon = hls_first_slot(index + 1, fps)
    if newest.first_slot + newest.frames < horizon:
        live, dvr = live.ending(), dvr.ending()
    goes_on = None if live.ended else horizon
    return Found(Line(fps, horizon=horizon, next=goes_on), live, dvr, newest.params)


def _listed_before(store: MediaStore, name: str, empty: Playlist) -> Playlist:
    try:
        text = store.read(f"{empty.camera}/hls", name).decode()
        return parse(text, empty.camera, empty.fps, dvr=empty.dvr)
    except NotThere:
        return empty
    except (BadPlaylist, UnicodeDecodeError) as problem:
        log.warning("playlist_unreadable", camera_id=empty.camera, name=name, reason=str(problem))
        return empty


def _newest_files(store: MediaStore, camera: str, fps: int, limit: int) -> dict[int, TsFacts]:
    """What the newest unbroken row of our own segments says, as many as a playlist lists and one more.

    In slots of `fps`, whatever they were recorded at.
    """
    named = (read_segment_name(camera, name) for name in store.names(f"{camera}/hls"))
    indices = {index for index in named if index is not None and index <= limit}
    row: dict[int, TsFacts] = {}
    for index in sorted(indices, reverse=True):
        if len(row) > LISTED or (row and index != min(row) - 1):
            break
        try:
            facts = read_ts(store.read(f"{camera}/hls", segment_name(camera, index)))
            piece = piece_of(index, facts.first_slot, facts.frames).at_fps(fps)
            row[index] = TsFacts(piece.first_slot, piece.frames, facts.params)
        except (ValueError, NotThere) as problem:
            log.error("segment_unreadable", camera_id=camera, index=index, reason=str(problem))
            if row:
                break
    return row


def _brought_up(listed: Playlist, files: dict[int, TsFacts]) -> Playlist:
    """The playlist with the segments that were closed after it was written."""
    last = listed.segments[-1].index if listed.segments else -1
    newer = [index for index in sorted(files) if index > last]
    if not newer:
        return listed
    if listed.ended or newer[0] != last + 1 or not listed.segments:
        listed = listed.beginning()
    for index in newer:
        facts, before = files[index], files.get(index - 1)
        seam = bool(listed.segments) and before is not None and before.params != facts.params
        listed = listed.adding(Listed(index, facts.first_slot, facts.frames, seam))
    return listed
