"""Nothing is wrong with the public footage: no second of it is dark, covered or frozen, by these margins.

The same pictures with less and less light become dark, and never look covered on the way.
"""

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from libs.contracts.facts import Profile
from libs.video.child import CaptureEnded
from libs.video.ffmpeg import ffmpeg_program
from libs.video.picture import small_luma
from services.ingest.capture import start_child
from services.ingest.film import Player
from services.ingest.health import (
    DARK_BELOW,
    FROZEN_SECONDS,
    Health,
    Luma,
    Verdict,
    is_dark,
    is_plain,
    judge,
)

FOOTAGE = Path(__file__).resolve().parents[4] / "shared" / "footage"
CLIPS = [f"p{number:02}" for number in range(1, 13)]
LEAST_SECONDS = 75
"""Each clip is played at least so long, over and over: twice the time that makes a picture frozen, and more."""


@cache
def seconds(clip: str) -> tuple[Luma, ...]:
    """A picture a second of the whole clip, as ingest sees it."""
    paths = list(FOOTAGE.glob(f"{clip}_*"))
    if not paths:
        pytest.skip("the footage is not beside this checkout")
    player = Player(Profile(fps=1), ffmpeg_program(), start_child, lambda name: FOOTAGE / name)
    capture, pictures = player.open(paths[0].name, 0, short=False), []
    try:
        while True:
            pictures.append(small_luma(capture.read()))
    except CaptureEnded as ended:
        assert not ended.reason
    finally:
        capture.close()
    return tuple(pictures)


def verdicts(pictures: tuple[Luma, ...]) -> set[Verdict]:
    """Whatever a picture looked like while the clip played over and over, believed or not."""
    health, looks = Health(), set()
    for second in range(max(LEAST_SECONDS, len(pictures))):
        health = judge(health, pictures[second % len(pictures)], 1_000_000 + second, 1)
        looks.add(health.looks)
    return looks


def brightness(picture: Luma) -> int:
    """The level below which 95 of 100 pixels lie."""
    return next(level for level in range(256) if is_dark(picture, level + 1))


def edges(picture: Luma) -> float:
    """How many times sharper than plain the picture is (to a tenth)."""
    return next(tenths for tenths in range(1, 1000) if is_plain(picture, factor=tenths / 10)) / 10


def longest_still(pictures: tuple[Luma, ...]) -> int:
    """The longest row of seconds without one pixel that changed."""
    longest = row = 0
    for before, after in zip(pictures, [*pictures[1:], pictures[0]], strict=True):
        row = row + 1 if np.array_equal(before, after) else 0
        longest = max(longest, row)
    return longest


@pytest.mark.parametrize("clip", CLIPS)
def test_no_second_of_the_footage_is_called_anything_but_online(clip: str) -> None:
    pictures = seconds(clip)
    light, sharp, still = min(map(brightness, pictures)), min(map(edges, pictures)), longest_still(pictures)
    print(
        f"{clip}: {len(pictures)} s, brightness {light} (dark below {DARK_BELOW}), "
        f"edges {sharp:.1f} times those of a plain picture, bit-identical for {still} of {FROZEN_SECONDS} s"
    )
    assert verdicts(pictures) == {"online"}
    assert light >= 1.4 * DARK_BELOW
    assert sharp >= 3
    assert still <= FROZEN_SECONDS / 10


@pytest.mark.parametrize("clip", CLIPS)
def test_less_light_makes_footage_dark_and_never_covered(clip: str) -> None:
    lights: dict[Verdict, list[float]] = {"online": [], "dark": []}
    for light in (1.0, 0.5, 0.3, 0.25, 0.2, 0.15, 0.12, 0.1, 0.08, 0.05, 0.03, 0.01):
        believed = verdicts(tuple(dimmed(picture, light) for picture in seconds(clip)[:20]))
        assert believed <= {"online", "dark"}, light
        for verdict in believed:
            lights[verdict].append(light)
    print(f"{clip}: online down to {min(lights['online']):.0%} of its light, dark from {max(lights['dark']):.0%} on")
    assert min(lights["dark"]) == 0.01
    assert min(lights["online"]) >= 0.05


def dimmed(picture: Luma, light: float) -> Luma:
    """The picture with so much of its light, and the noise of a sensor that gives its best."""
    noise = np.random.default_rng(int(picture[:8].sum())).normal(0, 1, picture.shape)
    return np.asarray(np.clip(np.round(16 + (picture - 16.0) * light + noise), 0, 255), dtype=np.uint8)
