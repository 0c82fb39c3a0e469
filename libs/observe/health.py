"""`/healthz` (the loop turns), `/readyz` (the service does its work, or is idle on purpose), `/metrics`."""

import asyncio
import json
import socketserver
import threading
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import make_wsgi_app

from libs.clock import real, wall_ms
from libs.contracts.slots import moment, rfc3339

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

LOOP_STALLED_AFTER = 30.0
"""Seconds without a turn of the event loop after which `/healthz` fails."""


class Health:
    """The state that a service shows. Set it from the event loop; it is read from the server's thread."""

    def __init__(self, service: str) -> None:
        self.service = service
        self.state = "starting"
        self.ready = False
        self.why = ""
        self.since = rfc3339(moment(wall_ms()))
        self._turned = real()

    def say(self, state: str, *, ready: bool, why: str = "") -> None:
        """Show `state` (`ready`, `idle`, `degraded`, …); `why` in words when not ready."""
        if (state, ready, why) != (self.state, self.ready, self.why):
            self.since = rfc3339(moment(wall_ms()))
        self.state, self.ready, self.why = state, ready, why

    async def turn(self) -> None:
        """Prove once a second that the event loop turns; runs until cancelled."""
        while True:
            self._turned = real()
            await asyncio.sleep(1)

    def alive(self) -> bool:
        """Has the loop turned lately?"""
        return real() - self._turned < LOOP_STALLED_AFTER

    def body(self) -> bytes:
        """What `/readyz` answers."""
        shown = {"service": self.service, "state": self.state, "ready": self.ready, "since": self.since}
        return json.dumps(shown | ({"why": self.why} if self.why else {}), ensure_ascii=False).encode()


class _Server(socketserver.ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Health checks are no news."""


def serve_health(health: Health, port: int, host: str = "127.0.0.1") -> int:
    """Serve in a daemon thread; returns the port (0 asks for a free one). Raises OSError when it is taken."""
    server = make_server(host, port, _application(health), server_class=_Server, handler_class=_Quiet)
    threading.Thread(target=server.serve_forever, name="health", daemon=True).start()
    return server.server_port


def _application(health: Health) -> Callable[["WSGIEnvironment", "StartResponse"], Iterable[bytes]]:
    metrics: Callable[[WSGIEnvironment, StartResponse], Iterable[bytes]] = make_wsgi_app()

    def application(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path == "/metrics":
            return metrics(environ, start_response)
        if path == "/healthz":
            return _answer(start_response, health.alive(), b'{"alive":true}' if health.alive() else b'{"alive":false}')
        if path == "/readyz":
            return _answer(start_response, health.ready, health.body())
        return _answer(start_response, False, b'{"error":"only /healthz, /readyz and /metrics"}', "404 Not Found")

    return application


def _answer(start: "StartResponse", good: bool, body: bytes, bad: str = "503 Service Unavailable") -> Iterable[bytes]:
    start("200 OK" if good else bad, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]
