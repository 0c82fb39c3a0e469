"""Camera ids and the ids of facts."""

from uuid import NAMESPACE_URL, uuid5

import pytest

from libs.contracts.ids import BadCameraId, check_camera_id, fact_id


@pytest.mark.parametrize("good", ["a", "camera-1", "0", "a" * 32, "a--b"])
def test_camera_ids(good: str) -> None:
    assert check_camera_id(good) == good


@pytest.mark.parametrize(
    "bad", ["", "-a", "a-", "A", "a.b", "a*", ">", "a b", "a/b", "..", "a" * 33, "카메라", "a\n", "camera_1", "a\0"]
)
def test_everything_else_is_refused_with_the_grammar(bad: str) -> None:
    with pytest.raises(BadCameraId, match="is no camera id: take 1 to 32"):
        check_camera_id(bad)


def test_a_fact_id_is_the_uuid_of_the_contract() -> None:
    space = uuid5(NAMESPACE_URL, "dolbom:fact")
    assert fact_id("segment.closed", "camera-1", 8977794000) == str(
        uuid5(space, "dolbom.segment.closed|camera-1|8977794000")
    )
