"""A fact on the wire: CloudEvents 1.0, structured JSON, UTF-8, readable with `nats sub 'event.>'`."""

import re
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, SerializeAsAny, ValidationError
from pydantic_core import from_json

from libs.contracts.catalogue import FACTS
from libs.contracts.facts import FactData, UtcTime
from libs.contracts.ids import fact_id
from libs.contracts.slots import moment

MAX_BYTES = 64_000
_TYPE = re.compile(r"dolbom\.(?P<name>[a-z_]+\.[a-z_]+)\.v(?P<version>[1-9]\d*)", re.ASCII)


class FactError(ValueError):
    """The bytes are no fact of this contract; the text says why."""


class NewerFact(FactError):
    """A fact of a type or version that this code does not know yet: keep it, do not park it."""

    def __init__(self, kind: str) -> None:
        super().__init__(f"{kind} is not known here")
        self.type = kind


class Fact(BaseModel):
    """What happened: immutable, in the past tense, with an id that follows from it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    specversion: str = "1.0"
    id: str
    source: str
    type: str
    subject: str
    time: UtcTime
    recordedtime: UtcTime
    epoch: int | None = None
    causationid: str | None = None
    traceparent: str | None = None
    datacontenttype: str = "application/json"
    data: SerializeAsAny[FactData]

    @property
    def name(self) -> str:
        """The type without prefix and version: `camera.desired`."""
        return self.data.fact

    @property
    def nats_subject(self) -> str:
        """Where the fact is published: `camera.desired.camera-1`, `event.detected.danger.camera-1`."""
        return self.data.nats_subject(self.subject)


@dataclass(frozen=True, slots=True)
class Origin:
    """Who says a fact, and when: `service` (`detector`), the two times, and the writer's lease if it has one."""

    service: str
    happened_ms: int
    recorded_ms: int
    epoch: int | None = None
    causationid: str | None = None


def new_fact(data: FactData, subject: str, key: tuple[str | int, ...], origin: Origin) -> Fact:
    """A fact about `subject` (a camera id or `site`); `key` is the parts of its id after the type."""
    return Fact(
        id=fact_id(data.fact, *key),
        source=f"dolbom/{origin.service}",
        type=f"dolbom.{data.fact}.v{data.type_version}",
        subject=subject,
        time=moment(origin.happened_ms),
        recordedtime=moment(origin.recorded_ms),
        epoch=origin.epoch,
        causationid=origin.causationid,
        data=data,
    )


def encode(fact: Fact) -> bytes:
    """The bytes that go on the bus; absent extensions are left out (CloudEvents has no null attributes)."""
    absent = {name for name in ("epoch", "causationid", "traceparent") if getattr(fact, name) is None}
    body = fact.model_dump_json(exclude=absent, by_alias=True).encode()
    if len(body) > MAX_BYTES:
        raise FactError(f"fact {fact.type} {fact.id} has {len(body)} bytes; {MAX_BYTES} are allowed")
    return body


def decode(body: bytes) -> Fact:
    """Read a fact; raise NewerFact for a type or version that is not known here, FactError for anything else."""
    try:
        raw: Any = from_json(body, allow_inf_nan=False)
    except ValueError as problem:
        raise FactError("the body is no JSON") from problem
    if not isinstance(raw, dict) or not (match := _TYPE.fullmatch(str(raw.get("type", "")))):
        raise FactError("the body has no `type` of the form dolbom.<kind>.<what>.v<version>")
    shape = FACTS.get(match["name"])
    if shape is None or int(match["version"]) > shape.type_version:
        raise NewerFact(raw["type"])
    try:
        data = shape.model_validate(raw.pop("data", None))
        return Fact.model_validate({**raw, "data": data})
    except ValidationError as problem:
        first = problem.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "data"
        raise FactError(f"{match['name']}: {where}: {first['msg']}") from problem
