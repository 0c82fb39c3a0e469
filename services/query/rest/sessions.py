"""The REST API for whoever asks: sign in, who am I, sign out, and tokens of one's own."""

from datetime import UTC, datetime

from fastapi import APIRouter, Depends, Request, Response

from libs.clock import real, wall_ms
from services.query.people.accounts import secret_of
from services.query.people.rights import ANYONE, Principal
from services.query.people.signing import SESSION_LASTS, Changed, make_token, open_session, sign_out
from services.query.rest.admission import COOKIE, FIRST_ACCOUNT, address_of, by_https, shown
from services.query.rest.asked import PROBLEMS, Asker, SiteNow, no_query
from services.query.rest.changes import people_of
from services.query.rest.people_items import NewToken, SessionItem, SignIn, TokenMade, session_item, token_made
from services.query.rest.problems import Problem, ProblemBody, too_many
from services.query.site import Site

PATH = "/api/v1/session"
_CONFLICT: dict[int | str, dict[str, object]] = {
    409: {"model": ProblemBody, "description": "There are no users yet, or too many tokens"}
}
_OFTEN: dict[int | str, dict[str, object]] = {429: {"model": ProblemBody, "description": "Too often"}}
router = APIRouter(dependencies=[Depends(no_query)], responses=PROBLEMS)


@router.post(PATH, summary="Sign in", responses={**_CONFLICT, **_OFTEN})
async def create_session(site: SiteNow, request: Request, response: Response, asked: SignIn) -> SessionItem:
    """Sets the cookie `dolbom`, which browsers send from now on, for a week."""
    _check_users(site)
    address, password = address_of(request.scope), asked.password.get_secret_value()
    if wait := site.limits.sign_in(asked.user, address, real()):
        site.audit.denied(address, "sign-in", "too many tries")
        raise too_many(wait, "Too many tries to sign in.")
    async with people_of(site) as control:
        secret = await secret_of(control, asked.user)
        right = await site.passwords.right(secret.password_hash if secret else None, password)
        if secret is None or not right:
            raise _wrong(site, asked.user, address)
        try:
            cookie = await open_session(control, asked.user, secret.changed, now())
        except Changed as problem:
            raise _wrong(site, asked.user, address) from problem
    site.audit.signed_in(asked.user, address)
    _set_cookie(response, request, cookie, int(SESSION_LASTS.total_seconds()))
    response.headers["Cache-Control"] = "no-store"
    return session_item(_account(site, asked.user), is_open=False)


@router.head(PATH, include_in_schema=False)
@router.get(PATH, summary="Who am I")
async def get_session(site: SiteNow, who: Asker, response: Response) -> SessionItem:
    """Whoever asks, and what they may see."""
    response.headers["Cache-Control"] = "no-store"
    return session_item(who, is_open=who == ANYONE and site.directory.standing == "open")


@router.delete(PATH, status_code=204, summary="Sign out")
async def delete_session(site: SiteNow, who: Asker, request: Request) -> Response:
    """Ends the session, or the token, that the request shows."""
    held, answer = shown(request.headers), Response(status_code=204)
    if held is not None and who != ANYONE:
        async with people_of(site) as control:
            await sign_out(control, held.sha256)
    _set_cookie(answer, request, "", 0)
    return answer


@router.post(f"{PATH}/tokens", status_code=201, summary="Make a token of one's own", responses=_CONFLICT)
async def create_own_token(site: SiteNow, who: Asker, response: Response, asked: NewToken) -> TokenMade:
    """For programs and players, with the rights of whoever asks."""
    _check_users(site)
    response.headers["Cache-Control"] = "no-store"
    return await new_token(site, who, who.user, asked)


async def new_token(site: Site, who: Principal, user: str, asked: NewToken) -> TokenMade:
    """A token for a user, made by whoever asks."""
    at = now()
    if asked.expires_at is not None and not at < asked.expires_at < at.replace(year=at.year + 100):
        raise Problem(422, "body.expires_at: must lie in the future")
    async with people_of(site) as control:
        made, secret = await make_token(control, user, asked.name, at, asked.expires_at)
    site.audit.granted(who.user, f"token {made.token_id} of {user}", made.name)
    return token_made(made, secret)


def now() -> datetime:
    """The machine's time, to the millisecond."""
    return datetime.fromtimestamp(wall_ms() / 1000, UTC)


def _check_users(site: Site) -> None:
    if site.directory.standing == "open":
        raise Problem(409, f"There are no users yet. {FIRST_ACCOUNT}", "no-users")


def _wrong(site: Site, user: str, address: str) -> Problem:
    """One answer for a wrong user and a wrong password."""
    site.audit.not_signed_in(user, address)
    return Problem(401, "User or password is wrong.", "wrong-password", headers={"WWW-Authenticate": "Bearer"})


def _account(site: Site, user: str) -> Principal:
    account = site.directory.accounts.get(user)
    if account is None:  # removed in this very moment
        raise Problem(401, "User or password is wrong.", "wrong-password", headers={"WWW-Authenticate": "Bearer"})
    return account.principal


def _set_cookie(response: Response, request: Request, secret: str, seconds: int) -> None:
    secure = by_https(request.scope, request.headers)
    response.set_cookie(COOKIE, secret, seconds, path="/", secure=secure, httponly=True, samesite="strict")
