"""The media store: whole files or none, never replaced, never outside."""

import os
from pathlib import Path

import pytest

from libs.media import MARKER, BadKey, MediaStore, NotMounted, NotThere, prepare_store, served_folder

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
