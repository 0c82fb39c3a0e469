"""The streams and buckets of a site, as data. Fact streams are made by `setup` alone, frame streams by ingest."""

from dataclasses import dataclass
from typing import Literal

MIB = 1 << 20
DAY = 86_400.0
MIN_SERVER = (2, 12)
"""The oldest nats-server that keeps all that is asked of it here (`persist_mode` came with it)."""


@dataclass(frozen=True, slots=True)
class StreamSpec:
    """One JetStream stream. Ages and windows in seconds, sizes in bytes; None means no limit."""

    name: str
    subjects: tuple[str, ...]
    max_bytes: int
    storage: Literal["file", "memory"] = "file"
    discard: Literal["old", "new"] = "new"
    max_age: float | None = None
    duplicate_window: float = 900.0
    max_msg_size: int | None = None
    max_msgs_per_subject: int | None = None
    discard_new_per_subject: bool = False
    deny_delete: bool = False
    deny_purge: bool = False
    persist_async: bool = False


@dataclass(frozen=True, slots=True)
class BucketSpec:
    """One key-value bucket; `ttl` in seconds."""

    name: str
    max_bytes: int
    ttl: float | None = None


CAMERAS = StreamSpec(
    "CAMERAS",
    ("camera.registered.*", "camera.updated.*", "camera.removed.*", "camera.desired.*"),
    max_bytes=64 * MIB,
    max_msg_size=65_536,
)
EVENTS = StreamSpec(
    "EVENTS",
    ("segment.>", "look.>", "event.>", "report.>", "camera.observed.*", "fact.erased"),
    max_bytes=1024 * MIB,
    max_age=400 * DAY,
    max_msg_size=65_536,
)
AUDIT = StreamSpec(
    "AUDIT",
    ("access.>",),
    max_bytes=128 * MIB,
    max_age=400 * DAY,
    max_msg_size=65_536,
    deny_delete=True,
    deny_purge=True,
)
PARKED = StreamSpec("PARKED", ("parked.>",), max_bytes=64 * MIB, max_age=30 * DAY)
FACT_STREAMS = (CAMERAS, EVENTS, AUDIT, PARKED)

VIDEO = StreamSpec(
    "VIDEO",
    ("frames.video.*",),
    max_bytes=1024 * MIB,
    discard="old",
    max_age=900.0,
    max_msg_size=768_000,
    persist_async=True,
)
SNAPSHOTS = StreamSpec(
    "SNAPSHOTS",
    ("frames.snapshot.*",),
    max_bytes=256 * MIB,
    storage="memory",
    discard="old",
    max_age=120.0,
    duplicate_window=120.0,
    max_msg_size=256_000,
)
PAST = StreamSpec(
    "PAST",
    ("past.video.*", "past.snapshot.*"),
    max_bytes=512 * MIB,
    max_msg_size=768_000,
    max_msgs_per_subject=60,
    discard_new_per_subject=True,
)
FRAME_STREAMS = (VIDEO, SNAPSHOTS, PAST)

BUCKETS = (
    BucketSpec("members", max_bytes=4 * MIB, ttl=6.0),
    BucketSpec("leases", max_bytes=4 * MIB),
    BucketSpec("claims", max_bytes=4 * MIB, ttl=60.0),
    BucketSpec("positions", max_bytes=16 * MIB),
)
