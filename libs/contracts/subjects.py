"""Every subject of the bus, and the header names (which are case-sensitive)."""

FACT_SUBJECTS: dict[str, str] = {
    "camera.registered.*": "a camera became known",
    "camera.updated.*": "a camera was changed",
    "camera.removed.*": "a camera is no longer kept",
    "camera.desired.*": "somebody wished that a camera runs or stops",
    "camera.observed.*": "the state of a camera as ingest sees it",
    "segment.closed.*": "a ten-minute archive stands on disk",
    "segment.missed.*": "a ten-minute window without one picture",
    "segment.expired.*": "an archive was deleted by retention",
    "segment.analysis_attempted.*": "an analysis was tried",
    "segment.analyzed.*": "an archive was analysed",
    "segment.analysis_failed.*": "an archive could not be analysed, and why",
    "look.started.*": "the model begins to look",
    "look.completed.*": "a look came to its end, whatever the outcome",
    "look.budget_changed.*": "the day's budget changed the cadence of looks",
    "event.detected.*.*": "something was seen (severity, camera)",
    "event.extended.*.*": "an event goes on",
    "event.ended.*.*": "an event is over",
    "event.reviewed.*.*": "a person judged an event",
    "report.published.*": "the report of a day",
    "fact.erased": "facts were erased on request",
    "access.viewed.*": "somebody looked at a camera",
    "access.exported.*": "somebody downloaded a recording",
    "access.denied.*": "somebody was refused",
    "access.granted.*": "somebody got a right",
    "access.revoked.*": "somebody lost a right",
    "access.login.*": "somebody signed in",
}
"""Subject pattern → what it says."""

PARKED = "parked.>"


def video(camera: str) -> str:
    """H.264 of one camera, about one message a second."""
    return f"frames.video.{camera}"


def snapshot(camera: str) -> str:
    """JPEG of one camera, one message a second."""
    return f"frames.snapshot.{camera}"


def past_video(camera: str) -> str:
    """H.264 of a past run."""
    return f"past.video.{camera}"


def past_snapshot(camera: str) -> str:
    """JPEG of a past run that is looked at."""
    return f"past.snapshot.{camera}"


def covers(pattern: str, subject: str) -> bool:
    """Does a stream or a right that names `pattern` (`*` one word, `>` one and more) take this subject?"""
    wanted, words = pattern.split("."), subject.split(".")
    if wanted[-1] == ">" and len(words) >= len(wanted):
        wanted, words = wanted[:-1], words[: len(wanted) - 1]
    return len(wanted) == len(words) and all(one in ("*", word) for one, word in zip(wanted, words, strict=True))


MSG_ID = "Nats-Msg-Id"
EXPECTED_LAST = "Nats-Expected-Last-Subject-Sequence"
EXPECTED_LAST_SUBJECT = "Nats-Expected-Last-Subject-Sequence-Subject"
