"""Every fault within one version is found under its own name, and nothing else is found beside it."""

from collections.abc import Callable
from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.hls_checker import Rule, Terms, check
from tests.hls_checker.reading import read
from tests.unit.hls_checker.lists import FIRST, Item, Run, full, story, text

GOOD = text(Run(FIRST * 50 + 20, 180).items(5))
"""Four segments, the first one short."""

NAME = f"camera-1_{FIRST + 1}.ts"
TIMES = {3: "2026-11-24T22:28:30.000Z", 2: "2026-11-24T22:28:20.000Z"}
Fault = Callable[[str], str]


def put(old: str, new: str, count: int = 1) -> Fault:
    """Exchange what stands first."""

    def fault(good: str) -> str:
        assert old in good
        return good.replace(old, new, count)

    return fault


def second(line: str, new: str) -> Fault:
    """Exchange a line of the second segment: its tags stand just before its name."""
    block = f"#EXT-X-PROGRAM-DATE-TIME:{TIMES[2]}\n#EXTINF:10.000,\n{NAME}\n"
    assert line in block
    return put(block, block.replace(line, new))


MEASURED: list[tuple[str, Fault, set[Rule]]] = [
    ("no EXTM3U", put("#EXTM3U\n", ""), {"line.extm3u"}),
    ("no TARGETDURATION", put("#EXT-X-TARGETDURATION:10\n", ""), {"tag.missing"}),
    ("EXTINF over target", second("10.000", "10.200"), {"extinf.over"}),
    ("EXTINF missing", second("#EXTINF:10.000,\n", ""), {"extinf.missing"}),
    ("EXTINF not a number", second("10.000", "ten"), {"extinf.form"}),
    ("EXTINF negative", second("10.000", "-10.000"), {"extinf.negative"}),
    # The contract asks for VERSION 6, so that follows.
    ("decimals with VERSION 2", put("VERSION:6", "VERSION:2"), {"extinf.version", "tag.value"}),
    (
        "MEDIA-SEQUENCE twice",
        put("#EXT-X-INDEPENDENT", f"#EXT-X-MEDIA-SEQUENCE:{FIRST}\n#EXT-X-INDEPENDENT"),
        {"tag.twice"},
    ),
    (
        "MEDIA-SEQUENCE after a segment",
        lambda good: put(f"#EXT-X-MEDIA-SEQUENCE:{FIRST}\n", "")(good) + f"#EXT-X-MEDIA-SEQUENCE:{FIRST}\n",
        {"line.order"},
    ),
    ("PROGRAM-DATE-TIME backwards", put(TIMES[3], "2026-11-24T22:28:10.000Z"), {"pdt.backwards"}),
    ("PROGRAM-DATE-TIME malformed", put(TIMES[3], "2026-11-24 22:28:30"), {"pdt.form"}),
    ("same URI twice", lambda good: put(_block(good, NAME), _block(good, NAME) * 2)(good), {"uri.twice"}),
    ("cut in mid-line", lambda good: good[:-8], {"line.cut"}),
    ("TARGETDURATION 10.0", put("DURATION:10\n", "DURATION:10.0\n"), {"tag.form"}),
]
"""Faults of one version that parsers of others were measured with: most of them let most of these pass."""

OURS: list[tuple[str, Fault, set[Rule]]] = [
    ("blank line", put(NAME, f"\n{NAME}"), {"line.unknown"}),
    ("comment", put("#EXTINF", "# made by hand\n#EXTINF"), {"line.unknown"}),
    ("tag of others", put("#EXTINF", "#EXT-X-KEY:METHOD=NONE\n#EXTINF"), {"line.unknown"}),
    ("after the end", lambda good: good + "#EXT-X-ENDLIST\n#EXT-X-ENDLIST\n", {"line.order"}),
    ("cut between lines", lambda good: good[: good.rindex("camera-1")], {"line.cut"}),
    ("cut to nothing", lambda good: "", {"line.cut"}),
    ("EXTM3U again", put("#EXT-X-VERSION", "#EXTM3U\n#EXT-X-VERSION"), {"tag.twice"}),
    ("EXTINF twice", second("#EXTINF:10.000,\n", "#EXTINF:10.000,\n" * 2), {"tag.twice"}),
    ("no VERSION", put("#EXT-X-VERSION:6\n", ""), {"tag.missing"}),
    ("no MEDIA-SEQUENCE", put(f"#EXT-X-MEDIA-SEQUENCE:{FIRST}\n", ""), {"tag.missing"}),
    ("segments not said to be independent", put("#EXT-X-INDEPENDENT-SEGMENTS\n", ""), {"tag.missing"}),
    ("a flag with a value", put("SEGMENTS\n", "SEGMENTS:YES\n"), {"tag.form"}),
    ("a number without a value", put("DURATION:10\n", "DURATION\n"), {"tag.form"}),
    ("another VERSION", put("VERSION:6", "VERSION:7"), {"tag.value"}),
    ("another target", put("DURATION:10", "DURATION:12"), {"tag.value"}),
    ("no segment", lambda good: good[: good.index("#EXT-X-PROGRAM")], {"list.empty"}),
    ("a foreign name", put(NAME, f"../{NAME}"), {"uri.name"}),
    ("another camera", put(NAME, NAME.replace("-1_", "-2_")), {"uri.name"}),
    ("a sequence beside the names", put(f"SEQUENCE:{FIRST}", "SEQUENCE:7"), {"sequence.name"}),
    ("a hole", lambda good: put(_block(good, NAME), "")(good), {"index.row"}),
    ("a gap in the live playlist", second("#EXTINF", "#EXT-X-GAP\n#EXTINF"), {"gap.place"}),
    ("EXTINF without a comma", second("10.000,", "10.000"), {"extinf.form"}),
    ("EXTINF with a title", second("10.000,", "10.000,live"), {"extinf.form"}),
    ("EXTINF infinite", second("10.000", "inf"), {"extinf.form"}),
    ("half a picture", second("10.000", "9.900"), {"extinf.frames"}),
    ("no picture", second("10.000", "0.000"), {"extinf.frames"}),
    ("no PROGRAM-DATE-TIME", put(f"#EXT-X-PROGRAM-DATE-TIME:{TIMES[3]}\n", ""), {"pdt.missing"}),
    ("FFmpeg's form of time", put(TIMES[3], "2026-11-24T22:28:30.000+0000"), {"pdt.form"}),
    ("no milliseconds", put(TIMES[3], "2026-11-24T22:28:30Z"), {"pdt.form"}),
    ("a day that is none", put(TIMES[3], "2026-11-31T22:28:30.000Z"), {"pdt.form"}),
    ("a time within a slot", put(TIMES[3], "2026-11-24T22:28:30.001Z"), {"pdt.slot"}),
    ("a slot late", put(TIMES[3], "2026-11-24T22:28:30.200Z"), {"pdt.index"}),
    ("a segment of a run that is short", second("10.000", "9.800"), {"pdt.hole"}),
]


