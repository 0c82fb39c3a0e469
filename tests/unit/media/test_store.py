"""The media store: whole files or none, never replaced, never outside."""

import errno
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from libs.media import (
    MARKER,
    BadKey,
    Deleted,
    MediaStore,
    NotMounted,
    NotThere,
    prepare_store,
    read_archive_name,
    served_folder,
)

FOLDER = "camera-1/hls"


@pytest.fixture
def store(tmp_path: Path) -> MediaStore:
    prepare_store(tmp_path / "media")
    return MediaStore.open(str(tmp_path / "media"))


def test_a_closed_file_is_never_replaced(store: MediaStore) -> None:
    assert store.write_once(FOLDER, "camera-1_1.ts", b"first", "e1") == "written"
    assert store.write_once(FOLDER, "camera-1_1.ts", b"second", "e2") == "stands"
    assert store.read(FOLDER, "camera-1_1.ts") == b"first"
    assert store.names(FOLDER) == ["camera-1_1.ts"]


def test_a_playlist_is_replaced_whole(store: MediaStore) -> None:
    for text in (b"one", b"two"):
        store.replace(FOLDER, "camera-1.m3u8", text, "e1")
        assert store.read(FOLDER, "camera-1.m3u8") == text


def test_what_a_crash_left_half_written_is_not_listed_and_is_swept(store: MediaStore, tmp_path: Path) -> None:
    store.write_once(FOLDER, "camera-1_1.ts", b"x", "e1")
    (tmp_path / "media" / FOLDER / "camera-1_2.ts.e9.part").write_bytes(b"half")
    assert store.names(FOLDER) == ["camera-1_1.ts"]
    assert store.sweep(FOLDER) == 1
    assert sorted(os.listdir(tmp_path / "media" / FOLDER)) == ["camera-1_1.ts"]


def test_a_write_that_fails_leaves_nothing(store: MediaStore, tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        store.write_once(FOLDER, "camera-1_1.ts", None, "e1")  # type: ignore[arg-type]
    assert os.listdir(tmp_path / "media" / FOLDER) == []


def test_without_its_marker_a_store_is_not_mounted_rather_than_empty(store: MediaStore, tmp_path: Path) -> None:
    (tmp_path / "media" / MARKER).unlink()
    with pytest.raises(NotMounted):
        store.write_once(FOLDER, "camera-1_1.ts", b"x", "e1")
    with pytest.raises(NotMounted):
        store.names(FOLDER)
    with pytest.raises(NotMounted):
        MediaStore.open(str(tmp_path / "media"))


def test_a_folder_that_holds_something_else_does_not_become_a_store(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear all")
    with pytest.raises(NotMounted, match="wrong volume"):
        prepare_store(tmp_path)


@pytest.mark.parametrize("name", ["", ".", "..", ".env", "a/b", "a\0b", "a\nb", "x" * 300])
def test_names_that_could_lead_outside_are_refused(store: MediaStore, name: str) -> None:
    store.write_once(FOLDER, "camera-1_1.ts", b"x", "e1")
    with pytest.raises(BadKey):
        store.open_file(FOLDER, name)
    with pytest.raises(BadKey):
        store.write_once(FOLDER, name, b"x", "e1")


def test_links_folders_and_pipes_are_not_opened(store: MediaStore, tmp_path: Path) -> None:
    store.write_once(FOLDER, "camera-1_1.ts", b"x", "e1")
    folder = tmp_path / "media" / FOLDER
    (folder / "camera-1_2.ts").symlink_to("/etc/passwd")
    (folder / "camera-1_3.ts").mkdir()
    os.mkfifo(folder / "camera-1_4.ts")
    (tmp_path / "media" / "camera-2").symlink_to(tmp_path / "media" / "camera-1")
    for where, name in [(FOLDER, f"camera-1_{at}.ts") for at in (2, 3, 4, 5)] + [("camera-2/hls", "camera-1_1.ts")]:
        with pytest.raises(NotThere):
            store.open_file(where, name)


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("camera-1.m3u8", "hls"),
        ("camera-1_dvr.m3u8", "hls"),
        ("camera-1_179555929.ts", "hls"),
        ("archive_20260302_050000Z.mp4", "archive"),
        ("camera-2.m3u8", None),
        ("camera-2_1.ts", None),
        ("camera-1_1.ts.part", None),
        ("camera-1_x.ts", None),
        ("camera-1_1.ts\n", None),
        ("../camera-1.m3u8", None),
        ("archive_20260302_050000.mp4", None),
        ("camera-1_１.ts", None),
    ],
)
def test_the_names_that_viewers_may_ask_for(name: str, folder: str | None) -> None:
    assert served_folder("camera-1", name) == folder


