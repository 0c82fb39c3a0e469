"""Raw pictures: I420 in a PyAV frame, and the JPEG made of it."""

import av
import cv2
import numpy as np
from numpy.typing import NDArray

JPEG_QUALITY = 80
SMALL_WIDTH, SMALL_HEIGHT = 160, 120

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
    luma = round(cv2.mean(planes[: picture.height])[0])
    good, encoded = cv2.imencode(
        ".jpg", cv2.cvtColor(planes, cv2.COLOR_YUV2BGR_I420), [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
    )
    if not good:
        raise ValueError("the picture could not be made a JPEG")
    return encoded.tobytes(), luma


def small_luma(picture: Picture) -> Pixels:
    """The brightness of the picture alone, 120 rows of 160 (tv range), each the mean of the pixels that it stands for.

    Halving again and again costs a tenth of one big step in OpenCV, and is the same where the sides allow it.
    """
    plane = picture.planes[0]
    luma = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)[:, : plane.width]
    height, width = luma.shape
    while height % 2 == width % 2 == 0 and height >= 2 * SMALL_HEIGHT and width >= 2 * SMALL_WIDTH:
        height, width = height // 2, width // 2
        luma = _resized(luma, width, height)
    return _resized(luma, SMALL_WIDTH, SMALL_HEIGHT)


def _resized(luma: Pixels, width: int, height: int) -> Pixels:
    return np.asarray(cv2.resize(luma, (width, height), interpolation=cv2.INTER_AREA), dtype=np.uint8)
