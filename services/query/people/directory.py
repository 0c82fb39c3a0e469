"""Accounts, sessions and tokens in memory, so that a request is let in without the database.

What other processes change is known within a second; what was known last holds for twelve hours while the database is
away: video goes on, also over a night, and nobody new comes in.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from sqlalchemy import select

from libs.clock import real
from libs.observe import get_log
from services.query.people.accounts import PEOPLE, SESSIONS, TOKENS, read_accounts, reading
from services.query.people.rights import ANYONE, Principal
from services.query.people.rules import Account
from services.query.records.keeping import Databases, Records
from services.query.records.reading import AWAY
from services.query.records.rows import Away, compiled

FIRST, EVERY = 0.05, 1.0
"""Seconds between two looks: until it is known whether there are accounts, and from then on."""
HOLDS = 12 * 3600.0
"""Seconds that what is known holds without the database."""
Standing = Literal["unknown", "open", "users", "stale"]
"""Nothing is known; there are no accounts; there are; there are, and nothing was heard of them for too long."""
_VERSION = compiled(select(PEOPLE.c.version))
log = get_log()


@dataclass(frozen=True, slots=True)
class Grant:
    """A session or a token."""

    user: str
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class People:
    """All that is known, at one version of it."""

    version: object
    accounts: Mapping[str, Account] = field(default_factory=dict)
    sessions: Mapping[str, Grant] = field(default_factory=dict)
    tokens: Mapping[str, Grant] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Shown:
    """What a request shows to be let in: the kind of secret, and its digest."""

    kind: Literal["session", "token"]
    sha256: str


class Directory:
    """Who there is, as far as this process knows."""

    def __init__(self, records: Records) -> None:
        self._records, self._people, self._heard = records, People(None), 0.0
        self._turn = asyncio.Lock()

    @property
    def standing(self) -> Standing:
        """What can be said of accounts now."""
        if self._people.version is None:
            return "unknown"
        if not self._people.accounts:
            return "open"
        return "users" if real() - self._heard < HOLDS else "stale"

    @property
    def accounts(self) -> Mapping[str, Account]:
        """All accounts by user."""
        return self._people.accounts

    def holder(self, shown: Shown, now: datetime) -> Principal | None:
        """Whose it is, as long as it is good."""
        held = self._people.sessions if shown.kind == "session" else self._people.tokens
        grant = held.get(shown.sha256)
        if grant is None or (grant.expires_at is not None and grant.expires_at <= now):
            return None
        account = self._people.accounts.get(grant.user)
        return None if account is None else account.principal

    def stands(self, who: Principal) -> bool:
        """Is who asked a while ago still who they were? For answers that take long."""
        if who == ANYONE:
            return self.standing == "open"
        account = self._people.accounts.get(who.user)
        return account is not None and account.principal == who and self.standing == "users"

    async def keep(self) -> None:
        """Learn what changes, for ever."""
        while True:
            if (now := self._records.now) is not None:
                with suppress(Away, *AWAY):
                    await self.refresh(now)
            await asyncio.sleep(FIRST if self._people.version is None else EVERY)

    async def refresh(self, now: Databases) -> None:
        """Learn what changed. Raises what a database that is away raises."""
        async with self._turn:
            heard = real()
            rows = await now.control_rows.fetch(_VERSION)
            if not rows:
                raise Away("the row of `people` is missing")
            version = rows[0][0]
            if version != self._people.version:
                self._people = await _read(now, version)
                log.info("people_read", accounts=len(self._people.accounts))
            self._heard = heard


async def _read(now: Databases, version: object) -> People:
    """A change after `version` may be in it already; it is read again for its version then."""
    async with reading(now.control) as connection:
        accounts = await read_accounts(connection)
        grants = [
            {row.sha256: Grant(row.user_id, row.expires_at) for row in await connection.execute(select(table))}
            for table in (SESSIONS, TOKENS)
        ]
    return People(version, accounts, *grants)
