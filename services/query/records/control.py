"""The tables of the control database, a system of record: the log of facts, byte for byte."""

from datetime import datetime

from sqlalchemy import Index, MetaData, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from services.query.records.columns import NAME, TYPES, UNICODE, UUID, WORD


class Control(DeclarativeBase):
    """All tables of `control`."""

    metadata = MetaData()
    type_annotation_map = TYPES
    __table_args__: object = UNICODE


class EventLog(Control):
    """Every fact as it stood on the bus. `body` is None where it was erased on request."""

    __tablename__ = "event_log"
    event_id: Mapped[str] = mapped_column(UUID, primary_key=True)
    stream: Mapped[str] = mapped_column(NAME)
    incarnation: Mapped[str] = mapped_column(WORD)
    sequence: Mapped[int]
    subject: Mapped[str] = mapped_column(String(255))
    time: Mapped[datetime]
    body: Mapped[bytes | None]
    sha256: Mapped[str] = mapped_column(WORD)
    __table_args__ = (Index("log_by_place", "stream", "incarnation", "sequence"), UNICODE)


class Archived(Control):
    """Up to where the archiver read a stream."""

    __tablename__ = "archived"
    stream: Mapped[str] = mapped_column(NAME, primary_key=True)
    incarnation: Mapped[str] = mapped_column(WORD)
    sequence: Mapped[int]
    fact_id: Mapped[str] = mapped_column(WORD)


class Generation(Control):
    """A generation of views; the one with `shown` is what people see."""

    __tablename__ = "generations"
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    shown: Mapped[bool]
