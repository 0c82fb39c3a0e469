"""A queue as a real ingest plays it: pixels, slots and runs as they stand on the bus."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest

from tests.integration.ingest.films import make_film
from tests.integration.ingest.site import QueueSite, Shown, anchored, queue_site

LENGTHS = (17, 21, 8, 16)
"""Pictures of films 1 to 4."""


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("films")
    return [make_film(folder / f"{number} 소풍.mp4", number, length) for number, length in enumerate(LENGTHS, 1)]


def put(site: QueueSite, films: Sequence[Path]) -> list[str]:
    """The films in the camera's folder; their names."""
    for film in films:
        (site.videos() / film.name).write_bytes(film.read_bytes())
    return [film.name for film in films]


def wrong(shown: Sequence[Shown], order: Sequence[int]) -> list[str]:
    """Where a picture is not followed by the one after it, of the same film or of the next one in the order."""
    lengths = dict(enumerate(LENGTHS, 1))
    following = dict(zip(order, [*order[1:], order[0]], strict=True))
    found = []
    for one, other in pairwise(shown):
        over = one.picture == lengths[one.film] - 1
        expected = (following[one.film], 0) if over else (one.film, one.picture + 1)
        if (other.film, other.picture) != expected or other.slot != one.slot + 1:
            found.append(f"{one} then {other}")
    return found


def reached(site: QueueSite, slots: int) -> bool:
    return site.slots() >= slots


def at(site: QueueSite) -> str:
    """The file that plays."""
    position = site.position()
    return position.file if position else ""


def boundaries(shown: Sequence[Shown]) -> int:
    return sum(one.film != other.film for one, other in pairwise(shown))


def test_twenty_boundaries_and_the_loop_cost_no_slot_at_ten_times_the_speed(films: list[Path], tmp_path: Path) -> None:
    with queue_site(tmp_path, anchored(10)) as site:
        site.play(put(site, films))
        site.start()
        site.until(lambda: site.slots() >= 340, 40)
        shown = site.shown()
    assert [one for one in shown if one.kind != "c"] == []
    assert wrong(shown, (1, 2, 3, 4)) == []
    assert (shown[0].film, shown[0].picture) == (1, 0)
    assert boundaries(shown) >= 20
    assert len({one.run for one in shown}) == 1


def test_boundaries_cost_no_slot_in_real_time(films: list[Path], tmp_path: Path) -> None:
    with queue_site(tmp_path) as site:
        site.play(put(site, films[2:3]))
        site.start()
        site.until(lambda: site.slots() >= 30)
        shown = site.shown()
    assert {one.kind for one in shown} == {"c"}
    assert [(one.film, one.picture) for one in shown[:30]] == [(3, slot % 8) for slot in range(30)]


def test_a_killed_ingest_goes_on_where_it_was(films: list[Path], tmp_path: Path) -> None:
    with queue_site(tmp_path, anchored(5)) as site:
        site.play(put(site, films))
        site.start()
        for slots in (25, 60):
            site.until(partial(reached, site, slots))
            site.kill()
            site.start()
        site.until(partial(reached, site, 100))
        shown = site.shown()
    assert len({one.run for one in shown}) == 3
    seamless = [replace(one, slot=at) for at, one in enumerate(shown)]
    assert wrong(seamless, (1, 2, 3, 4)) == [], "the picture after the last one that was published, each time"


def test_another_list_is_taken_up_at_the_boundary_by_the_same_run(films: list[Path], tmp_path: Path) -> None:
    with queue_site(tmp_path, anchored(3)) as site:
        one, two, three, four = put(site, films)
        site.play([one, two])
        site.start()
        site.until(lambda: site.slots() >= 5)
        site.change([four, one, three])
        site.until(lambda: at(site) == four)
        site.change([])
        site.until(lambda: any(one.kind == "s" for one in site.shown()))
        site.change([two])
        count = len(site.shown())
        site.until(lambda: site.slots() >= count + 25)
        shown, states = site.shown(), site.states()
    assert len({one.run for one in shown}) == 1, "one x264 instance"
    assert [other.slot - one.slot for one, other in pairwise(shown)] == [1] * (len(shown) - 1)
    seen = [one.film for one in shown if one.kind == "c"]
    assert [film for film, before in zip(seen, [0, *seen], strict=False) if film != before] == [1, 3, 4, 2]
    captured = [one for one in shown if one.kind == "c"]
    assert [one.picture for one in captured if one.film == 4] == list(range(16)), "what plays is played to its end"
    assert [one.kind for one in shown if one.kind != "c"][:20] == ["h"] * 15 + ["s"] * 5
    assert ("offline", "no files") in states


def test_a_list_played_once_is_not_played_again_by_the_next_process(films: list[Path], tmp_path: Path) -> None:
    with queue_site(tmp_path, anchored(5)) as site:
        _, _, three, four = put(site, films)
        site.play([three], loop=False)
        site.start()
        site.until(lambda: ("stopped", "the source ended") in site.states())
        assert [(one.film, one.picture) for one in site.shown()] == [(3, picture) for picture in range(8)]
        assert site.messages()[-1].end == "source_ended"
        site.kill()
        site.start()
        site.until(lambda: site.states().count(("stopped", "the source ended")) == 2)
        assert site.slots() == 8
        site.change([three, four], loop=False)
        site.until(lambda: site.slots() >= 24)
        assert [one.film for one in site.shown()] == [3] * 8 + [4] * 16, "what was added is"
        site.until(lambda: site.states()[-1][0] == "stopped")
        site.wish(running=False)
        site.until(lambda: site.position() is None)
        site.wish(running=True)
        site.until(lambda: site.slots() > 24)
        assert site.shown()[24].film == 3, "who stops it and starts it again begins anew"
