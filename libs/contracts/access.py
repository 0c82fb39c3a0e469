"""The facts of people: who saw, took, got or was refused what; and what was erased on request."""

from typing import ClassVar

from libs.contracts.assessments import Span
from libs.contracts.facts import FactData


class AccessFact(FactData):
    """What all of them tell: who, what, and why."""

    by: str
    what: str
    why: str = ""

    @property
    def kind(self) -> str:
        """`viewed`, `exported`, …"""
        return self.fact.partition(".")[2]


class AccessViewed(AccessFact):
    """Somebody looked at a camera: one fact for each user, camera and ten minutes."""

    fact: ClassVar[str] = "access.viewed"


class AccessExported(AccessFact):
    """Somebody downloaded a recording."""

    fact: ClassVar[str] = "access.exported"


class AccessDenied(AccessFact):
    """Somebody was refused."""

    fact: ClassVar[str] = "access.denied"


class AccessGranted(AccessFact):
    """Somebody got a right."""

    fact: ClassVar[str] = "access.granted"


class AccessRevoked(AccessFact):
    """Somebody lost a right."""

    fact: ClassVar[str] = "access.revoked"


class AccessLogin(AccessFact):
    """Somebody signed in, or tried to."""

    fact: ClassVar[str] = "access.login"


ACCESSES: tuple[type[AccessFact], ...] = (
    AccessViewed,
    AccessExported,
    AccessDenied,
    AccessGranted,
    AccessRevoked,
    AccessLogin,
)


class ErasedSpan(Span):
    """A time of one camera."""

    camera: str


class FactErased(FactData):
    """Facts and recordings were erased on request; their ids remain."""

    fact: ClassVar[str] = "fact.erased"
    facts: tuple[str, ...] = ()
    spans: tuple[ErasedSpan, ...] = ()
    reason: str
    by: str

    def nats_subject(self, subject: str) -> str:
        return self.fact
