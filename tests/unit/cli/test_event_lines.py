"""Facts as a person reads them."""

import json
from datetime import timedelta, timezone
from pathlib import Path

import pytest

from cli.event_lines import WORDS, fact_line, is_within
from libs.contracts.subjects import FACT_SUBJECTS

SEOUL = timezone(timedelta(hours=9))
GOLDEN = Path(__file__).parents[2] / "contracts" / "golden"


def line(subject: str, **data: object) -> str:
    body = json.dumps({"time": "2026-03-02T05:00:01.500Z", "data": data}).encode()
    return fact_line(subject, body, SEOUL)


def test_when_what_where_and_the_words_that_matter() -> None:
    said = line("camera.observed.camera-1", state="offline", cause="source")
    assert said.split() == ["14:00:01", "camera.observed", "camera-1", "offline", "(source)"]


def test_an_event_begins_with_its_severity() -> None:
    said = line(
        "event.detected.danger.camera-1", title={"ko": "밀침", "en": "pushing"}, confidence="high", confirmed=False
    )
    assert said.split(maxsplit=3)[3] == "danger 밀침 pushing sure: high unconfirmed"


def test_a_closed_segment() -> None:
    said = line("segment.closed.camera-1", frames=3000, captured_frames=2990, gaps=[{}], complete=True)
    assert said.endswith("3000 frames 2990 captured 1 gaps")
    assert "within" in line("segment.closed.camera-1", frames=100, complete=False)


@pytest.mark.parametrize("golden", sorted(GOLDEN.glob("*.json")), ids=lambda path: path.stem)
def test_every_golden_fact_has_words(golden: Path) -> None:
    name = golden.name.rsplit(".v", 1)[0]
    said = fact_line(f"{name}.camera-1", golden.read_bytes(), SEOUL).split()
    assert said[:3] == ["14:00:00", name, "camera-1"]
    assert len(said) > 3 or name == "camera.removed"


def test_only_known_facts_have_words() -> None:
    assert set(WORDS) <= {".".join(subject.split(".")[:2]) for subject in FACT_SUBJECTS}


def test_what_others_wrote_cannot_touch_the_terminal() -> None:
    said = line("camera.updated.camera-1", name="\x1b[2J\r\nboo")
    assert said.isprintable()


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"[]", b"12", b'{"data": 3}', b'{"time": 5, "data": {"name": []}}'])
def test_a_strange_body_is_a_line_too(body: bytes) -> None:
    assert fact_line("camera.updated.camera-1", body, SEOUL).startswith("--:--:-- camera.updated")


def test_fact_erased_belongs_to_the_site() -> None:
    assert line("fact.erased", reason="asked").split()[1:] == ["fact.erased", "site", "(asked)"]


@pytest.mark.parametrize(
    ("subject", "within"),
    [("event.>", True), ("event.detected.*.*", True), ("event.detected.danger.camera-1", True), ("event", False),
     (">", False), ("*.>", False), ("frames.>", False), ("_INBOX.>", False), ("", False), ("event..x", False)],
)  # fmt: skip
def test_what_lies_within_facts(subject: str, within: bool) -> None:
    assert is_within(subject, ("camera.>", "event.>")) is within


def test_a_star_covers_one_token_and_no_rest() -> None:
    assert is_within("segment.closed.camera-1", ("segment.closed.*",))
    assert not is_within("segment.closed.>", ("segment.closed.*",))
    assert not is_within("segment.closed", ("segment.closed.*",))
