"""Every fact that was ever released must stay readable, byte for byte as it was written."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.contracts.envelope import Fact, FactError, NewerFact, Origin, decode, encode, new_fact
from libs.contracts.facts import (
    FACTS,
    CameraConfig,
    CameraDesired,
    CameraObserved,
    CameraRegistered,
    CameraRemoved,
    CameraUpdated,
    FactData,
    Gap,
    SegmentClosed,
    SegmentExpired,
    SegmentMissed,
    Source,
)

GOLDEN = Path(__file__).with_name("golden")
AT = datetime(2026, 3, 2, 5, 0, tzinfo=UTC)
_CONFIG = CameraConfig(name="햇살반", room="2층").model_dump()

EXAMPLES: dict[str, tuple[FactData, tuple[str | int, ...], int | None]] = {
    "camera.registered": (CameraRegistered(**_CONFIG, revision=1), ("request-1",), None),
    "camera.updated": (
        CameraUpdated(**{**_CONFIG, "source": Source(kind="files", files=("소풍 1.mp4",))}, revision=3),
        ("request-3",),
        None,
    ),
    "camera.removed": (CameraRemoved(revision=4), ("request-4",), None),
    "camera.desired": (CameraDesired(revision=2, state="running", by="site", reason="new"), ("request-2",), None),
    "camera.observed": (
        CameraObserved(ordinal=0, state="online", since=AT), ("camera-1", 1772427600000, 0), 1772427600000,
    ),
    "segment.closed": (
        SegmentClosed(
            segment_id="7b0e6a5e-9a3f-5a52-8a54-3b8a0b1b1f00", first_slot=8862138000, frames=3000, fps=5,
            captured_frames=2990, held_frames=0,
            gaps=(Gap(first_slot=8862138100, last_slot=8862138109, cause="ingest"),),
            complete=True, started_at=AT, ended_at=datetime(2026, 3, 2, 5, 10, tzinfo=UTC), width=640, height=480,
            media_key="camera-1/archive/archive_20260302_050000Z.mp4", bytes=20_123_456, sha256="ab" * 32,
            previous_sha256=None,
        ),
        ("camera-1", 8862138000),
        1772427600000,
    ),
    "segment.missed": (
        SegmentMissed(first_slot=8862138000, frames=3000, fps=5, reason="no picture"), ("camera-1", 8862138000), 1,
    ),
    "segment.expired": (
        SegmentExpired(first_slot=8862138000, fps=5, media_key="camera-1/archive/a.mp4", reason="age"),
        ("camera-1", 8862138000),
        1,
    ),
}  # fmt: skip


def example(name: str) -> Fact:
    """The fact that stands in `golden/{name}.v1.json`."""
    data, key, epoch = EXAMPLES[name]
    return new_fact(data, "camera-1", key, Origin("query", 1772427600000, 1772427600123, epoch=epoch))


def test_every_fact_has_a_golden_file() -> None:
    assert {path.name for path in GOLDEN.iterdir()} == {f"{name}.v{data.version}.json" for name, data in FACTS.items()}


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


def test_hangul_stays_readable() -> None:
    assert "햇살반".encode() in encode(example("camera.registered"))


@pytest.mark.parametrize("change", [{"type": "dolbom.camera.desired.v2"}, {"type": "dolbom.look.completed.v1"}])
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
