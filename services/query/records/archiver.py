"""Copies every fact into the log, byte for byte, also those of versions that this code does not know."""

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Table
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.bus import Received
from services.query.records.control import Control
from services.query.records.database import insert_new
from services.query.records.reading import Unusable, Write

LOG: Table = Control.metadata.tables["event_log"]


class NoFact(ValueError):
    """The message has no id or no time of its own: it cannot be kept as a fact."""


def entry(stream: str, incarnation: str, message: Received) -> dict[str, object]:
    """The row of a message. Raises NoFact."""
    try:
        envelope: object = json.loads(message.payload)
        if not isinstance(envelope, dict):
            raise NoFact("the body is no envelope")
        event_id, time = str(UUID(str(envelope["id"]))), datetime.fromisoformat(str(envelope["time"]))
    except (KeyError, ValueError) as problem:
        raise NoFact("the envelope has no id or no time") from problem
    if time.tzinfo is None:
        raise NoFact("the time has no zone")
    return {
        "event_id": event_id,
        "stream": stream,
        "incarnation": incarnation,
        "sequence": message.sequence,
        "subject": message.subject,
        "time": time,
        "body": message.payload,
        "sha256": hashlib.sha256(message.payload).hexdigest(),
    }


def write_log(stream: str) -> Write:
    """Keeps the messages of a stream; a fact that stands in the log already stays as it was first said.

    Raises Unusable.
    """

    async def write(connection: AsyncConnection, incarnation: str, messages: Sequence[Received]) -> None:
        rows, unusable = [], Unusable()
        for message in messages:
            try:
                rows.append(entry(stream, incarnation, message))
            except NoFact as problem:
                unusable.found.append((message, str(problem)))
        if unusable.found:
            raise unusable
        await insert_new(connection, LOG, rows)

    return write
