"""Rows and report, from samples that were made up."""

from bench.report import Report, markdown
from bench.rows import against, fell_behind, growths, memory
from bench.sample import Sample

MIB = 1 << 20


def sample(side: str, cameras: int, cpu: float, rate: float = 5.0, memory: int = 0, archive: float = 0.0) -> Sample:
    return Sample(side, "vtest", cameras, 30.0, {"all": cpu}, {"all": memory}, rate, 30_000.0, archive, 1.0)


ROUND = [sample("ours", 1, 90.0), sample("ours", 4, 270.0), sample("P1", 1, 50.0), sample("P1", 4, 200.0)]


def test_a_row_compares_what_a_further_camera_costs() -> None:
    row = against([ROUND, ROUND], "vtest", "P1", 1.25)
    assert row.ratio is not None
    assert (row.ours.median, row.ratio.median, row.reached, row.note) == (60.0, 1.2, True, "")


def test_archives_that_are_made_later_count() -> None:
    later = [sample("ours", 1, 90.0, archive=5.0), sample("ours", 4, 270.0, archive=5.0), *ROUND[2:]]
    row = against([later], "vtest", "P1", 1.25)
    assert (row.ours.median, row.reached) == (65.0, False)


def test_a_sample_that_fell_behind_is_told_in_its_row() -> None:
    slow = [*ROUND[:3], sample("P1", 4, 150.0, rate=4.0)]
    assert fell_behind([slow], "vtest", ("ours", "P1")) == 1
    assert against([slow], "vtest", "P1", 1.25).note == "1 of the samples fell behind"


def test_memory_of_a_further_camera() -> None:
    samples = [sample("ours", 1, 1.0, memory=100 * MIB), sample("ours", 4, 1.0, memory=175 * MIB)]
    row = memory([samples], "vtest", "ours", 30.0)
    assert (row.ours.median, row.reached) == (25.0, True)


def test_growth_has_its_limit_at_one_number_alone() -> None:
    rows = growths([[sample("ours", 1, 80.0), sample("ours", 2, 130.0), sample("ours", 8, 700.0)]], 8, 1.1)
    assert [(row.limit, row.reached) for row in rows] == [(None, None), (None, None), (1.1, True), (1.1, False)]


def test_the_report_tells_commit_load_verdict_and_where_the_time_goes() -> None:
    rows = [against([ROUND], "vtest", "P1", 1.25), against([ROUND], "vtest", "P1", 1.0)]
    text = markdown(Report("abc", "today", {"cores": "2"}, [], rows, [ROUND], [], [], [], (0.5, 3.0)))
    assert "Commit abc, today; load 0.5 to 3.0 on 2 cores." in text
    assert "| **1.20** (1.20 to 1.20) | 1.25 | kept |" in text
    assert "| 1 | **not kept** |" in text
    assert "* vtest, ours, 4: 270.0 = all 270.0; 5.00 pictures, 30.0 kB" in text
