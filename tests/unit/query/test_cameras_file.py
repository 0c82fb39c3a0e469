"""cameras.yaml: what it gives, and the one line that names what is wrong."""

from pathlib import Path

import pytest

from libs.contracts.facts import CameraConfig, Looks, Profile, Source
from services.query.cameras_file import BadCameras, parse_cameras, read_cameras
from services.query.domain import Entry

DEMO = "{id: camera-1, name: 햇살반, source: {kind: demo}}"


def test_everything_that_may_be_written() -> None:
    text = """
- id: camera-1
  name: 햇살반
  room: 1층
  time_zone: Europe/Berlin
  source: {kind: files, files: [점심 시간.mp4, b.MP4], loop: false}
  profile: {width: 320, height: 240, fps: 10}
  looks: {profile: classic}
  retention_days: 7
- id: camera-2
  name: Yard
  source: {kind: demo}
"""
    config = CameraConfig(
        name="햇살반",
        room="1층",
        time_zone="Europe/Berlin",
        source=Source(kind="files", files=("점심 시간.mp4", "b.MP4"), loop=False),
        profile=Profile(width=320, height=240, fps=10),
        looks=Looks(profile="classic"),
        retention_days=7,
    )
    assert parse_cameras(text) == [Entry("camera-1", config), Entry("camera-2", CameraConfig(name="Yard"))]


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "[]"])
def test_no_cameras(text: str) -> None:
    assert parse_cameras(text) == []


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("- {id: camera-1", "line 1 is no YAML"),
        ("a: b: c", "line 1 is no YAML"),
        ("!!python/object/apply:os.system ['true']", "line 1 is no YAML"),
        ("[" * 600, "it is no YAML"),
        ("cameras: []", "it must be a list"),
        ("- camera-1", "entry 1: it must have fields"),
        ("- {name: a}", "entry 1: id: Field required"),
        (f"- {DEMO}\n- {{id: camera-2, source: {{kind: demo}}}}", "entry 2 (camera-2): name: Field required"),
        ("- {id: Camera 1, name: a}", "entry 1 (Camera 1): id: 'Camera 1' is no camera id"),
        ("- {id: ../x, name: a}", "entry 1 (../x): id: '../x' is no camera id"),
        (f"- {DEMO}\n- {DEMO}", "entry 2 (camera-1): id: it stands twice"),
        ("- {id: a, name: ''}", "entry 1 (a): name: "),
        ("- {id: a, name: a, nmae: b}", "entry 1 (a): nmae: there is no such field"),
        ("- {id: a, name: a, profile: {wdth: 3}}", "entry 1 (a): profile.wdth: there is no such field"),
        ("- {id: a, name: a, looks: {consent: {who: b}}}", "entry 1 (a): looks.consent.who: there is no such field"),
        ("- {id: a, name: a, profile: {fps: 7}}", "entry 1 (a): profile.fps: fps 7 is not possible"),
        ("- {id: a, name: a, profile: {width: 641}}", "entry 1 (a): profile.width: must be even"),
        ("- {id: a, name: a, time_zone: Asia/Soul}", "entry 1 (a): time_zone: 'Asia/Soul' is no time zone"),
        ("- {id: a, name: a, time_zone: ../../etc/passwd}", "entry 1 (a): time_zone: '../../etc/passwd' is no time"),
        ("- {id: a, name: a, time_zone: ''}", "entry 1 (a): time_zone: '' is no time zone"),
        ("- {id: a, name: a, source: {kind: rtsp}}", "entry 1 (a): source.kind: "),
        ("- {id: a, name: a, source: {kind: files}}", "entry 1 (a): source: kind files needs a list of files"),
        ("- {id: a, name: a, source: {kind: demo, files: [a]}}", "entry 1 (a): source: kind demo takes no files"),
        ("- {id: a, name: a, source: {kind: files, files: [../a]}}", "entry 1 (a): source.files.0: '../a' is no plain"),
        ("- {id: a, name: a, source: {kind: files, files: [.a]}}", "entry 1 (a): source.files.0: '.a' is no plain"),
        ("- {id: a, name: a, retention_days: 0}", "entry 1 (a): retention_days: "),
    ],
)
def test_one_line_names_entry_and_field(text: str, line: str) -> None:
    with pytest.raises(BadCameras) as caught:
        parse_cameras(text)
    assert str(caught.value).startswith(line)
    assert "\n" not in str(caught.value)


def test_the_file_is_named_without_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "cameras.yaml"
    for content, line in ((None, "cannot be read: No such file"), (b"\xff", "is not UTF-8"), (b"{}", ": it must be")):
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(BadCameras) as caught:
            read_cameras(path)
        assert line in str(caught.value)
        assert str(tmp_path) not in str(caught.value)
