"""The list of cameras that is written is the one that query reads."""

from pathlib import Path

import pytest

from cli.cameras_file import CAMERA, cameras_file, shown
from cli.videos import Videos
from services.query.cameras_file import parse_cameras

ODD = ("1 아침.mp4", 'say "hi".mp4', "a: b #c.mp4", "- x.mp4", "back\\slash.mp4", "'.mp4", "no", "😀.mp4")


def test_the_demo() -> None:
    (entry,) = parse_cameras(cameras_file(None))
    assert (entry.id, entry.config.source.kind, entry.config.time_zone) == (CAMERA, "demo", "Asia/Seoul")
    assert entry.config.name == "놀이방 Playroom"


def test_files_of_any_name_in_their_order() -> None:
    (entry,) = parse_cameras(cameras_file(Videos(Path("/films"), ODD)))
    assert (entry.config.source.kind, entry.config.source.loop) == ("files", True)
    assert entry.config.source.files == ODD


@pytest.mark.parametrize(("count", "says"), [(1, "1 video from"), (2, "2 videos from"), (9, ", …")])
def test_what_is_said(count: int, says: str) -> None:
    assert says in shown(Videos(Path("/films"), tuple(f"{n}.mp4" for n in range(count))), "films")
    assert shown(None, "") == "demo video 640x480 at 5 fps"
