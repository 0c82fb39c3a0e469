"""The bus: connect, ensure, publish, follow. The only importer of nats."""

from libs.bus.connection import Bus, connect
from libs.bus.ensure import ensure_bucket, ensure_stream
from libs.bus.errors import BusError, Conflict, Full, NoServer, NoStream, NotStored, Refused, TooLarge, WrongStream
from libs.bus.follow import Batch, Received, Start, follow
from libs.bus.listen import listen
from libs.bus.publish import Kept, Stored, append_fact, last_message, publish, publish_fact
from libs.bus.settings import BusSettings

__all__ = [
    "Batch",
    "Bus",
    "BusError",
    "BusSettings",
    "Conflict",
    "Full",
    "Kept",
    "NoServer",
    "NoStream",
    "NotStored",
    "Received",
    "Refused",
    "Start",
    "Stored",
    "TooLarge",
    "WrongStream",
    "append_fact",
    "connect",
    "ensure_bucket",
    "ensure_stream",
    "follow",
    "last_message",
    "listen",
    "publish",
    "publish_fact",
]
