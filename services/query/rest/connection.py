"""An HTTP connection whose answers may last: they need not keep the application, and can be cut off. Its requests may
not: who sends one byte after the other keeps nothing open.

What an application keeps for a request while it is answered (its frames, its exit stacks) is 14 KB, and nothing of it
is needed once the head of an answer is sent. And nothing else ends a connection whose other side takes nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import cast

import h11
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from services.query.rest.gate_rules import VIDEOS

COMES_WITHIN = 10.0
"""Seconds in which a request must have come; a film may take longer, as long as it comes."""
_TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
_CONNECTION = "dolbom.connection"
Rest = Callable[[Receive, Send], Awaitable[None]]
"""The body of an answer, sent after the application returned. It must not fail."""


class _Lasting:
    """What a request can do with its connection."""

    __slots__ = ("cut", "rest")

    def __init__(self, cut: Callable[[], None]) -> None:
        self.cut = cut
        self.rest: Rest | None = None


class Connection(H11Protocol):
    """uvicorn's own; its requests pass here first, and stay here when the application is done with them."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Go before the application."""
        super().connection_made(transport)
        application = self.app

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            lasting = _Lasting(transport.abort)
            await application({**scope, _CONNECTION: lasting}, receive, send)
            if lasting.rest is not None:
                await lasting.rest(receive, send)

        self.app = app
        self._patience: asyncio.TimerHandle | None = None
        self._await_request()

    def data_received(self, data: bytes) -> None:
        """Whatever came; if that is not the whole request, the time runs from its first byte."""
        super().data_received(data)
        self._await_request()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _await_request(self) -> None:
        head = self.conn.their_state is h11.IDLE
        if not head and (self.conn.their_state is not h11.SEND_BODY or VIDEOS.fullmatch(self.scope["path"])):
            self._stop_waiting()
        elif self._patience is None:
            self._patience = self.loop.call_later(COMES_WITHIN, self._give_up)

    def _stop_waiting(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _give_up(self) -> None:
        if not self.transport.is_closing():
            if self.conn.our_state is h11.IDLE:
                self.transport.write(_TOO_SLOW)
            self.transport.close()


async def last(scope: Scope, receive: Receive, send: Send, rest: Rest) -> None:
    """Send the rest of an answer, without the application if that can be."""
    if _CONNECTION in scope:
        cast(_Lasting, scope[_CONNECTION]).rest = rest
    else:
        await rest(receive, send)


def cutter(scope: Scope) -> Callable[[], None]:
    """What drops the connection of a request, with all that waits to be sent."""
    return cast(_Lasting, scope[_CONNECTION]).cut if _CONNECTION in scope else lambda: None
