"""Every fact that was ever released must stay readable, byte for byte as it was written."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.contracts.catalogue import FACTS
from libs.contracts.envelope import FactError, NewerFact, Origin, decode, encode, new_fact
from libs.contracts.facts import Gap
from libs.contracts.subjects import FACT_SUBJECTS, covers
from tests.contracts.examples import EXAMPLES, example

GOLDEN = Path(__file__).with_name("golden")


def test_every_fact_has_a_golden_file() -> None:
    written = {path.name for path in GOLDEN.iterdir()}
    assert written == {f"{name}.v{data.type_version}.json" for name, data in FACTS.items()}


@pytest.mark.parametrize("name", FACTS)
def test_golden_files_are_read_and_written_byte_for_byte(name: str) -> None:
    body = (GOLDEN / f"{name}.v1.json").read_bytes().rstrip(b"\n")
    assert decode(body) == example(name)
    assert encode(example(name)) == body


@pytest.mark.parametrize("name", FACTS)
def test_unknown_fields_are_ignored(name: str) -> None:
    raw = json.loads((GOLDEN / f"{name}.v1.json").read_bytes())
    raw["later"] = raw["data"]["later"] = {"x": 1}
    assert decode(json.dumps(raw).encode()) == example(name)


@pytest.mark.parametrize("name", FACTS)
def test_every_fact_goes_to_a_subject_of_the_contract(name: str) -> None:
    allowed = [subject for subject in FACT_SUBJECTS if subject.startswith(name)]
    assert any(covers(subject, example(name).nats_subject) for subject in allowed)


def test_facts_of_events_tell_their_severity_in_the_subject() -> None:
    assert example("event.detected").nats_subject == "event.detected.warning.camera-1"


def test_hangul_stays_readable() -> None:
    assert "햇살반".encode() in encode(example("camera.registered"))


@pytest.mark.parametrize("change", [{"type": "dolbom.camera.desired.v2"}, {"type": "dolbom.look.dreamt.v1"}])
def test_newer_facts_are_told_apart_from_broken_ones(change: dict[str, str]) -> None:
    raw = json.loads((GOLDEN / "camera.desired.v1.json").read_bytes()) | change
    with pytest.raises(NewerFact):
        decode(json.dumps(raw).encode())


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "no JSON"),
        (b"\xff\xfe", "no JSON"),
        (b"[]", "no `type`"),
        (b"3", "no `type`"),
        (b'{"type":"x"}', "no `type`"),
        (b'{"type":"dolbom.camera.desired.v0"}', "no `type`"),
        (b'{"type":"dolbom.camera.desired.v1"}', "camera.desired: data"),
        (b'{"type":"dolbom.camera.desired.v1","data":{"revision":1,"state":"dancing","by":"x"}}', "state"),
    ],
)
def test_broken_facts_say_what_is_wrong(body: bytes, why: str) -> None:
    with pytest.raises(FactError, match=why) as problem:
        decode(body)
    assert not isinstance(problem.value, NewerFact)


@given(st.binary(max_size=300))
def test_no_bytes_make_the_reader_fall_over(body: bytes) -> None:
    with pytest.raises(FactError):
        decode(body)


def test_a_fact_that_is_too_large_is_refused_before_it_reaches_the_bus() -> None:
    gaps = tuple(Gap(first_slot=at, last_slot=at, cause="bus") for at in range(3000))
    data = EXAMPLES["segment.closed"][0].model_copy(update={"gaps": gaps})
    with pytest.raises(FactError, match="64000 are allowed"):
        encode(new_fact(data, "camera-1", ("x",), Origin("encoder", 0, 0)))
