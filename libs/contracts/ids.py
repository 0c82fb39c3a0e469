"""Names that are safe everywhere, and ids that follow from what happened."""

import re
from uuid import NAMESPACE_URL, UUID, uuid5

CAMERA_ID = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?", re.ASCII)
"""One grammar for subjects, paths, URLs and file names."""

FACT_NAMESPACE: UUID = uuid5(NAMESPACE_URL, "dolbom:fact")


class BadCameraId(ValueError):
    """The text is no camera id."""

    def __init__(self, text: str) -> None:
        super().__init__(
            f"{text[:40]!r} is no camera id: take 1 to 32 of a-z, 0-9 and '-', with a letter or digit at both ends"
        )


def is_camera_id(text: str) -> bool:
    """Does the whole text fit the grammar of camera ids?"""
    return CAMERA_ID.fullmatch(text) is not None


def check_camera_id(text: str) -> str:
    """Return the text when it is a camera id; raise BadCameraId otherwise."""
    if not is_camera_id(text):
        raise BadCameraId(text)
    return text


def fact_id(name: str, *parts: str | int) -> str:
    """The id of a fact, the same however often it is computed.

    `name` is the fact's type without prefix and version (`segment.closed`); the parts stand in `docs/events.md`.
    """
    return str(uuid5(FACT_NAMESPACE, "|".join([f"dolbom.{name}", *map(str, parts)])))
