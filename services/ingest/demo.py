"""The demo camera: a playroom drawn by our own code, with moving figures and the marker. It needs no consent: nobody
is in it. Everything follows from the slot, so a picture can be drawn again at any time.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from libs.contracts.facts import Profile
from libs.contracts.slots import slot_start_ms
from libs.video.picture import Picture, Pixels, from_i420
from services.ingest.marker import draw_marker

Colour = tuple[int, int, int]
Point = tuple[float, float]

_BASE_WIDTH, _BASE_HEIGHT = 640, 480


@dataclass(frozen=True, slots=True)
class Incident:
    """Something that the demo shows every hour from `start` to `end` (seconds of the hour)."""

    code: int
    name: str
    start: int
    end: int


INCIDENTS = (Incident(code=1, name="climbing", start=3 * 60 + 20, end=3 * 60 + 50),)


def incident_at(second_of_hour: float) -> Incident | None:
    """The incident that is on at this second of the hour."""
    return next((one for one in INCIDENTS if one.start <= second_of_hour < one.end), None)


@dataclass(frozen=True, slots=True)
class Child:
    """One figure: colours, size, and the path on which it wanders."""

    shirt: Colour
    hair: Colour
    size: float
    centre: Point
    reach: Point
    pace: float
    phase: float

    def feet(self, second: float) -> Point:
        """Where it stands, in base coordinates."""
        turn = second * self.pace + self.phase
        return (
            self.centre[0] + self.reach[0] * math.sin(turn),
            self.centre[1] + self.reach[1] * math.sin(2 * turn + self.phase),
        )


_CHILDREN = (
    Child((70, 110, 230), (40, 50, 70), 1.00, (190, 390), (110, 26), 0.23, 0.3),
    Child((90, 180, 90), (30, 30, 40), 0.88, (360, 410), (140, 24), 0.17, 2.1),
    Child((200, 140, 60), (50, 80, 120), 0.95, (470, 380), (90, 22), 0.29, 4.0),
)
_CLIMBER = 2


class DemoSource:
    """Draws exactly the slot asked for, so a demo slot is never held."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile

    def picture(self, slot: int) -> Picture:
        """The playroom at `slot`."""
        profile = self._profile
        second = slot_start_ms(slot, profile.fps) / 1000
        incident = incident_at(second % 3600)
        image = _room(profile.width, profile.height).copy()
        _draw_life(_Brush(image), second, incident)
        planes = np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2YUV_I420), dtype=np.uint8)
        draw_marker(planes, profile.height, slot, incident.code if incident else 0)
        return from_i420(planes)

    def close(self) -> None:
        """Nothing to give back."""


class _Brush:
    """Draws in base coordinates (640x480) on an image of any size."""

    def __init__(self, image: Pixels) -> None:
        self.image = image
        self._sx, self._sy = image.shape[1] / _BASE_WIDTH, image.shape[0] / _BASE_HEIGHT

    def _at(self, point: Point) -> tuple[int, int]:
        return round(point[0] * self._sx), round(point[1] * self._sy)

    def box(self, corner: Point, other: Point, colour: Colour) -> None:
        cv2.rectangle(self.image, self._at(corner), self._at(other), colour, -1)

    def disc(self, centre: Point, radius: float, colour: Colour) -> None:
        cv2.circle(self.image, self._at(centre), max(1, round(radius * self._sy)), colour, -1, cv2.LINE_AA)

    def oval(self, centre: Point, axes: Point, colour: Colour) -> None:
        size = (max(1, round(axes[0] * self._sx)), max(1, round(axes[1] * self._sy)))
        cv2.ellipse(self.image, self._at(centre), size, 0, 0, 360, colour, -1, cv2.LINE_AA)

    def line(self, start: Point, end: Point, colour: Colour, width: float) -> None:
        cv2.line(self.image, self._at(start), self._at(end), colour, max(1, round(width * self._sy)), cv2.LINE_AA)


