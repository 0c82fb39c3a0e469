"""What a person may name as VIDEO."""

import os
from pathlib import Path

import pytest

from cli.refusal import Refusal
from cli.videos import find_videos


def test_a_folder_in_natural_order(tmp_path: Path) -> None:
    for name in ("10.mp4", "2 놀이.MP4", ".hidden.mp4", "notes.txt"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "deeper.mp4").mkdir()
    found = find_videos(str(tmp_path))
    assert (found.folder, found.names) == (tmp_path, ("2 놀이.MP4", "10.mp4"))


def test_one_file_with_any_suffix(tmp_path: Path) -> None:
    (tmp_path / "my film.bin").write_bytes(b"x")
    found = find_videos(str(tmp_path / "my film.bin"))
    assert (found.folder, found.names) == (tmp_path, ("my film.bin",))


def test_a_relative_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.mp4").write_bytes(b"x")
    monkeypatch.chdir(tmp_path)
    assert find_videos("a.mp4").folder == tmp_path


@pytest.mark.parametrize(
    ("name", "says"),
    [("absent.mp4", "does not exist"), ("empty", "holds no video"), ("pipe.mp4", "no regular file"),
     ("absent\x1b.mp4", "does not exist"), ("loop.mp4", "cannot be read")],
)  # fmt: skip
def test_what_cannot_be_played(tmp_path: Path, name: str, says: str) -> None:
    (tmp_path / "empty").mkdir()
    os.mkfifo(tmp_path / "pipe.mp4")
    (tmp_path / "loop.mp4").symlink_to("loop.mp4")
    with pytest.raises(Refusal, match=says) as refused:
        find_videos(str(tmp_path / name))
    assert "\n" not in str(refused.value)
    assert str(refused.value).isprintable()


def test_a_folder_with_a_name_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "a\nb.mp4").write_bytes(b"x")
    with pytest.raises(Refusal, match="another name"):
        find_videos(str(tmp_path))


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.mp4").write_bytes(b"x")

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)  # root, who runs some of our tests, may read everything
    with pytest.raises(Refusal, match="cannot be read: Permission denied"):
        find_videos(str(tmp_path))
