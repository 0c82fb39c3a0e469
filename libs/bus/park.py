"""What a service can never handle is set aside in the stream PARKED, whole, with the reason and where it stood."""

import re

from prometheus_client import Counter

from libs.bus.connection import Bus
from libs.bus.follow import Received
from libs.bus.publish import Stored, publish
from libs.contracts.subjects import MSG_ID
from libs.observe import get_log

REASON = "Dolbom-Parked-Reason"
CONSUMER = "Dolbom-Parked-Consumer"
STREAM = "Dolbom-Parked-Stream"
SEQUENCE = "Dolbom-Parked-Sequence"
SUBJECT = "Dolbom-Parked-Subject"
ORIGINAL_ID = "Dolbom-Parked-Id"
_WORD = re.compile(r"[a-z_]{1,32}", re.ASCII)
log = get_log()
_parked = Counter("dolbom_messages_parked_total", "Messages that were set aside for good", ["consumer", "word"])


def one_line(text: str) -> str:
    """Text that may stand in a header or after `+TERM`."""
    return " ".join(text.split())[:300] or "no reason given"


def check_word(word: str) -> str:
    """Return the word when it can be a part of a subject; raise ValueError otherwise."""
    if not _WORD.fullmatch(word):
        raise ValueError(f"{word[:80]!r} is no reason word: take 1 to 32 of a-z and '_'")
    return word


async def park(bus: Bus, message: Received, found: tuple[str, str, str], word: str, reason: str) -> Stored:
    """Store a copy under `parked.{service}.{word}.{subject}`; once, however often it is called within the window.

    `found`: stream, incarnation and consumer. Raises BusError when it was not stored, ValueError for a bad word.
    """
    stream, incarnation, consumer = found
    # What the server reads as an instruction to itself belongs to the first publish, not to this one.
    headers = {name: value for name, value in message.headers.items() if not name.lower().startswith("nats-")}
    headers |= {
        MSG_ID: f"parked:{consumer}:{stream}:{incarnation}:{message.sequence}",
        REASON: one_line(reason),
        CONSUMER: consumer,
        STREAM: stream,
        SEQUENCE: str(message.sequence),
        SUBJECT: message.subject,
    }
    if MSG_ID in message.headers:
        headers[ORIGINAL_ID] = message.headers[MSG_ID]
    stored = await publish(bus, f"parked.{bus.user}.{check_word(word)}.{message.subject}", message.payload, headers)
    log.error("message_parked", consumer=consumer, subject=message.subject, word=word, reason=one_line(reason))
    _parked.labels(consumer, word).inc()
    return stored