def _block(good: str, name: str) -> str:
    """The lines of one segment."""
    end = good.index(name) + len(name) + 1
    return good[good.rindex("#EXT-X-PROGRAM", 0, end) : end]


def rules(made: str, terms: Terms | None = None) -> set[Rule]:
    return {finding.rule for finding in check(story(made), terms)}


@pytest.mark.parametrize(("what", "fault", "expected"), MEASURED + OURS, ids=[one[0] for one in MEASURED + OURS])
def test_a_fault_is_found_under_its_name_and_alone(what: str, fault: Fault, expected: set[Rule]) -> None:
    assert rules(GOOD) == set()
    findings = check(story(fault(GOOD)))
    assert {finding.rule for finding in findings} == expected
    assert len(findings) == len(expected), f"{what} is told once"


def test_more_than_six_in_the_live_playlist() -> None:
    assert rules(text(full(7))) == {"window.count"}
    assert rules(text(full(721), dvr=True), Terms(dvr=True)) == {"window.count"}


def test_a_gap_is_a_whole_segment() -> None:
    whole, short = Item(FIRST + 1, (FIRST + 1) * 50, 50, gap=True), Item(FIRST + 1, (FIRST + 1) * 50 + 5, 45, gap=True)
    for gap, expected in ((whole, set()), (short, {"gap.place"})):
        items = [full(1)[0], gap, full(1, FIRST + 2)[0]]
        assert rules(text(items, dvr=True), Terms(dvr=True)) == expected


def test_the_live_form_is_not_the_two_hour_form() -> None:
    assert rules(GOOD, Terms(dvr=True)) == {"tag.value"}
    assert rules(text(full(2), dvr=True)) == {"tag.value"}


def test_no_hole_is_allowed_even_at_a_discontinuity() -> None:
    items = [replace(one, seam=place == 1) for place, one in enumerate(full(3))]
    assert rules(text(items)) == set()
    assert rules(text([replace(items[0], frames=49), *items[1:]])) == {"pdt.hole"}


@given(st.integers(1, len(GOOD) - 1))
def test_no_cut_passes_unless_a_whole_playlist_is_left(length: int) -> None:
    part = GOOD[:length]
    found = rules(part)
    if part.endswith(".ts\n"):
        assert found == set()
    elif part.endswith("\n") and "#EXT-X-PROGRAM" not in part:
        assert found <= {"tag.missing", "list.empty"}
        assert "list.empty" in found
    else:
        assert found == {"line.cut"}


@given(st.text(alphabet=st.sampled_from("#EXTINF:1.0,-_Zzr\n\r ﻿\x00"), max_size=80) | st.text(max_size=80))
def test_no_text_breaks_the_reader_or_passes(made: str) -> None:
    assert rules(made)


@given(st.integers(0, GOOD.count("\n") - 1), st.text(max_size=30).filter(lambda one: "\n" not in one))
def test_no_line_can_be_exchanged_for_another(number: int, other: str) -> None:
    lines = GOOD.split("\n")
    if lines[number] != other:
        lines[number] = other
        assert rules("\n".join(lines))


def test_every_rule_of_one_version_has_a_fault_here() -> None:
    planted = set[Rule]().union(*(expected for _, _, expected in MEASURED + OURS)) | {"window.count"}
    kinds = ("line.", "tag.", "uri.", "index.", "gap.", "extinf.", "pdt.")
    assert planted >= {rule for rule in get_args(Rule) if rule.startswith(kinds)}


def test_the_reader_tells_numbers_and_times() -> None:
    document = read(GOOD)
    assert document.sequence == FIRST
    assert [number for number, _ in document.numbered()] == list(range(FIRST, FIRST + 4))
    assert [entry.seconds for entry in document.entries] == [6, 10, 10, 10]
    assert document.entries[1].began_ms == (FIRST + 1) * 10_000
