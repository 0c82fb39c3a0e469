"""What people and programs sign in with: a browser's session, a program's token. Only digests of them are kept.

Their times are those of the machine's clock, whatever the site's clock says.
"""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import RowMapping, delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.query.people.accounts import ACCOUNTS, SESSIONS, TOKENS, NoSuchUser, changing, reading

SESSION_LASTS = timedelta(days=7)
MAX_SESSIONS, MAX_TOKENS = 20, 20
"""Of one user. One session more ends the oldest one; one token more is refused."""
PREFIX = "dolbom_"
"""Tells people and scanners for leaked secrets what a token is."""


class TooMany(Exception):
    """The user has as many tokens as one may have."""


class Changed(Exception):
    """The account is not what it was when the password was checked."""


@dataclass(frozen=True, slots=True)
class TokenRow:
    """What is known of a token."""

    token_id: str
    name: str
    created_at: datetime
    expires_at: datetime | None


def new_secret() -> str:
    """256 bits that nobody can guess."""
    return secrets.token_urlsafe(32)


def digest(secret: str) -> str:
    """What is kept of a secret: it has no pattern that a slow hash would have to hide."""
    return hashlib.sha256(secret.encode()).hexdigest()


async def open_session(control: AsyncEngine, user: str, unchanged: int, at: datetime) -> str:
    """The secret of a new session. Raises Changed when the account's `changed` is not `unchanged` any more."""
    secret = new_secret()
    mine = select(SESSIONS.c.sha256).where(SESSIONS.c.user_id == user).order_by(SESSIONS.c.created_at.desc())
    async with changing(control) as connection:
        asked = select(ACCOUNTS.c.changed).where(ACCOUNTS.c.user_id == user)
        if (await connection.execute(asked)).scalar() != unchanged:
            raise Changed
        await connection.execute(delete(SESSIONS).where(SESSIONS.c.expires_at <= at))
        old = list((await connection.execute(mine)).scalars())[MAX_SESSIONS - 1 :]
        await connection.execute(delete(SESSIONS).where(SESSIONS.c.sha256.in_(old)))
        row = {"sha256": digest(secret), "user_id": user, "created_at": at, "expires_at": at + SESSION_LASTS}
        await connection.execute(insert(SESSIONS).values(row))
    return secret


async def make_token(
    control: AsyncEngine, user: str, name: str, at: datetime, expires_at: datetime | None
) -> tuple[TokenRow, str]:
    """A new token and its secret. Raises NoSuchUser or TooMany."""
    secret, made = PREFIX + new_secret(), TokenRow(secrets.token_hex(8), name, at, expires_at)
    async with changing(control) as connection:
        await _check_user(connection, user)
        await connection.execute(delete(TOKENS).where(TOKENS.c.expires_at <= at))
        held = select(func.count()).select_from(TOKENS).where(TOKENS.c.user_id == user)
        if ((await connection.execute(held)).scalar() or 0) >= MAX_TOKENS:
            raise TooMany
        row = {"token_id": made.token_id, "sha256": digest(secret), "user_id": user, "name": name}
        await connection.execute(insert(TOKENS).values(row | {"created_at": at, "expires_at": expires_at}))
    return made, secret


async def tokens_of(control: AsyncEngine, user: str) -> Sequence[TokenRow]:
    """The tokens of a user, newest first. Raises NoSuchUser."""
    asked = select(TOKENS).where(TOKENS.c.user_id == user).order_by(TOKENS.c.created_at.desc(), TOKENS.c.token_id)
    async with reading(control) as connection:
        await _check_user(connection, user)
        return [_token(row) for row in (await connection.execute(asked)).mappings()]


async def remove_token(control: AsyncEngine, user: str, token_id: str) -> bool:
    """Was there such a token? There is none any more."""
    async with changing(control) as connection:
        gone = delete(TOKENS).where(TOKENS.c.user_id == user, TOKENS.c.token_id == token_id)
        return (await connection.execute(gone)).rowcount > 0


async def sign_out(control: AsyncEngine, sha256: str) -> None:
    """End the session, or the token, with this digest."""
    async with changing(control) as connection:
        for table in (SESSIONS, TOKENS):
            await connection.execute(delete(table).where(table.c.sha256 == sha256))


async def _check_user(connection: AsyncConnection, user: str) -> None:
    if (await connection.execute(select(ACCOUNTS.c.user_id).where(ACCOUNTS.c.user_id == user))).first() is None:
        raise NoSuchUser(user)


def _token(row: RowMapping) -> TokenRow:
    return TokenRow(row["token_id"], row["name"], row["created_at"], row["expires_at"])
