"""`dolbom events list` and `show` on a site whose facts were told."""

import json

import pytest

from tests.integration.query.command import announce, dolbom, refused
from tests.integration.views.conftest import Told

EVENTS = "/api/v1/events"


@pytest.fixture
def site(told: Told) -> Told:
    announce(told.query)
    return told


def listed(site: Told, *typed: str) -> list[dict[str, object]]:
    done = dolbom(site.query, "events", "list", "--json", *typed)
    assert (done.returncode, done.stderr) == (0, "")
    answer = json.loads(done.stdout)
    assert set(answer) == {"items"}
    return list(answer["items"])


def test_the_newest_first_as_many_as_are_wished(site: Told) -> None:
    every = site.items(EVENTS, limit=200)
    assert listed(site) == every[:20]
    assert listed(site, "--limit", "3") == every[:3]
    assert listed(site, "--limit", "100000") == every


def test_more_than_a_page_holds(
    site: Told, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from cli import event_list
    from cli.__main__ import main

    every = site.items(EVENTS, limit=200)
    monkeypatch.setattr(event_list, "_PAGE", 7)
    for limit in (6, 7, 8, 15, len(every), len(every) + 1):
        assert main(["events", "list", "--json", "--limit", str(limit), "--data", str(site.query.folder)]) == 0
        assert json.loads(capsys.readouterr().out)["items"] == every[:limit], limit


def test_filters(site: Told) -> None:
    every = site.items(EVENTS, limit=200)
    middle = str(every[len(every) // 2]["started_at"])
    wished = {
        ("--severity", "danger"): [item for item in every if item["severity"] == "danger"],
        ("--kind", "safety"): [item for item in every if item["kind"] == "safety"],
        ("--code", "fall"): [item for item in every if item["code"] == "fall"],
        ("--camera", str(every[0]["camera_id"])): [i for i in every if i["camera_id"] == every[0]["camera_id"]],
        ("--reviewed",): [item for item in every if item["reviewed"]],
        ("--unreviewed",): [item for item in every if not item["reviewed"]],
        ("--from", middle): [item for item in every if str(item["started_at"]) >= middle],
        ("--to", middle): [item for item in every if str(item["started_at"]) < middle],
    }
    for typed, expected in wished.items():
        assert expected, typed
        assert listed(site, *typed, "--limit", "1000") == expected, typed


def test_lines_in_the_persons_language(site: Told) -> None:
    newest = site.items(EVENTS, limit=200)[:2]
    for language, tongue in (("ko_KR.UTF-8", "ko"), ("en_US.UTF-8", "en"), ("", "en")):
        done = dolbom(site.query, "events", "list", "--limit", "2", LANG=language)
        lines = done.stdout.splitlines()
        assert [line.endswith(item["title"][tongue]) for line, item in zip(lines, newest, strict=True)] == [True, True]  # type: ignore[index]
        assert all(str(item["event_id"]) in line and " KST " in line for line, item in zip(lines, newest, strict=True))
        assert "--limit 4" in done.stderr
    none = dolbom(site.query, "events", "list", "--code", "nothing-such")
    assert (none.returncode, none.stdout, none.stderr) == (0, "", "No such event.\n")


def test_one_event(site: Told) -> None:
    every = site.items(EVENTS, limit=200)
    judged = next(item for item in every if item["reviewed"])
    event = str(judged["event_id"])
    whole = site.get(f"{EVENTS}/{event}").json()
    assert json.loads(dolbom(site.query, "events", "show", event, "--json").stdout) == whole
    shown = dolbom(site.query, "events", "show", event.upper(), LANG="ko_KR.UTF-8")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert whole["title"]["ko"] in shown.stdout.splitlines()[0]
    assert whole["description"]["ko"] in shown.stdout
    assert shown.stdout.count("  review ") == len(whole["reviews"])
    kept = next(
        item for item in (site.get(f"{EVENTS}/{i['event_id']}").json() for i in every) if item["archive"]["url"]
    )
    assert site.query.url + kept["archive"]["url"] in dolbom(site.query, "events", "show", kept["event_id"]).stdout


def test_an_event_that_is_not_there(site: Told) -> None:
    absent = "0f0a2f64-7a0c-5d0e-9c5e-4f7f0c1f6a11"
    assert f"there is no event {absent}" in refused(dolbom(site.query, "events", "show", absent))
    assert "there is no camera absent" in refused(dolbom(site.query, "events", "list", "--camera", "absent"))
