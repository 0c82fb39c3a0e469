"""Raw pictures: I420 in a PyAV frame, and the JPEG made of it."""

import av
import cv2
import numpy as np
from numpy.typing import NDArray

JPEG_QUALITY = 80

Picture = av.VideoFrame
"""A raw picture, I420, tv range."""

Pixels = NDArray[np.uint8]


def blank(width: int, height: int) -> Picture:
    """A frame whose planes wait to be filled."""
    return Picture(width, height, "yuv420p")


def from_bgr(image: Pixels) -> Picture:
    """An I420 frame (BT.601, tv range) of a BGR image; both sides even."""
    return from_i420(np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2YUV_I420), dtype=np.uint8))


def from_i420(planes: Pixels) -> Picture:
    """A frame of stacked planes, `height * 3 / 2` rows of `width` bytes."""
    return Picture.from_ndarray(planes, format="yuv420p")


def jpeg_and_luma(picture: Picture) -> tuple[bytes, int]:
    """The picture as JPEG, and its mean brightness (0 to 255)."""
    planes = picture.to_ndarray(format="yuv420p")
    luma = round(float(planes[: picture.height].mean()))
    good, encoded = cv2.imencode(
        ".jpg", cv2.cvtColor(planes, cv2.COLOR_YUV2BGR_I420), [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
    )
    if not good:
        raise ValueError("the picture could not be made a JPEG")
    return encoded.tobytes(), luma
