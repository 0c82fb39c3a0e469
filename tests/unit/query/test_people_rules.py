"""What may be done to accounts, and who sees which camera."""

import asyncio
from datetime import UTC, datetime

import pytest

from services.query.people.passwords import MEMORY_KIB, TIME_COST, WAITING, Busy, Passwords
from services.query.people.rights import ANYONE, ROLES, Role
from services.query.people.rules import Account, Change, LastAdmin, Unfit, changed, check_new


def account(user: str, role: Role, *cameras: str) -> Account:
    return Account(user, role, frozenset(cameras), datetime(2026, 3, 2, tzinfo=UTC))


BOSS, KIM = account("boss", "admin"), account("kim", "teacher", "cam1")


@pytest.mark.parametrize("role", ROLES)
def test_each_role_has_the_rights_of_those_before(role: Role) -> None:
    who = account("kim", role).principal
    assert [who.at_least(other) for other in ROLES] == [ROLES.index(other) <= ROLES.index(role) for other in ROLES]
    assert who.sees("cam1") is (role in ("director", "admin"))


def test_only_named_cameras_are_seen() -> None:
    assert (KIM.principal.sees("cam1"), KIM.principal.sees("cam2"), KIM.principal.sees("")) == (True, False, False)
    assert ANYONE.sees("cam2")


@pytest.mark.parametrize("role", ROLES[:3])
def test_the_first_is_an_admin(role: Role) -> None:
    with pytest.raises(Unfit, match="first account"):
        check_new(account("kim", role), {})
    check_new(account("kim", role), {"boss": BOSS})
    check_new(BOSS, {})


@pytest.mark.parametrize("user", ["", "Kim", "-kim", "kim-", "a" * 33, "kim\n", "김", "anyone", "site", "a.b", "a b"])
def test_names_that_are_none(user: str) -> None:
    with pytest.raises(Unfit, match="user: "):
        check_new(account(user, "admin"), {})


def test_who_sees_all_has_no_cameras_of_their_own() -> None:
    with pytest.raises(Unfit, match="cameras: "):
        check_new(account("kim", "director", "cam1"), {"boss": BOSS})
    assert changed(KIM, Change(role="director"), [BOSS]).cameras == frozenset()
    with pytest.raises(Unfit, match="cameras: "):
        changed(KIM, Change(role="director", cameras=frozenset({"cam1"})), [BOSS])
    assert changed(KIM, Change(cameras=frozenset()), [BOSS]).cameras == frozenset()
    assert changed(KIM, Change(password_hash="x"), [BOSS]) == KIM


def test_an_admin_remains() -> None:
    with pytest.raises(LastAdmin):
        changed(BOSS, Change(role="director"), [KIM])
    assert changed(BOSS, Change(role="director"), [account("lee", "admin")]).role == "director"
    assert changed(BOSS, Change(role="admin"), [KIM]) == BOSS
    assert changed(KIM, Change(role="guardian"), []).role == "guardian"


async def test_passwords() -> None:
    passwords = Passwords()
    kept = await passwords.hashed("가나다라마바사아자차")
    assert kept.startswith(f"$argon2id$v=19$m={MEMORY_KIB},t={TIME_COST},p=1$")
    assert await passwords.right(kept, "가나다라마바사아자차")
    assert await passwords.right(kept, "\u1100\u1161나다라마바사아자차")  # as another keyboard composes it
    assert not await passwords.right(kept, "가나다라마바사아자카")
    assert not await passwords.right(None, "가나다라마바사아자차")
    assert not await passwords.right("no hash", "가나다라마바사아자차")
    assert await passwords.hashed("가나다라마바사아자차") != kept


async def test_a_flood_of_passwords_is_turned_away() -> None:
    passwords = Passwords()
    done = await asyncio.gather(*(passwords.right(None, "x") for _ in range(50)), return_exceptions=True)
    assert sum(one is False for one in done) == WAITING
    assert sum(isinstance(one, Busy) for one in done) == 50 - WAITING
    assert await passwords.right(None, "x") is False
