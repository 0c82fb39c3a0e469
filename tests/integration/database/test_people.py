"""Accounts, sessions and tokens in both databases, and what a process knows of them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from services.query.people import accounts, directory
from services.query.people.accounts import ACCOUNT_CAMERAS, SESSIONS, TOKENS, NoSuchUser, UserTaken
from services.query.people.directory import Directory, Shown
from services.query.people.rights import ANYONE, Principal
from services.query.people.rules import Account, Change, LastAdmin, Unfit
from services.query.people.signing import (
    MAX_SESSIONS,
    MAX_TOKENS,
    SESSION_LASTS,
    Changed,
    TooMany,
    digest,
    make_token,
    open_session,
    remove_token,
    sign_out,
    tokens_of,
)
from services.query.records.keeping import Databases, Records, databases
from tests.integration.database.views import Fresh

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
BOSS = Account("boss", "admin", frozenset(), NOW)
KIM = Account("kim", "guardian", frozenset({"cam1", "cam2"}), NOW)


@asynccontextmanager
async def opened(fresh: Fresh) -> AsyncIterator[tuple[Databases, Directory]]:
    """Databases with two accounts, and a directory that has not looked yet."""
    url = await fresh()
    async with databases(url) as now:
        await accounts.add(now.control, BOSS, "hash of boss")
        await accounts.add(now.control, KIM, "hash of kim")
        yield now, Directory(Records(url))


async def test_accounts_are_added_changed_and_removed(fresh: Fresh) -> None:
    async with opened(fresh) as (now, _):
        control = now.control
        async with accounts.reading(control) as connection:
            assert await accounts.read_accounts(connection) == {"boss": BOSS, "kim": KIM}
        with pytest.raises(UserTaken):
            await accounts.add(control, KIM, "x")
        with pytest.raises(NoSuchUser):
            await accounts.change(control, "lee", Change())
        with pytest.raises(NoSuchUser):
            await accounts.remove(control, "lee")
        with pytest.raises(LastAdmin):
            await accounts.remove(control, "boss")
        with pytest.raises(Unfit):
            await accounts.change(control, "kim", Change(role="admin", cameras=frozenset({"cam1"})))
        before, after = await accounts.change(control, "kim", Change(role="admin"))
        assert (before, after.role, after.cameras) == (KIM, "admin", frozenset())
        assert (await accounts.remove(control, "boss")).user == "boss"
        async with accounts.reading(control) as connection:
            assert await accounts.read_accounts(connection) == {"kim": after}
            assert (await connection.execute(select(ACCOUNT_CAMERAS))).all() == []
        secret = await accounts.secret_of(control, "kim")
        assert secret is not None
        assert (secret.password_hash, secret.changed) == ("hash of kim", 1)
        assert await accounts.secret_of(control, "boss") is None


async def test_two_first_accounts_at_once_and_the_last_two_admins(fresh: Fresh) -> None:
    """Each sees what the other did, so there is always an admin."""
    async with databases(await fresh()) as now:
        lee = Account("lee", "guardian", frozenset(), NOW)
        done = await asyncio.gather(
            *(accounts.add(now.control, one, "x") for one in (BOSS, lee)), return_exceptions=True
        )
        assert done in ([None, None], [None, *[one for one in done if isinstance(one, Unfit)]])
        await accounts.add(now.control, Account("park", "admin", frozenset(), NOW), "x")
        gone = await asyncio.gather(
            *(accounts.remove(now.control, one) for one in ("boss", "park")), return_exceptions=True
        )
        assert sorted(type(one).__name__ for one in gone) == ["Account", "LastAdmin"]


async def test_a_session_of_an_account_that_changed_meanwhile_is_none(fresh: Fresh) -> None:
    async with opened(fresh) as (now, known):
        secret = await open_session(now.control, "kim", 0, NOW)
        await known.refresh(now)
        assert known.holder(Shown("session", digest(secret)), NOW) == KIM.principal
        await accounts.change(now.control, "kim", Change(password_hash="another"))
        await known.refresh(now)
        assert known.holder(Shown("session", digest(secret)), NOW) is None
        for user, changed in (("kim", 0), ("lee", 0)):
            with pytest.raises(Changed):
                await open_session(now.control, user, changed, NOW)
        await open_session(now.control, "kim", 1, NOW)


async def test_sessions_end_and_are_few(fresh: Fresh) -> None:
    async with opened(fresh) as (now, known):
        held = [
            await open_session(now.control, "kim", 0, NOW + timedelta(seconds=at)) for at in range(MAX_SESSIONS + 2)
        ]
        other = await open_session(now.control, "boss", 0, NOW)
        await known.refresh(now)
        late = NOW + timedelta(minutes=1)
        good = [known.holder(Shown("session", digest(secret)), late) is not None for secret in held]
        assert good == [False, False, *[True] * MAX_SESSIONS]
        assert known.holder(Shown("token", digest(held[-1])), late) is None
        assert known.holder(Shown("session", digest(other)), NOW + SESSION_LASTS) is None
        await sign_out(now.control, digest(held[-1]))
        await known.refresh(now)
        assert known.holder(Shown("session", digest(held[-1])), late) is None
        assert known.holder(Shown("session", digest(held[-2])), late) == KIM.principal
        await open_session(now.control, "boss", 0, NOW + 2 * SESSION_LASTS)
        async with accounts.reading(now.control) as connection:
            rows = (await connection.execute(select(SESSIONS))).all()
        assert [row.user_id for row in rows] == ["boss"]
        assert not [secret for secret in (*held, other) if secret in str(rows)]


async def test_tokens_end_and_are_few(fresh: Fresh) -> None:
    async with opened(fresh) as (now, known):
        with pytest.raises(NoSuchUser):
            await make_token(now.control, "lee", "x", NOW, None)
        soon = NOW + timedelta(hours=1)
        made, secret = await make_token(now.control, "kim", "복도의 화면", NOW, soon)
        assert [row.name for row in await tokens_of(now.control, "kim")] == ["복도의 화면"]
        assert list(await tokens_of(now.control, "boss")) == []
        await known.refresh(now)
        assert known.holder(Shown("token", digest(secret)), NOW) == KIM.principal
        assert known.holder(Shown("token", digest(secret)), soon) is None
        assert not await remove_token(now.control, "boss", made.token_id)
        for _ in range(MAX_TOKENS):
            _, last = await make_token(now.control, "kim", "x", soon, None)  # the one that ended makes room
        with pytest.raises(TooMany):
            await make_token(now.control, "kim", "x", soon, None)
        await accounts.remove(now.control, "kim")
        await known.refresh(now)
        assert known.holder(Shown("token", digest(last)), NOW) is None
        async with accounts.reading(now.control) as connection:
            assert (await connection.execute(select(TOKENS))).all() == []


async def test_what_is_known_holds_for_a_night_and_no_longer(fresh: Fresh, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = 1000.0
    monkeypatch.setattr(directory, "real", lambda: clock)
    async with opened(fresh) as (now, known):
        assert (known.standing, known.stands(ANYONE)) == ("unknown", False)
        await known.refresh(now)
        assert known.standing == "users"
        assert (known.stands(KIM.principal), known.stands(ANYONE)) == (True, False)
        assert not known.stands(Principal("kim", "admin"))
        clock += directory.HOLDS - 1
        assert known.standing == "users"
        clock += 2
        assert (known.standing, known.stands(KIM.principal)) == ("stale", False)
        await known.refresh(now)
        assert known.standing == "users"


async def test_an_empty_site_is_open_and_stays_so(fresh: Fresh, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = 1000.0
    monkeypatch.setattr(directory, "real", lambda: clock)
    url = await fresh()
    async with databases(url) as now:
        known = Directory(Records(url))
        await known.refresh(now)
        clock += 2 * directory.HOLDS
        assert (known.standing, known.stands(ANYONE)) == ("open", True)
