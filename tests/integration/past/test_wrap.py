"""MPEG's clock has 33 bits and begins again every 26.5 hours: nothing of a past run is lost there."""

import subprocess
from datetime import timedelta
from pathlib import Path

from libs.contracts.slots import hls_first_slot, hls_index, moment, slot_start_ms
from libs.video.ffmpeg import ffmpeg_program
from tests.integration.past.pictures import pictures, wrong
from tests.integration.past.site import past_site, until

WRAP = 8_971_709_462
"""The slot (5 fps) within which the 33 bits begin again: 18 800 times 2**33 ticks after the epoch."""


def test_nothing_is_lost_where_the_stamps_begin_again(tmp_path: Path) -> None:
    assert WRAP * 18_000 // 2**33 < (WRAP + 1) * 18_000 // 2**33
    first = hls_first_slot(hls_index(WRAP, 5) - 1, 5)
    begin = moment(slot_start_ms(first, 5))
    with past_site(tmp_path) as site:
        site.start("ingest", "encoder")
        site.wish(begin, begin + timedelta(seconds=30))
        until(lambda: site.ended, 60, site.words)
        site.until_told(1)
        seen = [one for path in site.segments for one in pictures(path)]
        assert (len(seen), wrong(seen, first)) == (150, [])
        (archive,) = site.archives
        assert pictures(archive) == seen
        listed = "".join(f"#EXTINF:10.000,\n{path.name}\n" for path in site.segments)
        playlist = site.hls / "vod.m3u8"
        playlist.write_text(f"#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:10\n{listed}#EXT-X-ENDLIST\n")
        said = subprocess.run(
            [ffmpeg_program(), "-v", "warning", "-i", playlist, "-f", "null", "-"], capture_output=True, check=True
        )
        assert said.stderr == b""
