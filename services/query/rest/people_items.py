"""What the API is told of people, and says of them. A secret is told once, to whom it is made for."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr

from libs.contracts.facts import UtcTime
from services.query.people.rights import Principal, Role
from services.query.people.rules import USER_ID, Account
from services.query.people.signing import TokenRow

UserId = Annotated[str, Field(pattern=USER_ID, description="1 to 32 of a-z, 0-9 and -", examples=["kim"])]
Password = Annotated[SecretStr, Field(min_length=10, max_length=200, examples=["넷이서 소풍 가는 날"])]
CameraId = Annotated[str, Field(max_length=32)]


def _no_null(value: object) -> object:
    if value is None:
        raise ValueError("leave it out to keep it as it is")
    return value


NoNull = BeforeValidator(_no_null)


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SignIn(_Asked):
    """Who somebody is, and the proof."""

    user: UserId
    password: Annotated[SecretStr, Field(min_length=1, max_length=200, examples=["넷이서 소풍 가는 날"])]


class NewUser(_Asked):
    """An account to add; the first one must be an admin's."""

    user: UserId
    password: Password
    role: Role = Field(examples=["guardian"])
    cameras: list[CameraId] = Field(
        default=[], max_length=500, description="of a guardian or a teacher; others see all", examples=[["camera-1"]]
    )


class UserChange(_Asked):
    """What is to be different. A new password ends all sessions and tokens of the user."""

    role: Annotated[Role | None, NoNull] = Field(default=None, examples=["teacher"])
    cameras: Annotated[list[CameraId] | None, NoNull] = Field(default=None, max_length=500, examples=[["camera-1"]])
    password: Annotated[Password | None, NoNull] = None


class NewToken(_Asked):
    """A token to make."""

    name: str = Field(min_length=1, max_length=100, description="what it is for", examples=["player in the hall"])
    expires_at: AwareDatetime | None = Field(default=None, description="RFC 3339 with a zone; none = until removed")


class SessionItem(BaseModel):
    """Who asks. `cameras` is null for those who see all; `open`: there are no accounts, so everybody here may all."""

    user: str = Field(examples=["kim"])
    role: Role = Field(examples=["guardian"])
    cameras: list[str] | None = Field(examples=[["camera-1"]])
    open: bool = Field(examples=[False])


class UserItem(BaseModel):
    """An account. `cameras` is null for those who see all."""

    user: str = Field(examples=["kim"])
    role: Role = Field(examples=["guardian"])
    cameras: list[str] | None = Field(examples=[["camera-1"]])
    created_at: UtcTime


class UserList(BaseModel):
    """All accounts, by name."""

    items: list[UserItem]
    next: None = None


class TokenItem(BaseModel):
    """A token, without its secret."""

    token_id: str = Field(examples=["5f0c9e6d1b7a4c32"])
    name: str = Field(examples=["player in the hall"])
    created_at: UtcTime
    expires_at: UtcTime | None


class TokenMade(TokenItem):
    """A new token. The secret is told this once: `Authorization: Bearer …`."""

    token: str = Field(examples=["dolbom_…"])


class TokenList(BaseModel):
    """The tokens of a user, newest first."""

    items: list[TokenItem]
    next: None = None


class AccessItem(BaseModel):
    """Somebody saw, took, got or was refused something. `by` is a user, or an address of nobody that is known."""

    access_id: str
    at: UtcTime
    kind: str = Field(examples=["viewed"])
    by: str = Field(examples=["kim"])
    camera_id: str = Field(description="`site`: of no camera", examples=["camera-1"])
    what: str = Field(examples=["video"])
    why: str = Field(examples=[""])


class AccessList(BaseModel):
    """Accesses, newest first; `next` is the cursor of what follows, or null."""

    items: list[AccessItem]
    next: str | None


def session_item(who: Principal, *, is_open: bool) -> SessionItem:
    """Who asks."""
    return SessionItem(user=who.user, role=who.role, cameras=_cameras(who), open=is_open)


def user_item(account: Account) -> UserItem:
    """An account."""
    who = account.principal
    return UserItem(user=who.user, role=who.role, cameras=_cameras(who), created_at=_whole(account.created_at))


def user_list(accounts: Iterable[Account]) -> UserList:
    """Accounts by name."""
    return UserList(items=[user_item(account) for account in sorted(accounts, key=lambda one: one.user)])


def token_item(row: TokenRow) -> TokenItem:
    """A token."""
    expires_at = row.expires_at and _whole(row.expires_at)
    return TokenItem(token_id=row.token_id, name=row.name, created_at=_whole(row.created_at), expires_at=expires_at)


def token_made(row: TokenRow, secret: str) -> TokenMade:
    """A token with its secret."""
    return TokenMade(**token_item(row).__dict__, token=secret)


def _cameras(who: Principal) -> list[str] | None:
    return None if who.cameras is None else sorted(who.cameras)


def _whole(at: datetime) -> datetime:
    """To the millisecond, as everywhere in the API."""
    return at.replace(microsecond=at.microsecond // 1000 * 1000)
