"""Open mode, without accounts: only this machine's own pages and programs are let in. Pure.

A loopback port is reachable from every page that a browser on this machine shows: by a name that resolves to
127.0.0.1 (so `Host` must be loopback), and by cross-site requests (so what changes state must be same-origin).
"""

import ipaddress
import re
from collections.abc import Iterable

from starlette.datastructures import Headers

from services.query.rest.problems import Problem

MAX_BODY = 16 * 1024
MAX_ORDER = 128 * 1024
"""The names of a queue's files in their order are more than anything else has to say."""
UNLIMITED = 1 << 62
"""Of a video: its own limit is counted as it is written."""
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
_HOST = re.compile(r"(?P<name>[a-z0-9.-]+|\[[0-9a-f:.]+\])(?::(?P<port>\d{1,5}))?", re.ASCII | re.IGNORECASE)
VIDEOS = re.compile(r"/api/v1/cameras/[^/]+/videos", re.ASCII)
_PORTS = {"http": "80", "https": "443"}


def refusal(method: str, scheme: str, headers: Headers, path: str = "/") -> Problem | None:
    """Why a request is not let in, or None. Programs that send none of a browser's headers pass."""
    host = headers.get("host", "")
    if not is_loopback(host):
        return Problem(421, "There are no users yet: use http://localhost or http://127.0.0.1.", "not-this-host")
    if forwarding := _forwarding(headers.keys()):
        return Problem(403, f"There are no users yet: requests with {forwarding} are refused.", "forwarded")
    if method not in SAFE_METHODS and not same_origin(scheme, host, headers):
        return Problem(403, "Only this site's own page may change something.", "cross-site")
    return too_large(method, headers, path)


def too_large(method: str, headers: Headers, path: str) -> Problem | None:
    """A body that says it is larger than its route takes; one without a length is counted as it is read."""
    most = {"POST": UNLIMITED, "PUT": MAX_ORDER}.get(method, MAX_BODY) if VIDEOS.fullmatch(path) else MAX_BODY
    return Problem(413) if int(headers.get("content-length", "0")) > most else None


def is_host(host: str) -> bool:
    """Is a Host header one at all?"""
    return _HOST.fullmatch(host) is not None


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
    return all(origin_of(origin) == origin_of(f"{scheme}://{host}") for origin in origins)


def origin_of(origin: str) -> str:
    """The origin without its scheme's own port, which browsers leave out."""
    origin = origin.lower()
    return origin.removesuffix(f":{_PORTS.get(origin.partition(':')[0], '')}")


def _forwarding(names: Iterable[str]) -> str:
    """A header that only a proxy adds."""
    return next((name for name in names if name == "forwarded" or name.startswith("x-forwarded-")), "")
