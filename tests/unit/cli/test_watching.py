"""`dolbom cameras` and `dolbom events`: what can be typed, and what is wrong about it."""

import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from cli.__main__ import main
from cli.event_lines import Only
from cli.refusal import SiteRefusal
from cli.said import in_language, language, length, table
from cli.site_words import against
from cli.watching import KINDS, SEVERITIES, routed
from libs.contracts.assessments import Severity

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("events", "events tail"),
        ("events --json", "events tail --json"),
        ("events event.> look.>", "events tail event.> look.>"),
        ("events --data list event.>", "events tail --data list event.>"),
        ("events tail event.>", "events tail event.>"),
        ("events list --limit 5", "events list --limit 5"),
        ("events --data x --json list --kind safety", "events list --data x --json --kind safety"),
        ("events --help", "events --help"),
        ("status --data events", "status --data events"),
        ("", ""),
    ],
)
def test_events_without_an_action_are_followed(typed: str, meant: str) -> None:
    assert routed(typed.split()) == meant.split()


@pytest.mark.parametrize(
    ("typed", "names"),
    [
        ("cameras show Sun", "'Sun'"),
        ("cameras show ../users", "'../users'"),
        ("cameras add sun --name x --profile big", "--profile"),
        ("cameras add sun --name x --retention-days 0", "--retention-days"),
        ("cameras update sun", "--name"),
        ("cameras remove sun", "--yes"),
        ("events list --camera ..", "'..'"),
        ("events list --from yesterday", "--from"),
        ("events list --to 2026-03-02T09:00:00", "--to"),
        ("events list --code Climb!", "--code"),
        ("events list --limit 0", "--limit"),
        ("events show 1/review", "'1/review'"),
        ("events tail --camera a.b", "'a.b'"),
        ("events tail segment.closed.* --severity danger", "segment.closed.*"),
        ("cameras list", "make run"),
        ("events list", "make run"),
    ],
)
def test_a_refusal_is_one_line_and_2(
    typed: str, names: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*typed.split(), "--data", str(tmp_path)]) == 2
    said = capsys.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 1)
    assert names in said.err


@pytest.mark.parametrize(
    "typed",
    ["cameras", "cameras dance", "cameras add sun", "cameras add sun --name x --source rtsp", "cameras stop",
     "events list --kind x", "events list --reviewed --unreviewed", "events list --limit many", "events show",
     "events tail --severity awful"],
)  # fmt: skip
def test_a_mistake_is_one_line_and_2(typed: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(typed.split())
    said = capsys.readouterr()
    assert (ended.value.code, said.out, said.err.count("\n")) == (2, "", 1)


def test_the_words_are_those_of_the_contracts() -> None:
    assert set(SEVERITIES) == set(get_args(Severity))
    assert set(KINDS) == {"safety", "development"}


@pytest.mark.parametrize("typed", ["cameras list", "events list", "cameras show x", "events show x"])
def test_what_asks_the_site_loads_nothing_heavy(typed: str, tmp_path: Path) -> None:
    script = f"import sys; from cli.__main__ import main; main([*{typed.split()!r}, '--data', {str(tmp_path)!r}])\n"
    script += "import cli.cameras, cli.event_list; print(*sys.modules)"
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=True).stdout
    heavy = {"nats", "sqlalchemy", "fastapi", "pydantic", "asyncio", "av", "cv2", "structlog", "concurrent.futures"}
    assert not heavy & set(said.split())


@pytest.mark.parametrize(
    ("only", "subject", "takes"),
    [
        (Only(), "fact.erased", True),
        (Only("danger"), "event.detected.danger.sun", True),
        (Only("danger"), "event.detected.info.sun", False),
        (Only("danger"), "segment.closed.danger", False),
        (Only("", "sun"), "segment.closed.sun", True),
        (Only("", "sun"), "segment.closed.moon", False),
        (Only("", "erased"), "fact.erased", False),
        (Only("danger", "sun"), "event.ended.danger.moon", False),
    ],
)
def test_which_facts_are_followed(only: Only, subject: str, takes: bool) -> None:
    assert only.takes(subject) is takes


@pytest.mark.parametrize(
    ("status", "kind", "said", "words"),
    [
        (404, "about:blank", "There is nothing at this address.", "there is no camera sun"),
        (412, "other-revision", "Read it again.", "changed by somebody else"),
        (503, "bus-away", "Try again with the same Idempotency-Key.", "nothing may have been recorded"),
        (422, "about:blank", "body.profile.width: Value error, is odd", "profile.width: is odd"),
        (403, "not-allowed", "This takes the role director.", "This takes the role director."),
    ],
)
def test_what_the_site_is_against(status: int, kind: str, said: str, words: str) -> None:
    shown = str(against(SiteRefusal(said, status, kind), "camera sun", "cameras list"))
    assert shown.startswith(words) or words in shown
    assert "Idempotency" not in shown


def test_language_and_words() -> None:
    assert language({"LANG": "ko_KR.UTF-8"}) == "ko"
    assert language({"LANG": "ko_KR.UTF-8", "LC_ALL": "en_US.UTF-8"}) == "en"
    assert language({"LC_ALL": "", "LANG": "C"}) == language({}) == "en"
    assert in_language({"ko": "가", "en": ""}, "en") == "가"
    assert in_language(None, "en") == ""
    assert [length(seconds) for seconds in (0.8, 30.0, 99, 300, 7200, 200_000)] == [
        "0.8 s", "30 s", "99 s", "5 min", "2 h", "2 d",
    ]  # fmt: skip
    assert table([("가나", "x"), ("abc", "y")]) == ["가나  x", "abc   y"]
