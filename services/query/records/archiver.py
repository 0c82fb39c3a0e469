"""Copies every fact into the log, byte for byte, also those of versions that this code does not know."""

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from prometheus_client import Counter
from sqlalchemy import Table, select
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.bus import Received
from libs.observe import get_log
from services.query.records.control import Control
from services.query.records.database import insert_new
from services.query.records.reading import Write

SKIPPED = Counter("dolbom_archiver_skipped_total", "Messages that are no facts", ["stream"])
log = get_log()
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
    """Keeps the messages of a stream; a fact that stands in the log already stays as it was first said."""

    async def write(connection: AsyncConnection, incarnation: str, messages: Sequence[Received]) -> None:
        rows = []
        for message in messages:
            try:
                rows.append(entry(stream, incarnation, message))
            except NoFact as problem:
                SKIPPED.labels(stream).inc()
                log.warning("not_archived", subject=message.subject, sequence=message.sequence, reason=str(problem))
        await insert_new(connection, LOG, rows)

    return write


async def logged(connection: AsyncConnection, after: str, limit: int) -> list[tuple[str, bytes]]:
    """Ids and bodies of the log in the order of ids, after one of them; erased facts are left out."""
    asked = select(LOG.c.event_id, LOG.c.body).where(LOG.c.event_id > after, LOG.c.body.is_not(None))
    found = await connection.execute(asked.order_by(LOG.c.event_id).limit(limit))
    return [(event_id, body) for event_id, body in found]
