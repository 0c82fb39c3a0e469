"""docs/events.md says what the contract says."""

from cli.docs import ID_PARTS, PAGE, page
from libs.contracts.catalogue import FACTS
from libs.contracts.subjects import FACT_SUBJECTS


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "write it anew with `dolbom docs`"


def test_every_subject_has_a_line_to_copy() -> None:
    for subject in FACT_SUBJECTS:
        assert f"sub '{subject}'" in page()


def test_every_fact_names_the_parts_of_its_id() -> None:
    assert set(ID_PARTS) == {".".join(subject.split(".")[:2]) for subject in FACT_SUBJECTS}


def test_every_fact_with_a_shape_has_an_example() -> None:
    assert page().count("```json") == len(FACTS)
