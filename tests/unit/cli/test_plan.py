"""What `dolbom up` refuses before anything starts, and what services are told."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from cli.plan import Options, last_recorded_ms, make_plan, page_port, told_to, told_to_all
from cli.refusal import Refusal


@pytest.fixture
def options(tmp_path: Path) -> Options:
    return Options(str(tmp_path / "data"), "127.0.0.1", 0, "", "", simulate_gemini=False)


def test_nothing_is_touched_before_all_is_checked(options: Options, tmp_path: Path) -> None:
    wrong = [
        replace(options, video=str(tmp_path / "absent.mp4")),
        replace(options, host="0.0.0.0"),
        replace(options, port=70_000),
        replace(options, clock="yesterday"),
        replace(options, simulate_gemini=True),
    ]
    for asked in wrong:
        with pytest.raises(Refusal):
            make_plan(asked, {})
    assert not (tmp_path / "data").exists()


def test_a_host_for_others_is_refused_with_what_to_type(options: Options) -> None:
    with pytest.raises(Refusal, match="no users yet") as refused:
        make_plan(replace(options, host="0.0.0.0"), {})
    assert ".venv/bin/dolbom users add NAME --role admin --data " in str(refused.value)
    assert "make run HOST=0.0.0.0 DATA=" in str(refused.value)
    assert len(str(refused.value).splitlines()) == 3


def test_a_host_for_others_takes_users(options: Options, tmp_path: Path) -> None:
    folder = tmp_path / "data" / "query"
    folder.mkdir(parents=True)
    with closing(sqlite3.connect(folder / "control.db")) as control:
        control.execute("CREATE TABLE accounts (user_id TEXT)")
        with pytest.raises(Refusal, match="no users yet"):
            make_plan(replace(options, host="0.0.0.0"), {})
        control.execute("INSERT INTO accounts VALUES ('kim')")
        control.commit()
    plan = make_plan(replace(options, host="0.0.0.0", port=8080), {})
    assert (plan.host, plan.url) == ("0.0.0.0", "http://127.0.0.1:8080")
    with pytest.raises(Refusal, match="is no IP address"):
        make_plan(replace(options, host="dolbom.example"), {})
    elsewhere = {"DATABASE_URL": "mysql+asyncmy://db/dolbom"}
    assert (
        make_plan(replace(options, host="::", data=str(tmp_path / "other"), port=1), elsewhere).url == "http://[::1]:1"
    )


def test_localhost_is_this_machine(options: Options) -> None:
    assert make_plan(replace(options, host="localhost"), {}).host == "127.0.0.1"


def test_a_folder_that_is_no_media_store(options: Options, tmp_path: Path) -> None:
    (tmp_path / "data" / "media").mkdir(parents=True)
    (tmp_path / "data" / "media" / "other").write_text("x")
    with pytest.raises(Refusal, match="no media store"):
        make_plan(options, {})


def test_a_clock_before_the_newest_recording(options: Options, tmp_path: Path) -> None:
    folder = tmp_path / "data" / "media" / "camera-1" / "hls"
    folder.mkdir(parents=True)
    (tmp_path / "data" / "media" / ".dolbom-media").write_text("x")
    (folder / "camera-1_177242760.ts").write_bytes(b"")
    (folder / "camera-1.m3u8").write_bytes(b"")
    assert last_recorded_ms(tmp_path / "data" / "media") == 1_772_427_610_000  # 2026-03-02T05:00:10Z
    with pytest.raises(Refusal, match="before the newest recording"):
        make_plan(replace(options, clock="2026-03-02T05:00:09Z@10"), {})
    assert make_plan(replace(options, clock="2026-03-02T05:00:11Z@10"), {}).clock is not None


def test_two_lists_of_cameras(options: Options, tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"x")
    with pytest.raises(Refusal, match="give one of them"):
        make_plan(replace(options, video=str(tmp_path / "a.mp4")), {"DOLBOM_CAMERAS": str(tmp_path / "a.mp4")})
    with pytest.raises(Refusal, match="does not exist"):
        make_plan(options, {"DOLBOM_CAMERAS": str(tmp_path / "absent.yaml")})


def test_a_port_is_found(options: Options) -> None:
    assert page_port(make_plan(options, {})) > 0


def test_what_services_are_told(options: Options, tmp_path: Path) -> None:
    (tmp_path / "films").mkdir()
    (tmp_path / "films" / "a.mp4").write_bytes(b"x")
    person = {"PATH": "/bin", "GEMINI_API_KEY": "k", "DOLBOM_CLOCK": "", "LOG_LEVEL": "DEBUG"}
    plan = make_plan(replace(options, video=str(tmp_path / "films")), {**person, "FFMPEG_BIN": "/bin/true"})
    told = told_to_all(plan, "nats://127.0.0.1:4223", "")
    assert told["DOLBOM_VIDEOS"] == str(tmp_path / "films")
    assert told["MEDIA_URL"] == str(tmp_path / "data" / "media")
    assert not any("PASSWORD" in name for name in told)
    ingest, detector = told_to("ingest", plan, told), told_to("detector", plan, told)
    assert (ingest["NATS_USER"], ingest["NATS_PASSWORD"]) == ("ingest", plan.site.password("ingest"))
    assert ingest["DOLBOM_MEMBER"] == plan.site.member("ingest")
    assert (ingest["PATH"], ingest["LOG_LEVEL"]) == ("/bin", "DEBUG")
    assert "GEMINI_API_KEY" not in ingest
    assert detector["GEMINI_API_KEY"] == "k"


def test_a_bus_of_the_persons_own(options: Options) -> None:
    plan = make_plan(options, {"NATS_URL": "nats://me:secret@bus:4222", "NATS_USER": "me", "NATS_PASSWORD": "pw"})
    assert plan.external
    assert plan.external.shown_url == "nats://bus:4222"
    told = told_to("ingest", plan, told_to_all(plan, plan.external.url, ""))
    assert (told["NATS_USER"], told["NATS_PASSWORD"]) == ("me", "pw")
