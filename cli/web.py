"""Asks a process of this machine something over HTTP."""

import http.client
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Answer:
    """What a process said."""

    status: int
    body: bytes


def ask(host: str, port: int, path: str, timeout: float = 2.0) -> Answer | None:
    """The answer, or None when there is none in time. Blocks."""
    connection = http.client.HTTPConnection(host, port, timeout=timeout)
    try:
        connection.request("GET", path, headers={"Accept": "*/*", "Connection": "close"})
        response = connection.getresponse()
        return Answer(response.status, response.read())
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
