"""Messages as the wire has them (server-sent events): an event's name, one line of JSON, and maybe an id."""

import orjson
from fastapi.sse import format_sse_event

from services.query.live.positions import Position

PING = b": ping\n"


def message(kind: str, body: bytes) -> bytes:
    """A message without an id; the body is JSON in one line."""
    return format_sse_event(event=kind, data_str=body.decode())


def with_id(position: Position, text: bytes = b"\n") -> bytes:
    """A message with an id. One that is nothing else is told to nobody, but a browser keeps its id."""
    return b"id: %s\n%s" % (str(position).encode(), text)


def hello(position: Position) -> bytes:
    """What somebody gets who has nothing: the id to come back with."""
    return with_id(position, message("hello", orjson.dumps({"id": str(position)})))


def reset(position: Position, why: str) -> bytes:
    """What was missed cannot be told: read everything again, and go on from here."""
    return with_id(position, message("reset", orjson.dumps({"id": str(position), "why": why})))


def state(why: str, since: str) -> bytes:
    """Whether what is told is the present; `why` is empty when it is."""
    return message("state", orjson.dumps({"live": False, "why": why, "since": since} if why else {"live": True}))


LIVE = state("", "")
