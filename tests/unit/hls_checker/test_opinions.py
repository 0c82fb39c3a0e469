"""Parsers of others, in their strict modes, read our good playlists as we mean them."""

from collections.abc import Callable, Sequence

import pytest

from services.encoder.playlist import Listed, Playlist
from tests.hls_checker.opinions import Opinion, hls_parser_missing, hls_parser_says, m3u8_says
from tests.hls_checker.reading import read
from tests.unit.hls_checker.lists import FIRST, Run, dvr, live, text

RUNS = [
    Run(FIRST * 50 + 20, 400, frozenset({FIRST + 2})),
    Run((FIRST + 12) * 50 + 49, 52),
    Run((FIRST + 20) * 50, 1),
]
MADE = [one for _, one in (*live(RUNS), *dvr(RUNS), *live(RUNS, fps=30), *dvr(RUNS, fps=3))]


def written() -> list[str]:
    """The encoder's own: live and two hours, each with a discontinuity, gaps and an end."""
    made: list[str] = []
    for playlist in (Playlist("camera-1", 5), Playlist("camera-1", 5, dvr=True)):
        for run in RUNS:
            playlist = playlist.beginning()
            for item in run.items(5):
                playlist = playlist.adding(Listed(item.index, item.slot, item.frames, item.seam))
                made.append(playlist.render())
            playlist = playlist.ending()
            made.append(playlist.render())
    return made


GOOD = MADE + written()


def by_npm(texts: Sequence[str]) -> list[Opinion]:
    if hls_parser_missing():
        pytest.skip(hls_parser_missing())
    return hls_parser_says(texts)


def by_pypi(texts: Sequence[str]) -> list[Opinion]:
    return [m3u8_says(one) for one in texts]


@pytest.mark.parametrize("ask", [by_pypi, by_npm])
def test_our_good_playlists_are_accepted_and_read_alike(ask: Callable[[Sequence[str]], list[Opinion]]) -> None:
    assert sum("EXT-X-GAP" in one for one in GOOD) > 10
    assert sum("EXT-X-DISCONTINUITY\n" in one for one in GOOD) > 10
    for one, opinion in zip(GOOD, ask(GOOD), strict=True):
        ours = read(one)
        assert opinion.problem == ""
        assert opinion.places == tuple((n, place.uri, place.seconds, place.gap) for n, place in ours.numbered())


@pytest.mark.parametrize(
    ("ask", "old", "new"),
    [(by_pypi, "VERSION:6", "VERSION:2"), (by_npm, "EXTINF:10.000", "EXTINF:11.000")],
    ids=["by_pypi", "by_npm"],
)
def test_they_do_refuse_something(ask: Callable[[Sequence[str]], list[Opinion]], old: str, new: str) -> None:
    assert ask([text(RUNS[0].items(5)[:3]).replace(old, new)])[0].problem
