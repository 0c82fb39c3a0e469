"""The bus: connect, ensure, publish, follow. The only importer of nats."""

from libs.bus.cancellation import obey_cancellation
from libs.bus.connection import Bus, connect
from libs.bus.consume import Handler, Later, Poison, Retry, consume
from libs.bus.ensure import ensure_bucket, ensure_stream
from libs.bus.errors import (
    BusError,
    Conflict,
    Full,
    NoServer,
    NoStream,
    NotStored,
    OldServer,
    Refused,
    TooLarge,
    WrongStream,
)
from libs.bus.follow import Batch, Place, Received, Start, end_of, follow
from libs.bus.lease import Lease, Leases, NameTaken, NotTaken
from libs.bus.listen import listen
from libs.bus.members import Membership
from libs.bus.note import note
from libs.bus.park import park
from libs.bus.publish import Kept, Stored, append, append_fact, id_at, last_message, publish, publish_fact
from libs.bus.pull import Delivery, Durable
from libs.bus.purge import purge_before
from libs.bus.settings import BusSettings
from libs.bus.spool import NotKept, Spool
from libs.bus.with_bus import with_bus

__all__ = [
    "Batch",
    "Bus",
    "BusError",
    "BusSettings",
    "Conflict",
    "Delivery",
    "Durable",
    "Full",
    "Handler",
    "Kept",
    "Later",
    "Lease",
    "Leases",
    "Membership",
    "NameTaken",
    "NoServer",
    "NoStream",
    "NotKept",
    "NotStored",
    "NotTaken",
    "OldServer",
    "Place",
    "Poison",
    "Received",
    "Refused",
    "Retry",
    "Spool",
    "Start",
    "Stored",
    "TooLarge",
    "WrongStream",
    "append",
    "append_fact",
    "connect",
    "consume",
    "end_of",
    "ensure_bucket",
    "ensure_stream",
    "follow",
    "id_at",
    "last_message",
    "listen",
    "note",
    "obey_cancellation",
    "park",
    "publish",
    "publish_fact",
    "purge_before",
    "with_bus",
]
