"""Asks a process of this machine something over HTTP."""

import http.client
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Answer:
    """What a process said."""

    status: int
    body: bytes
    cookie: str = ""
    """`name=value` of the cookie that it sets."""


@dataclass(frozen=True, slots=True)
class Call:
    """How something is asked."""

    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None


def reachable(host: str) -> str:
    """Where this machine itself reaches what listens on `host`."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - only looked up


def ask(host: str, port: int, path: str, timeout: float = 2.0, call: Call | None = None) -> Answer | None:
    """The answer, or None when there is none in time. Blocks."""
    call = call or Call()
    connection = http.client.HTTPConnection(host, port, timeout=timeout)
    try:
        connection.request(call.method, path, call.body, {"Accept": "*/*", "Connection": "close", **call.headers})
        response = connection.getresponse()
        cookie = response.getheader("Set-Cookie", "").partition(";")[0]
        return Answer(response.status, response.read(), cookie)
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
