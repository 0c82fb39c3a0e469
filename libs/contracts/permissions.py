"""Who may say and hear what on the bus, as data: for the embedded server and for a cluster alike.

Nobody may subscribe to `_INBOX.>`: with the default inbox an observer would receive the frames that others pull.
"""

from dataclasses import dataclass

from libs.contracts.subjects import FACT_SUBJECTS


@dataclass(frozen=True, slots=True)
class Rights:
    """Subjects that a user may publish to and subscribe to; everything else is refused."""

    publish: tuple[str, ...]
    subscribe: tuple[str, ...]


def reading(stream: str) -> tuple[str, ...]:
    """What a user publishes in order to read a stream."""
    api = "$JS.API"
    return (
        f"{api}.STREAM.INFO.{stream}",
        f"{api}.STREAM.MSG.GET.{stream}",
        f"{api}.DIRECT.GET.{stream}",
        f"{api}.DIRECT.GET.{stream}.>",
        f"{api}.CONSUMER.CREATE.{stream}",
        f"{api}.CONSUMER.CREATE.{stream}.>",
        f"{api}.CONSUMER.INFO.{stream}.>",
        f"{api}.CONSUMER.DELETE.{stream}.>",
        f"{api}.CONSUMER.MSG.NEXT.{stream}.>",
        f"$JS.ACK.{stream}.>",
        "$JS.FC.>",
    )


def making(stream: str) -> tuple[str, ...]:
    """What a user publishes in order to make a stream and to widen it."""
    return (f"$JS.API.STREAM.CREATE.{stream}", f"$JS.API.STREAM.UPDATE.{stream}")


_READS = {
    "ingest": ("CAMERAS", "VIDEO", "KV_positions"),
    "encoder": ("VIDEO", "PAST", "CAMERAS", "EVENTS"),
    "detector": ("SNAPSHOTS", "PAST", "CAMERAS", "EVENTS"),
    "analyzer": ("CAMERAS", "EVENTS", "KV_claims"),
    "query": ("CAMERAS", "EVENTS", "AUDIT", "PARKED", "SNAPSHOTS", "KV_positions", "KV_claims"),
}
_WRITES = {
    "ingest": ("frames.>", "past.>", "camera.observed.*", "$KV.positions.*"),
    "encoder": ("segment.closed.*", "segment.missed.*", "segment.expired.*", "$JS.API.STREAM.PURGE.PAST"),
    "detector": ("look.>", "event.detected.>", "event.extended.>", "event.ended.>", "$JS.API.STREAM.PURGE.PAST"),
    "analyzer": (
        "segment.analyzed.*",
        "segment.analysis_failed.*",
        "segment.analysis_attempted.*",
        "event.detected.>",
        "report.published.*",
        "$KV.claims.*",
    ),
    "query": (
        "camera.registered.*",
        "camera.updated.*",
        "camera.removed.*",
        "camera.desired.*",
        "event.reviewed.>",
        "access.>",
        "fact.erased",
    ),
}
_MAKES = {"ingest": ("VIDEO", "SNAPSHOTS", "PAST")}

SERVICES = tuple(_READS)
USERS = (*SERVICES, "setup", "observer")


def inbox(user: str) -> str:
    """The inbox prefix with which this user connects."""
    return f"_INBOX_{user}"


def rights(user: str) -> Rights:
    """All that `user` may do; raises KeyError for a user that the contract does not name."""
    hears = (f"{inbox(user)}.>",)
    if user == "setup":
        return Rights(("$JS.API.>", "$KV.>"), hears)
    if user == "observer":
        asks = ("$JS.API.INFO", "$JS.API.STREAM.NAMES", "$JS.API.STREAM.LIST", "$JS.API.STREAM.INFO.*")
        return Rights(asks, (*hears, *FACT_SUBJECTS, *_wildcards()))
    says = [
        "$JS.API.INFO",
        "$JS.API.STREAM.NAMES",
        f"parked.{user}.>",
        "$KV.members.*",
        f"$KV.leases.{user}.*",
        *reading("KV_members"),
        *reading("KV_leases"),
        *_WRITES[user],
    ]
    for stream in _READS[user]:
        says += reading(stream)
    for stream in _MAKES.get(user, ()):
        says += [*reading(stream), *making(stream)]
    return Rights(tuple(dict.fromkeys(says)), hears)


def _wildcards() -> tuple[str, ...]:
    """`event.>` and its like: a person subscribes to a whole kind of facts."""
    return tuple(dict.fromkeys(f"{subject.split('.')[0]}.>" for subject in FACT_SUBJECTS))
