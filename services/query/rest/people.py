"""The REST API for accounts and their tokens."""

from collections.abc import Iterable

from fastapi import APIRouter, Depends, Response

from libs.contracts.streams import CAMERAS
from services.query.people import accounts
from services.query.people.rules import Account, Change
from services.query.people.signing import remove_token, tokens_of
from services.query.rest.asked import PROBLEMS, Asker, Needs, SiteNow, no_query
from services.query.rest.changes import people_of
from services.query.rest.people_items import (
    NewToken,
    NewUser,
    TokenList,
    TokenMade,
    UserChange,
    UserItem,
    UserList,
    token_item,
    user_item,
    user_list,
)
from services.query.rest.problems import Problem, ProblemBody, not_found, unavailable
from services.query.rest.sessions import new_token, now
from services.query.site import Site

PATH = "/api/v1/users"
_CONFLICT: dict[int | str, dict[str, object]] = {409: {"model": ProblemBody, "description": "Not with these users"}}
router = APIRouter(dependencies=[Depends(no_query), Depends(Needs("admin"))], responses=PROBLEMS)


@router.head(PATH, include_in_schema=False)
@router.get(PATH, summary="All users")
async def list_users(site: SiteNow, response: Response) -> UserList:
    """The accounts, by name."""
    response.headers["Cache-Control"] = "no-store"
    async with people_of(site) as control, accounts.reading(control) as connection:
        return user_list((await accounts.read_accounts(connection)).values())


@router.post(PATH, status_code=201, summary="Add a user", responses=_CONFLICT)
async def create_user(site: SiteNow, who: Asker, asked: NewUser) -> UserItem:
    """The first one must be an admin; from then on whoever asks has to sign in."""
    _check_cameras(site, asked.cameras)
    account = Account(asked.user, asked.role, frozenset(asked.cameras), now())
    async with people_of(site) as control:
        hashed = await site.passwords.hashed(asked.password.get_secret_value())
        await accounts.add(control, account, hashed)
    _granted(site, who.user, account, account.cameras)
    return user_item(account)


@router.patch(f"{PATH}/{{user}}", summary="Change a user", responses=_CONFLICT)
async def change_user(site: SiteNow, who: Asker, user: str, asked: UserChange) -> UserItem:
    """Counts at once, also for who is signed in. A new password ends all sessions and tokens of the user."""
    if not asked.model_fields_set:
        raise Problem(422, "body: name what is to be different: role, cameras or password")
    _check_cameras(site, asked.cameras or ())
    cameras = None if asked.cameras is None else frozenset(asked.cameras)
    async with people_of(site) as control:
        hashed = await site.passwords.hashed(asked.password.get_secret_value()) if asked.password else None
        before, after = await accounts.change(control, user, Change(asked.role, cameras, hashed))
    _changed(site, who.user, before, after)
    if asked.password is not None:
        site.audit.granted(who.user, f"password of {user}", "changed")
    return user_item(after)


@router.delete(f"{PATH}/{{user}}", status_code=204, summary="Remove a user", responses=_CONFLICT)
async def remove_user(site: SiteNow, who: Asker, user: str) -> Response:
    """The user's sessions and tokens are worth nothing from now on."""
    async with people_of(site) as control:
        gone = await accounts.remove(control, user)
    site.audit.revoked(who.user, f"account {user}", f"was {gone.role}")
    _cameras_revoked(site, who.user, user, gone.cameras)
    return Response(status_code=204)


@router.head(f"{PATH}/{{user}}/tokens", include_in_schema=False)
@router.get(f"{PATH}/{{user}}/tokens", summary="The tokens of a user")
async def list_tokens(site: SiteNow, user: str, response: Response) -> TokenList:
    """What is known of them; their secrets are not."""
    response.headers["Cache-Control"] = "no-store"
    async with people_of(site) as control:
        return TokenList(items=[token_item(row) for row in await tokens_of(control, user)])


@router.post(f"{PATH}/{{user}}/tokens", status_code=201, summary="Make a token for a user", responses=_CONFLICT)
async def create_token(site: SiteNow, who: Asker, user: str, response: Response, asked: NewToken) -> TokenMade:
    """For programs and players, with the rights of the user."""
    response.headers["Cache-Control"] = "no-store"
    return await new_token(site, who, user, asked)


@router.delete(f"{PATH}/{{user}}/tokens/{{token_id}}", status_code=204, summary="Remove a token")
async def delete_token(site: SiteNow, who: Asker, user: str, token_id: str) -> Response:
    """It is worth nothing from now on."""
    async with people_of(site) as control:
        there = await remove_token(control, user, token_id)
    if not there:
        raise not_found()
    site.audit.revoked(who.user, f"token {token_id} of {user}", "removed")
    return Response(status_code=204)


def _check_cameras(site: Site, cameras: Iterable[str]) -> None:
    """A misspelt camera would be missed only by whoever does not see it."""
    for camera in cameras:
        if CAMERAS.name not in site.view.read:
            raise unavailable("starting", "The service is starting and has not read the cameras yet.")
        known = site.view.cameras.get(camera)
        if known is None or known.camera.config is None:
            raise Problem(422, f"body.cameras: {camera!r} is no camera here")


def _granted(site: Site, by: str, account: Account, cameras: Iterable[str]) -> None:
    site.audit.granted(by, f"account {account.user}", f"role {account.role}")
    for camera in sorted(cameras):
        site.audit.granted(by, f"account {account.user}", f"role {account.role}", camera)


def _cameras_revoked(site: Site, by: str, user: str, cameras: Iterable[str]) -> None:
    for camera in sorted(cameras):
        site.audit.revoked(by, f"account {user}", "camera", camera)


def _changed(site: Site, by: str, before: Account, after: Account) -> None:
    if before.role != after.role:
        site.audit.revoked(by, f"account {after.user}", f"was {before.role}")
        site.audit.granted(by, f"account {after.user}", f"role {after.role}")
    for camera in sorted(after.cameras - before.cameras):
        site.audit.granted(by, f"account {after.user}", f"role {after.role}", camera)
    _cameras_revoked(site, by, after.user, before.cameras - after.cameras)
