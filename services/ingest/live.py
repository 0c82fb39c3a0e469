"""A live source: pictures are pushed when they come, the newest wins, and a slot without a new one holds the last."""

import threading

from libs.video.picture import Picture
from services.ingest.files import NoPicture


class NewestPicture:
    """Between the thread that drains a camera and the recording that fills slots; never a queue, so never late."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._picture: Picture | None = None
        self._trouble = "nothing came yet"

    def put(self, picture: Picture) -> None:
        """The camera showed this now."""
        with self._lock:
            self._picture = picture

    def say_trouble(self, why: str) -> None:
        """Nothing comes any more, and why."""
        with self._lock:
            self._trouble = why

    def picture(self, slot: int) -> Picture:
        """What came since the slot before; raises NoPicture when nothing did."""
        with self._lock:
            picture, self._picture = self._picture, None
            if picture is None:
                raise NoPicture(self._trouble)
            self._trouble = "no new picture"
            return picture

    def close(self) -> None:
        """Nothing to give back: whoever drains the camera ends it."""
