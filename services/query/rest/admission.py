"""Who is let in once there are accounts: what a request shows, and what only this site's own page may do. Pure."""

import ipaddress
import re
from typing import Literal

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.types import Scope

from services.query.people.directory import Shown
from services.query.people.signing import digest
from services.query.rest.gate_rules import SAFE_METHODS, VIDEOS, is_host, origin_of, too_large
from services.query.rest.problems import Problem

COOKIE = "dolbom"
SESSION = "/api/v1/session"
_BEARER = re.compile(r"bearer +([A-Za-z0-9._~+/-]{1,200}=*)", re.ASCII | re.IGNORECASE)
FIRST_ACCOUNT = "Add the first account on the machine itself: .venv/bin/dolbom users add NAME --role admin"
Door = Literal["page", "sign-in", "api"]


def door(method: str, path: str) -> Door:
    """What a request asks for: the page, which holds no secret, to be let in, or anything else."""
    if path in ("/", "/favicon.ico") or path.startswith("/assets/"):
        return "page"
    return "sign-in" if (method, path) == ("POST", SESSION) else "api"


def shown(headers: Headers) -> Shown | None:
    """The secret that a request shows; a token goes before a cookie."""
    if (said := headers.get("authorization")) is not None:
        match = _BEARER.fullmatch(said)
        return Shown("token", digest(match[1] if match else ""))
    secret = cookie_parser(headers.get("cookie", "")).get(COOKIE, "")
    return Shown("session", digest(secret)) if secret else None


def ill_formed(method: str, headers: Headers, path: str) -> Problem | None:
    """What no request may be."""
    if not is_host(headers.get("host", "")):
        return Problem(400, "The Host header names no host.", "bad-host")
    return too_large(method, headers, path)


def not_the_page(method: str, headers: Headers, path: str, by: Literal["token", "session", "nobody"]) -> Problem | None:
    """Why a request may not change something: another site's page could have sent it, were it let through.

    A token is never sent by a browser of itself. Bodies are JSON, which no form of another site can send.
    """
    if method in SAFE_METHODS:
        return None
    if by != "token" and not _same_origin(headers):
        return Problem(403, "Only this site's own page may change something.", "cross-site")
    has_body = headers.get("content-length", "0") != "0" or "transfer-encoding" in headers
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if has_body and kind != "application/json" and not (method == "POST" and VIDEOS.fullmatch(path)):
        return Problem(415, "Send the body as application/json.", "no-json")
    return None


def address_of(scope: Scope) -> str:
    """Where a request comes from; of IPv6 the network that one house has. What a proxy adds is never believed."""
    client = scope.get("client")
    if not client:
        return "unknown"
    try:
        address = ipaddress.ip_address(client[0])
    except ValueError:
        return "unknown"
    if address.version == 6:
        mapped = address.ipv4_mapped
        return str(mapped or ipaddress.ip_network((int(address) >> 64 << 64, 64)))
    return str(address)


def by_https(scope: Scope, headers: Headers) -> bool:
    """Did a browser send this over HTTPS? Its Origin tells also where a proxy ends the encryption."""
    return scope["scheme"] == "https" or headers.get("origin", "").lower().startswith("https://")


def _same_origin(headers: Headers) -> bool:
    """Do the headers that only browsers send, where present, say that the request comes from this host's page?

    The scheme is not compared: where a proxy ends the encryption, only the browser knows it.
    """
    if headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
        return False
    host = headers.get("host", "")
    here = [origin_of(f"{scheme}://{host}") for scheme in ("http", "https")]
    return all(origin_of(origin) in here for origin in headers.getlist("origin"))
