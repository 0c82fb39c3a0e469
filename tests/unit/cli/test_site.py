"""The data directory of a site."""

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from cli.refusal import Refusal
from cli.site import LOG_LIMIT, Site, open_log


@pytest.fixture
def site(tmp_path: Path) -> Site:
    site = Site.at(str(tmp_path / "data"))
    site.prepare()
    return site


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_passwords_are_made_once_and_for_the_owner_alone(site: Site) -> None:
    made = site.password("ingest")
    assert len(made) == 32
    assert site.password("ingest") == made
    assert site.password("query") != made
    assert (mode(site.nats / "ingest.password"), mode(site.nats)) == (0o600, 0o700)


def test_what_all_are_told_comes_back_as_it_was(site: Site) -> None:
    told = {"DOLBOM_VIDEOS": "/films/놀이 'x' \"y\" $HOME `id` #1", "HTTP_PORT": "8080"}
    site.write_env(told)
    assert site.read_env() == told
    shell = f'set -a; . "{site.run}/env"; printf %s "$DOLBOM_VIDEOS"'
    said = subprocess.run(["sh", "-c", shell], capture_output=True, text=True, check=True).stdout
    assert said == told["DOLBOM_VIDEOS"]
    assert mode(site.run / "env") == 0o600


def test_no_start_no_env(tmp_path: Path) -> None:
    assert Site.at(str(tmp_path / "nowhere")).read_env() == {}


def test_a_site_is_never_put_into_a_repository(site: Site) -> None:
    assert (site.data / ".gitignore").read_text() == "*\n"


def test_a_folder_that_was_there_keeps_its_own_rules(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    Site.at(str(tmp_path)).prepare()
    assert not (tmp_path / ".gitignore").exists()


def test_a_file_is_no_data_directory(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for named in ("file", "file/deeper"):
        with pytest.raises(Refusal, match="cannot be written"):
            Site.at(str(tmp_path / named)).prepare()
    with pytest.raises(Refusal, match="empty"):
        Site.at("")


def test_two_starts_on_one_data(site: Site) -> None:
    hold = (
        "import sys, time; from cli.site import Site\nwith Site.at(sys.argv[1]).locked(): print('held'); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-u", "-c", hold, site.data], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[3]
    ) as first:
        try:
            assert first.stdout
            assert first.stdout.readline() == "held\n"
            with pytest.raises(Refusal, match=f"process {first.pid}"), site.locked():
                pass
        finally:
            first.kill()
    with site.locked():
        pass


def test_the_member_name_is_the_same_after_every_start(site: Site, tmp_path: Path) -> None:
    assert site.member("ingest") == Site.at(str(site.data)).member("ingest")
    assert site.member("ingest") != Site.at(str(tmp_path / "other")).member("ingest")
    assert site.member("ingest").startswith("ingest-")


def test_a_long_log_is_put_aside(site: Site) -> None:
    log = site.log("query")
    for size, aside in ((10, False), (LOG_LIMIT + 1, True)):
        with log.open("wb") as stream:
            stream.truncate(size)
        with open(open_log(log), "wb"):
            pass
        assert log.with_suffix(".log.1").exists() is aside
    assert (log.stat().st_size, log.name) == (0, "query.log")
