"""What was typed after a command, checked as far as that goes without the site. Pure."""

import re
from uuid import UUID

from cli.refusal import Refusal
from cli.said import read_moment
from libs.contracts.ids import BadCameraId, check_camera_id

_PROFILE = re.compile(r"([0-9]{2,4})x([0-9]{2,4})@([0-9]{1,2})")
_CODE = re.compile(r"[a-z0-9_-]{1,64}")


def camera_id(text: str) -> str:
    """The id of a camera. Raises Refusal."""
    try:
        return check_camera_id(text)
    except BadCameraId as problem:
        raise Refusal(str(problem)) from problem


def event_id(text: str) -> str:
    """The id of an event. Raises Refusal."""
    try:
        return str(UUID(text))
    except ValueError:
        raise Refusal(f"{text[:40]!r} is no event: copy the id that `dolbom events list` shows") from None


def profile(text: str) -> dict[str, object]:
    """Width, height and pictures a second of `640x480@5`. Raises Refusal."""
    match = _PROFILE.fullmatch(text)
    if match is None:
        raise Refusal(f"--profile {text!r} is no WIDTHxHEIGHT@FPS: write it as 640x480@5")
    return dict(zip(("width", "height", "fps"), map(int, match.groups()), strict=True))


def moment(option: str, text: str) -> str:
    """A moment with a zone, as the API takes it. Raises Refusal."""
    at = read_moment(text)
    if at is None:
        raise Refusal(f"{option} {text!r} is no time with a zone: write it as 2026-03-02T09:00:00+09:00")
    return at.isoformat()


def code(text: str) -> str:
    """What kind of thing was seen. Raises Refusal."""
    if not _CODE.fullmatch(text):
        raise Refusal(f"--code {text!r} is none: it is a word such as climb (a-z, 0-9, - and _)")
    return text


def at_least_one(option: str, number: int) -> int:
    """A number of things. Raises Refusal."""
    if number < 1:
        raise Refusal(f"{option} {number} is too few: take 1 or more")
    return number