def _draw_life(brush: _Brush, second: float, incident: Incident | None) -> None:
    """All that moves: the clock on the wall, the ball, the children."""
    hands = ((13, second % 43200 / 43200, 3), (18, second % 3600 / 3600, 2), (19, second % 60 / 60, 1))
    for length, turn, width in hands:
        angle = turn * 2 * math.pi
        tip = (320 + length * math.sin(angle), 70 - length * math.cos(angle))
        brush.line((320, 70), tip, (60, 60, 60), width)
    bounce = abs(math.sin(second * 1.9))
    brush.disc((300 + 90 * math.sin(second * 0.31), 436 - 46 * bounce), 11, (60, 60, 220))
    figures: list[tuple[Child, Point]] = []
    for number, child in enumerate(_CHILDREN):
        feet = child.feet(second)
        if incident is not None and incident.name == "climbing" and number == _CLIMBER:
            feet = _climbing(second % 3600 - incident.start, incident.end - incident.start)
        figures.append((child, feet))
    for child, feet in sorted(figures, key=lambda figure: figure[1][1]):
        _draw_child(brush, child, feet, second)


def _climbing(since: float, length: float) -> Point:
    """Up the shelf, along its top, and down again: feet in base coordinates."""
    share = since / length
    up = min(1.0, share * 4, (1 - share) * 4)
    return 545 + 25 * math.sin(since * 0.9), 330 - 160 * up


def _draw_child(brush: _Brush, child: Child, feet: Point, second: float) -> None:
    x, y, size = feet[0], feet[1], 46 * child.size
    swing = math.sin(second * 4 * child.pace * 6 + child.phase) * size * 0.22
    skin: Colour = (165, 195, 235)
    brush.oval((x, y + 2), (size * 0.42, size * 0.1), (92, 126, 158))
    hip, neck = y - size * 0.62, y - size * 1.25
    brush.line((x, hip), (x - swing, y), (110, 80, 60), size * 0.17)
    brush.line((x, hip), (x + swing, y), (110, 80, 60), size * 0.17)
    brush.line((x, neck + size * 0.15), (x - size * 0.4 + swing, hip - size * 0.05), skin, size * 0.12)
    brush.line((x, neck + size * 0.15), (x + size * 0.4 - swing, hip - size * 0.05), skin, size * 0.12)
    brush.oval((x, (hip + neck) / 2), (size * 0.27, size * 0.4), child.shirt)
    brush.disc((x, neck - size * 0.24), size * 0.32, child.hair)
    brush.disc((x, neck - size * 0.17), size * 0.27, skin)
    for side in (-1, 1):
        brush.disc((x + side * size * 0.1, neck - size * 0.18), size * 0.035, (40, 40, 40))


@lru_cache(maxsize=4)
def _room(width: int, height: int) -> Pixels:
    """All that stands still."""
    image = np.zeros((height, width, 3), np.uint8)
    brush = _Brush(image)
    brush.box((0, 0), (640, 300), (206, 226, 236))
    brush.box((0, 300), (640, 480), (120, 160, 196))
    brush.box((0, 292), (640, 300), (170, 190, 204))
    for x in range(40, 640, 80):
        brush.line((x, 300), (x - (320 - x) * 0.5, 480), (110, 148, 182), 1)
    brush.box((60, 50), (220, 190), (250, 250, 250))
    brush.box((68, 58), (212, 182), (235, 206, 160))
    brush.disc((180, 88), 16, (150, 230, 250))
    brush.oval((110, 178), (60, 26), (110, 180, 120))
    brush.box((137, 50), (143, 190), (250, 250, 250))
    brush.box((60, 117), (220, 123), (250, 250, 250))
    brush.disc((320, 70), 27, (90, 110, 130))
    brush.disc((320, 70), 24, (250, 250, 250))
    _draw_shelf(brush)
    brush.oval((310, 405), (210, 52), (150, 150, 214))
    brush.oval((310, 405), (178, 42), (176, 186, 232))
    for x, colour in ((96, (80, 80, 220)), (122, (90, 200, 230)), (109, (200, 150, 80))):
        top = 436 if x != 109 else 410
        brush.box((x, top), (x + 24, top + 24), colour)
    return image


def _draw_shelf(brush: _Brush) -> None:
    brush.box((470, 170), (620, 330), (96, 140, 180))
    for row in (178, 230, 282):
        brush.box((478, row), (612, row + 42), (70, 104, 138))
    for x, row, colour in (
        (486, 194, (80, 80, 210)),
        (516, 188, (90, 190, 90)),
        (556, 198, (220, 170, 80)),
        (492, 246, (80, 210, 230)),
        (560, 240, (190, 120, 200)),
        (520, 300, (210, 210, 210)),
    ):
        brush.box((x, row), (x + 22, row + 26), colour)
