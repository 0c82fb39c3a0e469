"""What a live playlist lists."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from libs.media import MediaStore, prepare_store
from services.query.rest.playlists import Listing, Playlists, read_listing

LIVE = """#EXTM3U
#EXT-X-VERSION:6
#EXT-X-TARGETDURATION:10
#EXT-X-MEDIA-SEQUENCE:7
#EXT-X-PROGRAM-DATE-TIME:2026-11-24T05:03:16.000Z
#EXTINF:4.000000,
camera-1_7.ts
#EXT-X-PROGRAM-DATE-TIME:2026-11-24T05:03:20.000Z
#EXTINF:10.000000,
camera-1_8.ts
"""
END = datetime(2026, 11, 24, 5, 3, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "listing"),
    [
        (LIVE, Listing(2, 14.0, False, END)),
        (LIVE + "#EXT-X-ENDLIST\n", Listing(2, 14.0, True, END)),
        ("", Listing(0, 0.0, False, None)),
        ("#EXTM3U\n#EXTINF:x,\na.ts\n#EXTINF:2,\nb.ts\n", Listing(1, 2.0, False, None)),
        ("#EXT-X-PROGRAM-DATE-TIME:yesterday\n#EXTINF:2,\n", Listing(1, 2.0, False, None)),
    ],
)
def test_read_listing(text: str, listing: Listing) -> None:
    assert read_listing(text) == listing


def test_a_replaced_playlist_is_read_again(tmp_path: Path) -> None:
    prepare_store(tmp_path)
    store, playlists = MediaStore.open(str(tmp_path)), Playlists()
    assert playlists.listing(None, "camera-1") is None
    assert playlists.listing(store, "camera-1") is None
    store.replace("camera-1/hls", "camera-1.m3u8", LIVE.encode(), "1")
    first = playlists.listing(store, "camera-1")
    assert first == Listing(2, 14.0, False, END)
    assert playlists.listing(store, "camera-1") is first
    store.replace("camera-1/hls", "camera-1.m3u8", (LIVE + "#EXT-X-ENDLIST\n").encode(), "1")
    assert playlists.listing(store, "camera-1") == Listing(2, 14.0, True, END)
