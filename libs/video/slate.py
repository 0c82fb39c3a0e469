"""The picture that stands where there is none: it says so, and since when; no frozen picture passes for a live one."""

from functools import lru_cache

import av
import cv2
import numpy as np

from libs.contracts.facts import Profile
from libs.contracts.frames import Cause, Unit
from libs.video.picture import Pixels, from_bgr
from libs.video.sei import Stamp
from libs.video.x264 import H264Encoder

_BACKGROUND = (44, 38, 34)
_INK = (214, 214, 214)


def slate_picture(profile: Profile, since: str) -> av.VideoFrame:
    """The slate of a profile; `since` is a time for people (`14:03:10`). The marker's lines stay black."""
    return from_bgr(_drawn(profile.width, profile.height, since))


def slate_units(profile: Profile, first: int, last: int, cause: Cause, since: str) -> tuple[str, list[Unit]]:
    """Encode slate for slots `first` to `last` (both included): its params id and its units, the first one an IDR."""
    encoder = H264Encoder(profile)
    units: list[Unit] = []
    for slot in range(first, last + 1):
        units += encoder.encode(slate_picture(profile, since), Stamp(slot, "s", cause))
    units += encoder.flush()
    return encoder.params, units


@lru_cache(maxsize=16)
def _drawn(width: int, height: int, since: str) -> Pixels:
    image = np.full((height, width, 3), _BACKGROUND, np.uint8)
    size = max(8, height // 16)
    _centred(image, f"{since}부터 화면이 없습니다" if since else "화면이 없습니다", height * 45 // 100, size)
    _centred(image, f"No picture since {since}" if since else "No picture", height * 58 // 100, size * 3 // 4)
    image[height - max(2, height // 30) :] = 0
    return image


def _centred(image: Pixels, text: str, baseline: int, size: int) -> None:
    font = cv2.FontFace("sans")
    box = cv2.getTextSize((image.shape[1], image.shape[0]), text, (0, 0), font, size)
    cv2.putText(image, text, ((image.shape[1] - box[2]) // 2, baseline), _INK, font, size)
