"""A fact as one line that a person reads: when, what, which camera, and the words that matter. Pure."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from cli.said import plain

Part = tuple[str, str]
"""A text with `{}`, and the field of `data` that fills it (`title.en`). A field that is absent or empty says nothing;
`!field` says the text when the field is false; a list is told by its length."""

_CAMERA: tuple[Part, ...] = (("{}", "name"), ("{}", "source.kind"), ("{} files", "source.files"))
WORDS: dict[str, tuple[Part, ...]] = {
    "camera.registered": _CAMERA,
    "camera.updated": _CAMERA,
    "camera.desired": (("{}", "state"), ("by {}", "by"), ("({})", "reason")),
    "camera.observed": (("{}", "state"), ("({})", "cause")),
    "segment.closed": (
        ("{} frames", "frames"),
        ("{} captured", "captured_frames"),
        ("{} gaps", "gaps"),
        ("begun or ended within", "!complete"),
        ("{}", "media_key"),
    ),
    "segment.missed": (("{} frames missing", "frames"), ("({})", "reason")),
    "segment.expired": (("{}", "media_key"), ("({})", "reason")),
    "segment.analysis_attempted": (("{}", "outcome"), ("({})", "reason"), ("${}", "cost_usd")),
    "segment.analyzed": (("score {}", "safety_score"), ("{} incidents", "incident_count"), ("${}", "cost_usd")),
    "segment.analysis_failed": (("{}", "reason"), ("after {} attempts", "attempts")),
    "look.started": (("{}", "trigger"), ("about ${}", "estimate_usd")),
    "look.completed": (("{}", "outcome"), ("({})", "reason"), ("{}", "trigger"), ("${}", "cost_usd")),
    "look.budget_changed": (("{}", "step"), ("${} spent", "spent_usd"), ("of ${}", "budget_usd")),
    "event.detected": (
        ("{}", "title.ko"),
        ("{}", "title.en"),
        ("sure: {}", "confidence"),
        ("unconfirmed", "!confirmed"),
    ),
    "event.extended": (("{}", "event_id"),),
    "event.ended": (("{}", "event_id"),),
    "event.reviewed": (("{}", "verdict"), ("by {}", "by"), ("{}", "note")),
    "report.published": (("{}", "day"),),
}
_ANY: tuple[Part, ...] = (("by {}", "by"), ("{}", "what"), ("({})", "why"), ("({})", "reason"))


@dataclass(frozen=True, slots=True)
class Only:
    """Which facts a person wants to see; empty for all."""

    severity: str = ""
    camera: str = ""

    def takes(self, subject: str) -> bool:
        """Is a fact of this subject one of them? Only events have a severity."""
        tokens = subject.split(".")
        severe = not self.severity or (len(tokens) == 4 and tokens[2] == self.severity)
        return severe and (not self.camera or (len(tokens) > 2 and tokens[-1] == self.camera))

    def __str__(self) -> str:
        said = " ".join(filter(None, (self.severity, self.camera)))
        return f" ({said} only)" if said else ""


def fact_line(subject: str, body: bytes, zone: tzinfo | None = None) -> str:
    """The line, in the time of `zone` (None = this machine's)."""
    tokens = subject.split(".")
    name, severity, camera = ".".join(tokens[:2]), " ".join(tokens[2:-1]), tokens[-1] if len(tokens) > 2 else "site"
    try:
        fact: object = json.loads(body)
    except ValueError:
        fact = None
    if not isinstance(fact, Mapping):
        return plain(f"--:--:-- {name:<20} {camera:<10} no fact ({len(body)} bytes)")
    words = [severity, *_words(fact.get("data"), WORDS.get(name, _ANY))]
    return plain(f"{_time(fact.get('time'), zone)} {name:<20} {camera:<10} {' '.join(filter(None, words))}".rstrip())


def is_within(subject: str, allowed: Sequence[str]) -> bool:
    """Does one of the allowed subjects cover all that `subject` asks for?"""
    return any(_covers(pattern.split("."), subject.split(".")) for pattern in allowed)


def _covers(pattern: list[str], asked: list[str]) -> bool:
    if not all(asked):
        return False
    if pattern[-1] == ">":
        return len(asked) >= len(pattern) and _covers(pattern[:-1], asked[: len(pattern) - 1])
    return len(pattern) == len(asked) and all(
        want == has or (want == "*" and has != ">") for want, has in zip(pattern, asked, strict=True)
    )


def _words(data: object, parts: tuple[Part, ...]) -> list[str]:
    said = []
    for text, field in parts:
        value = at_path(data, field.removeprefix("!"))
        if field.startswith("!"):
            said += [text] if value is False else []
        elif isinstance(value, list):
            said += [text.format(len(value))] if value else []
        elif isinstance(value, str | int | float) and value not in ("", False):
            said.append(text.format(f"{value:g}" if isinstance(value, float) else value))
    return said


def at_path(data: object, path: str) -> object:
    """What stands at a path such as `title.en`; None where nothing does."""
    for step in path.split("."):
        data = data.get(step) if isinstance(data, Mapping) else None
    return data


def _time(text: object, zone: tzinfo | None) -> str:
    try:
        return datetime.fromisoformat(str(text)).astimezone(zone).strftime("%H:%M:%S")
    except (ValueError, OverflowError):
        return "--:--:--"
