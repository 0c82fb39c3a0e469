"""Open mode's gate, outermost: without users only this machine's own pages and programs are let in.

A loopback port is reachable from every page that a browser on this machine shows: by a name that resolves to
127.0.0.1 (so `Host` must be loopback), and by cross-site requests (so what changes state must be same-origin).
"""

import ipaddress
import re
from collections.abc import Iterable

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.query.rest.problems import Problem, answer

MAX_BODY = 16 * 1024
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; "
        "connect-src 'self'; worker-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_HOST = re.compile(r"(?P<name>[a-z0-9.-]+|\[[0-9a-f:.]+\])(?::(?P<port>\d{1,5}))?", re.ASCII | re.IGNORECASE)
_VIDEOS = re.compile(r"/api/v1/cameras/[^/]+/videos", re.ASCII)
_PORTS = {"http": "80", "https": "443"}


class Gate:
    """Wraps the whole application, so that its answers to errors pass here as well."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(SECURITY_HEADERS)
            await send(message)

        refused = refusal(scope["method"], scope["scheme"], Headers(scope=scope), scope["path"])
        app = self._app if refused is None else answer(refused, scope["path"])
        await app(scope, receive, guarded)


def refusal(method: str, scheme: str, headers: Headers, path: str = "/") -> Problem | None:
    """Why a request is not let in, or None. Programs that send none of a browser's headers pass."""
    host = headers.get("host", "")
    if not is_loopback(host):
        return Problem(421, "There are no users yet: use http://localhost or http://127.0.0.1.", "not-this-host")
    if forwarding := _forwarding(headers.keys()):
        return Problem(403, f"There are no users yet: requests with {forwarding} are refused.", "forwarded")
    if method not in SAFE_METHODS and not same_origin(scheme, host, headers):
        return Problem(403, "Only this site's own page may change something.", "cross-site")
    # A body without a length is counted as it is read; queues of videos have limits of their own.
    if int(headers.get("content-length", "0")) > MAX_BODY and not _VIDEOS.fullmatch(path):
        return Problem(413)
    return None


def is_loopback(host: str) -> bool:
    """Does a Host header name this machine, whatever the port?"""
    match = _HOST.fullmatch(host)
    if match is None:
        return False
    name = match["name"].lower()
    try:
        return name == "localhost" or ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False


def same_origin(scheme: str, host: str, headers: Headers) -> bool:
    """Do the headers that only browsers send, where present, say that the request comes from this origin?"""
    if headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
        return False
    origins = headers.getlist("origin")
    return all(_without_port(origin) == _without_port(f"{scheme}://{host}") for origin in origins)


def _without_port(origin: str) -> str:
    """The origin without its scheme's own port, which browsers leave out."""
    origin = origin.lower()
    return origin.removesuffix(f":{_PORTS.get(origin.partition(':')[0], '')}")


def _forwarding(names: Iterable[str]) -> str:
    """A header that only a proxy adds."""
    return next((name for name in names if name == "forwarded" or name.startswith("x-forwarded-")), "")
