"""Which subjects a pattern covers, as the server sees it."""

import pytest

from libs.contracts.subjects import covers


@pytest.mark.parametrize(
    ("pattern", "subject", "is_covered"),
    [
        ("frames.video.*", "frames.video.camera-1", True),
        ("frames.video.*", "frames.video", False),
        ("frames.video.*", "frames.video.camera-1.x", False),
        ("frames.video.*", "frames.snapshot.camera-1", False),
        ("event.>", "event.detected.danger.camera-1", True),
        ("event.>", "event", False),
        ("event.>", "events.x", False),
        ("fact.erased", "fact.erased", True),
        ("camera.observed.*", "camera.observed.*", True),
    ],
)
def test_a_pattern_covers_as_on_the_server(pattern: str, subject: str, is_covered: bool) -> None:
    assert covers(pattern, subject) is is_covered
