"""The gate, outermost: who asks is found out here, and nobody else's request reaches the application.

Without accounts only this machine is served (`gate_rules`); with accounts whoever signed in (`admission`). As long as
it is not known whether there are accounts, nothing is.
"""

import ipaddress
from datetime import UTC, datetime

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from libs.clock import wall_ms
from services.query.people.directory import Shown
from services.query.people.rights import ANYONE, Principal
from services.query.rest import admission, gate_rules
from services.query.rest.asked import PRINCIPAL
from services.query.rest.lists import away
from services.query.rest.problems import HIDDEN, Problem, answer, unavailable
from services.query.site import Site

SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; "
        "connect-src 'self'; worker-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Gate:
    """Wraps the whole application, so that its answers to errors pass here as well."""

    def __init__(self, app: ASGIApp, site: Site) -> None:
        self._app, self._site = app, site
        self._loopback = ipaddress.ip_address(site.settings.http_host).is_loopback

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        app = self._app
        try:
            self._let_in(scope)
        except Problem as refused:
            app = answer(refused, scope["path"])

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(SECURITY_HEADERS)
                if self._site.directory.standing != "open":
                    # What a browser keeps is for whoever signed in then, not for the next one.
                    headers.add_vary_header("Cookie, Authorization")
                    self._note_refusal(scope, message["status"])
            await send(message)

        await app(scope, receive, guarded)

    def _let_in(self, scope: Scope) -> None:
        """Put who asks into the scope. Raises the Problem of those who are not let in."""
        headers, method, path = Headers(scope=scope), scope["method"], scope["path"]
        standing, door = self._site.directory.standing, admission.door(method, path)
        if standing == "open" and self._loopback:
            if refused := gate_rules.refusal(method, scope["scheme"], headers, path):
                raise refused
            scope[PRINCIPAL] = ANYONE
            return
        if refused := admission.ill_formed(method, headers, path):
            raise refused
        if door == "page":
            return
        if standing == "unknown":
            raise unavailable("starting", "The service is starting and does not know yet who may ask.")
        if standing == "open":
            raise Problem(403, f"There are no users yet. {admission.FIRST_ACCOUNT}", "no-users")
        if standing == "stale":
            raise away()
        self._admit(scope, headers, door)

    def _admit(self, scope: Scope, headers: Headers, door: admission.Door) -> None:
        shown = None if door == "sign-in" else admission.shown(headers)
        if door != "sign-in":
            scope[PRINCIPAL] = self._holder(shown)
        by = shown.kind if shown else "nobody"
        if refused := admission.not_the_page(scope["method"], headers, scope["path"], by):
            raise refused

    def _holder(self, shown: Shown | None) -> Principal:
        now = datetime.fromtimestamp(wall_ms() / 1000, UTC)
        who = None if shown is None else self._site.directory.holder(shown, now)
        if who is None:
            detail = "Sign in first." if shown is None else "This session or token is not good any more: sign in again."
            raise Problem(401, detail, "not-signed-in", headers={"WWW-Authenticate": "Bearer"})
        return who

    def _note_refusal(self, scope: Scope, status: int) -> None:
        """Who is not signed in is known by the address. What was asked for is told by its route, which are few."""
        who = scope.get(PRINCIPAL)
        if status == 401 and who is None and admission.door(scope["method"], scope["path"]) != "sign-in":
            self._site.audit.denied(admission.address_of(scope), "api", "not signed in")
        elif who is not None and (status == 403 or HIDDEN in scope):
            route = getattr(scope.get("route"), "path", "api")
            camera = scope.get(HIDDEN, "site")
            why = "not theirs" if HIDDEN in scope else "not allowed"
            self._site.audit.denied(who.user, f"{scope['method']} {route}", why, camera)
