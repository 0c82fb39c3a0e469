"""Publishing: what returns is stored. A time-out means "unknown", so the same id is sent again."""

from dataclasses import dataclass

import nats
from nats.js.errors import APIError, NoStreamResponseError, NotFoundError

from libs.bus.connection import Bus
from libs.bus.errors import Conflict, Full, NoStream, NotStored, Refused, TooLarge
from libs.contracts.envelope import Fact, decode, encode
from libs.contracts.subjects import EXPECTED_LAST, EXPECTED_LAST_SUBJECT, MSG_ID

_WRONG_LAST = 10071
_FULL = (10077, 10047)
_NO_STREAM = 10059
_HEADROOM = 1024


@dataclass(frozen=True, slots=True)
class Stored:
    """Where a message stands; `duplicate`: it stood there already."""

    sequence: int
    duplicate: bool


async def publish(bus: Bus, subject: str, payload: bytes, headers: dict[str, str], patience: float = 2.0) -> Stored:
    """Store one message. Raises NotStored (unknown or not now), NoStream, Full, Conflict, Refused or TooLarge."""
    size = len(payload) + sum(len(name) + len(value) + 4 for name, value in headers.items())
    if bus.nc.max_payload and size > bus.nc.max_payload - _HEADROOM:
        raise TooLarge(f"{subject}: {size} bytes with headers; the server takes {bus.nc.max_payload - _HEADROOM}")
    if not bus.nc.is_connected:
        raise NotStored(f"{subject}: not connected")
    try:
        answer = await bus.js.publish(subject, payload, timeout=patience, headers=headers)
    except NoStreamResponseError as problem:
        bus.distrust(subject)
        raise NoStream(f"{subject}: no stream takes it") from problem
    except APIError as problem:
        raise _translated(subject, problem) from problem
    except (nats.errors.Error, OSError, TimeoutError) as problem:
        raise NotStored(f"{subject}: {problem or type(problem).__name__}") from problem
    return Stored(answer.seq or 0, bool(answer.duplicate))


async def publish_fact(bus: Bus, fact: Fact, read_back: str | None) -> Stored:
    """Store a fact. A duplicate is read back from stream `read_back`: another body under the same id raises Conflict.

    A writer that may not read the stream passes None: its ids must then be its own alone (epoch and ordinal).
    """
    stored = await publish(bus, fact.nats_subject, encode(fact), {MSG_ID: fact.id})
    if stored.duplicate and read_back:
        await _same_body(bus, read_back, stored.sequence, fact)
    return stored


async def append_fact(bus: Bus, fact: Fact, stream: str, over: str, expected: int) -> Stored:
    """Store a fact only if `expected` is still the last sequence of subjects `over` (0 = none); else Conflict.

    A retry of a publish that did succeed is recognised by its id and is no conflict.
    """
    headers = {MSG_ID: fact.id, EXPECTED_LAST_SUBJECT: over}
    return await append(bus, stream, fact.nats_subject, encode(fact), headers, expected)


async def append(bus: Bus, stream: str, subject: str, payload: bytes, headers: dict[str, str], expected: int) -> Stored:
    """The same for any message with an id; without EXPECTED_LAST_SUBJECT, `expected` is about its own subject."""
    try:
        return await publish(bus, subject, payload, {**headers, EXPECTED_LAST: str(expected)})
    except Conflict:
        last = await last_message(bus, stream, subject)
        if last is not None and last.headers.get(MSG_ID) == headers[MSG_ID]:
            return Stored(last.sequence, duplicate=True)
        raise


@dataclass(frozen=True, slots=True)
class Kept:
    """A message as it stands in a stream."""

    sequence: int
    subject: str
    headers: dict[str, str]
    payload: bytes


async def last_message(bus: Bus, stream: str, subject: str) -> Kept | None:
    """The newest message of a subject, or None when the subject has none.

    Raises NoStream when there is no such stream, NotStored when nobody answers.
    """
    try:
        raw = await bus.js.get_last_msg(stream, subject)
    except NotFoundError as problem:
        if problem.err_code == _NO_STREAM:
            bus.distrust(subject)
            raise NoStream(f"{subject}: stream {stream} does not stand") from problem
        return None
    except (nats.errors.Error, nats.js.errors.Error, OSError, TimeoutError) as problem:
        raise NotStored(f"{stream} {subject}: {problem or type(problem).__name__}") from problem
    return Kept(raw.seq or 0, raw.subject or subject, raw.headers or {}, raw.data or b"")


async def id_at(bus: Bus, stream: str, sequence: int) -> str | None:
    """The id of the message that stands at a sequence, empty when it has none; None when nothing stands there.

    Raises NotStored when nobody answers.
    """
    try:
        raw = await bus.js.get_msg(stream, seq=sequence)
    except NotFoundError:
        return None
    except (nats.errors.Error, nats.js.errors.Error, OSError, TimeoutError) as problem:
        raise NotStored(f"{stream} {sequence}: {problem or type(problem).__name__}") from problem
    headers: dict[str, str] = raw.headers or {}
    return headers.get(MSG_ID, "")


async def _same_body(bus: Bus, stream: str, sequence: int, fact: Fact) -> None:
    """Facts with one id must say one thing (the time of recording apart)."""
    try:
        raw = await bus.js.get_msg(stream, seq=sequence)
    except (TimeoutError, nats.errors.Error, nats.js.errors.Error) as problem:
        raise NotStored(f"{fact.nats_subject}: the duplicate could not be read back") from problem
    stands = decode(raw.data or b"")
    if stands.data != fact.data or stands.id != fact.id:
        raise Conflict(f"{fact.nats_subject}: another body stands under id {fact.id}")


def _translated(subject: str, problem: APIError) -> Exception:
    text = f"{subject}: {problem.description or problem}"
    if problem.err_code == _WRONG_LAST:
        return Conflict(text)
    if problem.err_code in _FULL:
        return Full(text)
    if problem.code == 400:
        return Refused(text)
    return NotStored(text)