def test_no_descriptor_is_left_open(store: MediaStore) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for at in range(20):
        store.write_once(FOLDER, f"camera-1_{at}.ts", b"x", "e1")
        store.read(FOLDER, f"camera-1_{at}.ts")
        with pytest.raises(NotThere):
            store.open_file("nobody/hls", "a")
    assert len(os.listdir("/proc/self/fd")) == before


def test_what_was_deleted_is_counted_and_what_stayed_is_named(store: MediaStore, tmp_path: Path) -> None:
    for at in (1, 2):
        store.write_once(FOLDER, f"camera-1_{at}.ts", b"12345", "e1")
    (tmp_path / "media" / FOLDER / "camera-1_3.ts").mkdir()
    gone = store.delete(FOLDER, [f"camera-1_{at}.ts" for at in (1, 2, 3, 4)])
    assert (gone.files, gone.bytes, list(gone.kept)) == (2, 10, ["camera-1_3.ts"])
    assert store.delete("nobody/hls", ["camera-1_1.ts"]) == Deleted()
    with pytest.raises(BadKey):
        store.delete(FOLDER, ["../camera-1_1.ts"])


def test_nothing_is_deleted_without_the_marker(store: MediaStore, tmp_path: Path) -> None:
    store.write_once(FOLDER, "camera-1_1.ts", b"x", "e1")
    (tmp_path / "media" / MARKER).unlink()
    with pytest.raises(NotMounted):
        store.delete(FOLDER, ["camera-1_1.ts"])
    assert os.listdir(tmp_path / "media" / FOLDER) == ["camera-1_1.ts"]


@pytest.mark.parametrize("number", [errno.EIO, errno.EMFILE, errno.EACCES])
def test_a_disk_in_trouble_is_never_taken_for_an_empty_one(
    store: MediaStore, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    store.write_once(FOLDER, "camera-1_1.ts", b"x", "e1")
    real = os.open

    def failing(path: str | Path, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if dir_fd is None:
            return real(path, flags, mode)
        raise OSError(number, "trouble")

    monkeypatch.setattr(os, "open", failing)
    for look in (lambda: store.names(FOLDER), lambda: store.read(FOLDER, "camera-1_1.ts")):
        with pytest.raises(OSError, match="trouble"):
            look()


def test_writes_that_a_full_disk_refused_are_counted(store: MediaStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "fsync", full)
    for write in (store.write_once, store.replace):
        with pytest.raises(OSError, match="full"):
            write(FOLDER, "camera-1_1.ts", b"x", "e1")
    assert store.refused == 2
    assert store.names(FOLDER) == []
    assert store.sweep(FOLDER) == 0, "no half-written file is left"
    assert 0 < store.free_bytes() <= store.total_bytes()


@pytest.mark.parametrize(
    ("name", "began"),
    [
        ("archive_20260302_050000Z.mp4", datetime(2026, 3, 2, 5, tzinfo=UTC)),
        ("archive_20261302_050000Z.mp4", None),
        ("archive_20260302_050000Z.mp4.e1.part", None),
        ("archive_20260302_050000.mp4", None),
    ],
)
def test_the_moment_in_an_archives_name(name: str, began: datetime | None) -> None:
    assert read_archive_name(name) == began
