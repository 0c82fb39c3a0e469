"""Pictures that a test draws: dark, covered, frozen, and those that only look so for a moment."""

from collections.abc import Callable, Iterable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from libs.contracts.facts import Profile
from libs.video.picture import Pixels, from_i420, small_luma
from services.ingest.demo import DemoSource
from services.ingest.health import (
    APART_SECONDS,
    DARK_BELOW,
    ENTER_SECONDS,
    FROZEN_SECONDS,
    LEAVE_SECONDS,
    LIGHT_FROM,
    Health,
    Luma,
    Verdict,
    is_dark,
    is_plain,
    judge,
)

FPS = 5
FIRST = 8_977_796_450
Noise = Callable[[int], NDArray[np.float64]]


def room(second: int, *, light: float = 1.0, noise: float = 2.0, moves: float = 0.0) -> Luma:
    """A room with edges, noise that is another each second, and somebody who moves by `moves` levels."""
    rows, columns = np.mgrid[0:120, 0:160]
    drawn = 60.0 + 60 * (columns // 20 % 2) + 50 * (rows > 70) + 10 * np.sin(columns / 30)
    drawn[60:90, 60:80] += moves * (second % 2)
    return shaded(16 + (drawn - 16) * light + np.random.default_rng(second).normal(0, noise, drawn.shape))


def cover(second: int, level: float = 90.0, noise: float = 1.5) -> Luma:
    """A hand before the lens: darker to one side, with noise."""
    columns = np.mgrid[0:120, 0:160][1]
    return shaded(level + columns / 8 + np.random.default_rng(second).normal(0, noise, columns.shape))


def shaded(levels: NDArray[np.float64]) -> Luma:
    return np.asarray(np.clip(np.round(levels), 16, 235), dtype=np.uint8)


def verdicts(pictures: Iterable[Luma], health: Health | None = None, first: int = FIRST) -> list[Verdict]:
    """What is believed after each of these pictures, one a second."""
    believed, health = [], health or Health()
    for second, picture in enumerate(pictures):
        health = judge(health, picture, first + second * FPS, FPS)
        believed.append(health.verdict)
    return believed


def turns(believed: list[Verdict]) -> list[tuple[int, Verdict]]:
    """At which second which verdict began."""
    return [(at, one) for at, one in enumerate(believed) if at == 0 or believed[at - 1] != one]


def test_a_dark_room_is_dark_and_not_covered_until_the_light_is_on() -> None:
    night = [room(second, light=0.05) for second in range(20)]
    believed = verdicts([*map(room, range(10)), *night, *map(room, range(30, 50))])
    assert turns(believed) == [(0, "online"), (10 + ENTER_SECONDS, "dark"), (30 + LEAVE_SECONDS, "online")]


@pytest.mark.parametrize("black", [np.full((120, 160), 16, np.uint8), room(1, light=0.01, noise=0.5)])
def test_black_is_dark_however_plain(black: Luma) -> None:
    assert verdicts([black] * 60)[-1] == "dark"


@pytest.mark.parametrize("level", [50, 90, 200])
def test_a_cover_is_seen_whatever_its_brightness_and_so_is_its_end(level: float) -> None:
    covers = [cover(second, level) for second in range(60)]
    believed = verdicts([*map(room, range(10)), *covers, *map(room, range(70, 90))])
    assert turns(believed) == [(0, "online"), (10 + ENTER_SECONDS, "covered"), (70 + LEAVE_SECONDS, "online")]


@pytest.mark.parametrize("bars", [(slice(0, 15), slice(0, 160)), (slice(0, 120), slice(0, 35))])
def test_black_bars_are_no_picture(bars: tuple[slice, slice]) -> None:
    def barred(picture: Luma) -> Luma:
        picture[bars] = 16
        picture[::-1, ::-1][bars] = 16
        return picture

    assert verdicts([barred(cover(second)) for second in range(10)])[-1] == "covered"
    assert verdicts([barred(room(second)) for second in range(10)])[-1] == "online"


def test_a_hand_that_passes_and_a_light_that_is_switched_off_and_on_are_nothing() -> None:
    for odd in (cover(1), room(1, light=0.03)):
        for seconds in range(1, ENTER_SECONDS + 1):
            assert set(verdicts([*map(room, range(9)), *[odd] * seconds, *map(room, range(9))])) == {"online"}


def test_between_its_two_levels_light_changes_nothing() -> None:
    dusk = room(1, light=0.15, noise=0)
    assert is_dark(dusk, LIGHT_FROM)
    assert not is_dark(dusk, DARK_BELOW)
    assert set(verdicts([room(1), *[dusk] * 20])) == {"online"}
    assert verdicts([*[room(1, light=0.03)] * 9, *[dusk] * 20])[-1] == "dark"


def test_the_bar_of_a_plain_picture_is_higher_for_one_that_was_covered() -> None:
    faint = cover(1, noise=0)
    faint[:, 40:44] += 5
    assert not is_plain(faint)
    assert is_plain(faint, factor=1.5)
    assert set(verdicts([faint] * 20)) == {"online"}
    assert set(verdicts([*[cover(1)] * 9, *[faint] * 20])[9:]) == {"covered"}


def test_a_picture_that_stands_still_for_half_a_minute_is_frozen_until_it_lives() -> None:
    believed = verdicts([*map(room, range(10)), *[room(9)] * 60, *map(room, range(70, 90))])
    assert turns(believed) == [(0, "online"), (9 + FROZEN_SECONDS, "frozen"), (70 + LEAVE_SECONDS, "online")]


def test_versions_of_one_picture_are_one_picture() -> None:
    versions = [shaded(room(1).astype(float) + each) for each in (0, 2, -3)]
    believed = verdicts([versions[0 if second % 10 else 1 + second // 10 % 2] for second in range(60)])
    assert turns(believed) == [(0, "online"), (10 + FROZEN_SECONDS, "frozen")]


def test_a_child_that_lies_still_is_not_frozen_nor_is_an_empty_room() -> None:
    assert set(verdicts(room(second, noise=0.6) for second in range(120))) == {"online"}


def test_a_short_film_in_a_loop_moves_though_it_repeats_every_bit() -> None:
    film = [room(second, noise=0, moves=12) for second in range(4)]
    assert set(verdicts(film * 30)) == {"online"}
    longer = [room(second, noise=0.5) for second in range(5)]
    assert set(verdicts(longer * 30)) == {"online"}


def test_what_lies_in_the_dark_or_under_a_cloth_is_not_called_frozen() -> None:
    assert set(verdicts([room(1, light=0.05)] * 90)) == {"online", "dark"}
    assert set(verdicts([cover(1)] * 90)) == {"online", "covered"}


def test_pictures_far_apart_prove_nothing() -> None:
    health = Health()
    for second in range(0, 200, APART_SECONDS + 1):
        health = judge(health, cover(1) if second > 100 else room(1), FIRST + second * FPS, FPS)
        assert health.verdict == "online"


def test_a_cover_is_not_forgotten_while_the_camera_was_away() -> None:
    health = Health()
    for second in (*range(9), *range(60, 63)):
        health = judge(health, cover(second), FIRST + second * FPS, FPS)
    assert health.verdict == "covered"


@settings(deadline=None, max_examples=40)
@given(st.floats(0.0, 1.0), st.floats(0.0, 6.0), st.integers(0, 99))
def test_no_light_makes_a_room_look_covered(light: float, noise: float, second: int) -> None:
    assert verdicts([room(second + at, light=light, noise=noise) for at in range(8)])[-1] in ("online", "dark")


def test_the_demo_camera_is_always_online() -> None:
    demo, health = DemoSource(Profile(width=160, height=120)), Health()
    for slot in range(FIRST, FIRST + 240 * FPS, FPS):
        health = judge(health, small_luma(demo.picture(slot)), slot, FPS)
        assert health.verdict == "online"


@pytest.mark.parametrize(("width", "height"), [(640, 480), (1280, 720), (64, 48), (320, 180), (352, 288), (160, 120)])
def test_the_small_picture_is_the_mean_of_the_large_one(width: int, height: int) -> None:
    planes: Pixels = np.full((height * 3 // 2, width), 128, np.uint8)
    planes[:height] = np.linspace(30, 220, width).astype(np.uint8)
    planes[: height // 2] = 16
    small = small_luma(from_i420(planes))
    assert small.shape == (120, 160)
    assert not np.shares_memory(small, planes)
    assert int(small[:58].max()) == 16
    assert np.abs(small[62:] - np.linspace(30, 220, 160)).max() < 3
