"""The live playlist: exact text, and back again."""

import m3u8
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.encoder.playlist import BadPlaylist, Listed, Playlist, parse

FPS = 5
FIRST = 179_555_929


def listing(*frames: int, camera: str = "camera-1") -> Playlist:
    playlist = Playlist(camera, FPS)
    for at, count in enumerate(frames):
        index = FIRST + at
        playlist = playlist.adding(Listed(index, (index + 1) * 50 - count if at == 0 else index * 50, count))
    return playlist


def test_the_text_of_a_run_that_began_in_mid_segment() -> None:
    assert listing(30, 50).render() == (
        "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:10\n#EXT-X-MEDIA-SEQUENCE:179555929\n"
        "#EXT-X-INDEPENDENT-SEGMENTS\n"
        "#EXT-X-PROGRAM-DATE-TIME:2026-11-24T22:28:14.000Z\n#EXTINF:6.000,\ncamera-1_179555929.ts\n"
        "#EXT-X-PROGRAM-DATE-TIME:2026-11-24T22:28:20.000Z\n#EXTINF:10.000,\ncamera-1_179555930.ts\n"
    )


def test_only_the_last_six_are_listed_and_the_sequence_goes_with_them() -> None:
    text = listing(*[50] * 9).render()
    assert text.count("#EXTINF") == 6
    assert f"#EXT-X-MEDIA-SEQUENCE:{FIRST + 3}\n" in text


def test_a_discontinuity_that_leaves_the_list_is_counted() -> None:
    playlist = listing(50, 50).adding(Listed(FIRST + 2, (FIRST + 2) * 50, 50, discontinuity=True))
    for at in range(3, 9):
        assert "DISCONTINUITY-SEQUENCE" not in playlist.render()
        playlist = playlist.adding(Listed(FIRST + at, (FIRST + at) * 50, 50))
    assert "#EXT-X-DISCONTINUITY-SEQUENCE:1\n" in playlist.render()


def test_a_run_that_is_over_ends_the_list_and_a_new_one_lists_nothing_older() -> None:
    over = listing(50, 50, 20).ending()
    assert over.render().endswith("#EXT-X-ENDLIST\n")
    again = over.beginning().adding(Listed(FIRST + 9, (FIRST + 9) * 50, 50))
    assert "ENDLIST" not in again.render()
    assert again.render().count("#EXTINF") == 1


def test_a_run_that_begins_just_before_a_boundary_is_shown_with_its_second_segment() -> None:
    assert [listing(*frames).worth_joining for frames in ((34,), (35,), (1, 50))] == [False, True, True]
    assert listing(1).ending().worth_joining, "a run that is over has nothing to wait for"


def test_two_hours_are_listed_over_all_runs_and_absent_segments_are_gaps() -> None:
    dvr = Playlist("camera-1", FPS, dvr=True)
    for at in (0, 1, 2, 6, 7):
        dvr = dvr.beginning().adding(Listed(FIRST + at, (FIRST + at) * 50, 50))
    text = dvr.render()
    assert "#EXT-X-VERSION:8\n" in text
    assert text.count("#EXT-X-GAP\n") == 3
    assert [line for line in text.splitlines() if line.endswith(".ts")] == [
        f"camera-1_{FIRST + at}.ts" for at in range(8)
    ]
    assert parse(text, "camera-1", FPS, dvr=True) == dvr
    later = dvr.adding(Listed(FIRST + 725, (FIRST + 725) * 50, 50))
    assert later.segments[0].index == FIRST + 6
    alone = later.adding(Listed(FIRST + 1400, (FIRST + 1400) * 50, 50)).render()
    assert alone.count("#EXTINF") == 720, "after a long pause the two hours before are gaps, not nothing"


@given(
    st.lists(st.integers(1, 50), min_size=1, max_size=9),
    st.sampled_from(["camera-1", "a", "0-x"]),
    st.booleans(),
    st.sets(st.integers(1, 8)),
)
def test_what_is_written_is_read_back(frames: list[int], camera: str, ended: bool, seams: set[int]) -> None:
    playlist = Playlist(camera, FPS)
    for at, count in enumerate(frames):
        playlist = playlist.adding(Listed(FIRST + at, (FIRST + at) * 50, count, at in seams))
    playlist = playlist.ending() if ended else playlist
    assert parse(playlist.render(), camera, FPS) == playlist


def test_a_strict_parser_of_others_agrees() -> None:
    read = m3u8.loads(listing(30, 50, 50).render())
    assert [segment.duration for segment in read.segments] == [6, 10, 10]
    assert read.media_sequence == FIRST
    assert str(read.segments[0].program_date_time) == "2026-11-24 22:28:14+00:00"


@pytest.mark.parametrize(
    "text",
    ["", "#EXTM3U", "x", "#EXTM3U\nfoo.ts\n", "#EXTM3U\n#EXTINF:10.000,\ncamera-1_1.ts\n"],
)
def test_what_is_no_playlist_of_ours_is_refused_or_empty(text: str) -> None:
    with pytest.raises(BadPlaylist):
        parse(text, "camera-1", FPS)


def test_another_cameras_segments_are_refused() -> None:
    with pytest.raises(BadPlaylist):
        parse(listing(50, camera="camera-2").render(), "camera-1", FPS)
