"""Members and leases as data: who is alive, who writes for a camera, in which epoch, and for how long."""

import json
import re
from dataclasses import dataclass

MEMBERS = "members"
LEASES = "leases"
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds of real time. `ttl` is that of the bucket `members`, told here for the arithmetic only.

    A heartbeat that was sent at t and confirmed keeps its key until t + ttl at the earliest (t + 6).
    Its sender believes it until t + held_for (t + 4): two seconds are left for a write that is under way.
    One lost heartbeat is no loss: sent at t + 2, given up at t + 3.2 (`patience`), sent again, confirmed before t + 4.
    A taker sees the expiry within one `poll`: at t + 6.5 and the server's own delay of some tenths; 8 are promised.
    """

    beat: float = 2.0
    ttl: float = 6.0
    held_for: float = 4.0
    patience: float = 1.2
    poll: float = 0.5


@dataclass(frozen=True, slots=True)
class LeaseRecord:
    """Who writes for a camera, and the epoch of that writer; an empty member: released, the epoch is remembered."""

    member: str
    epoch: int


def check_member(name: str) -> str:
    """Return the name when it can be a key of the bucket; raise ValueError otherwise."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name[:80]!r} is no member name: take 1 to 64 of A-Z, a-z, 0-9, '_' and '-'")
    return name


def member_subject(member: str) -> str:
    """Where a member's heartbeat is published."""
    return f"$KV.{MEMBERS}.{member}"


def lease_subject(service: str, camera: str) -> str:
    """Where the lease of a camera is published; `*` stands for all cameras."""
    return f"$KV.{LEASES}.{service}.{camera}"


def encode_lease(record: LeaseRecord) -> bytes:
    """The bytes in the bucket."""
    return json.dumps({"member": record.member, "epoch": record.epoch}).encode()


def decode_lease(body: bytes) -> LeaseRecord:
    """Read a record. One that nobody can read holds nothing: it is as good as released."""
    try:
        raw = json.loads(body)
        record = LeaseRecord(raw["member"], raw["epoch"])
    except (ValueError, TypeError, LookupError, RecursionError):
        return LeaseRecord("", 0)
    sound = isinstance(record.member, str) and type(record.epoch) is int and record.epoch >= 0
    return record if sound else LeaseRecord("", 0)


def next_epoch(newest: int, before: LeaseRecord | None, now_ms: int) -> int:
    """The epoch of a lease taken now: above the newest that is known anywhere, and above the old lease's."""
    return max(newest + 1, (before.epoch if before else 0) + 1, now_ms)
