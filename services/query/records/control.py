"""The tables of the control database, a system of record: the log of facts, byte for byte, and the accounts."""

from datetime import datetime

from sqlalchemy import Index, MetaData, PrimaryKeyConstraint, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from services.query.records.columns import NAME, TYPES, UNICODE, UUID, WORD


class Control(DeclarativeBase):
    """All tables of `control`."""

    metadata = MetaData()
    type_annotation_map = TYPES
    __table_args__: object = UNICODE


class EventLog(Control):
    """Every fact as it stood on the bus, in the order of its stream. `body` is None where it was erased on request.

    A bus that lost its end gives a place twice, so a place alone is no key.
    """

    __tablename__ = "event_log"
    event_id: Mapped[str] = mapped_column(UUID)
    stream: Mapped[str] = mapped_column(NAME)
    incarnation: Mapped[str] = mapped_column(WORD)
    sequence: Mapped[int]
    subject: Mapped[str] = mapped_column(String(255))
    time: Mapped[datetime]
    body: Mapped[bytes | None]
    sha256: Mapped[str] = mapped_column(WORD)
    __table_args__ = (
        PrimaryKeyConstraint("stream", "incarnation", "sequence", "event_id"),
        Index("log_by_id", "event_id", unique=True),
        Index("log_by_time", "time", "event_id"),
        UNICODE,
    )


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


class People(Control):
    """One row. Whoever changes accounts, sessions or tokens raises `version` first, and is the only one meanwhile."""

    __tablename__ = "people"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    version: Mapped[int]


class Account(Control):
    """A person. `changed` grows with every change of rights or password."""

    __tablename__ = "accounts"
    user_id: Mapped[str] = mapped_column(NAME, primary_key=True)
    role: Mapped[str] = mapped_column(NAME)
    password_hash: Mapped[str] = mapped_column(String(255))
    created_at: Mapped[datetime]
    changed: Mapped[int]


class AccountCamera(Control):
    """A camera that a guardian or a teacher sees."""

    __tablename__ = "account_cameras"
    user_id: Mapped[str] = mapped_column(NAME, primary_key=True)
    camera_id: Mapped[str] = mapped_column(NAME, primary_key=True)


class Session(Control):
    """A browser that signed in; of its cookie's secret only the SHA-256 is kept."""

    __tablename__ = "sessions"
    sha256: Mapped[str] = mapped_column(WORD, primary_key=True)
    user_id: Mapped[str] = mapped_column(NAME)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    __table_args__ = (Index("sessions_by_user", "user_id"), UNICODE)


class Token(Control):
    """What a program or a player shows instead of a password; only its SHA-256 is kept."""

    __tablename__ = "tokens"
    token_id: Mapped[str] = mapped_column(WORD, primary_key=True)
    sha256: Mapped[str] = mapped_column(WORD)
    user_id: Mapped[str] = mapped_column(NAME)
    name: Mapped[str] = mapped_column(String(100))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    __table_args__ = (Index("tokens_by_user", "user_id"), UNICODE)
