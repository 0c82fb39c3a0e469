"""An HTTP connection whose answers may last: they need not keep the application, and can be cut off.

What an application keeps for a request while it is answered (its frames, its exit stacks) is 14 KB, and nothing of it
is needed once the head of an answer is sent. And nothing else ends a connection whose other side takes nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import cast

from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

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


async def last(scope: Scope, receive: Receive, send: Send, rest: Rest) -> None:
    """Send the rest of an answer, without the application if that can be."""
    if _CONNECTION in scope:
        cast(_Lasting, scope[_CONNECTION]).rest = rest
    else:
        await rest(receive, send)


def cutter(scope: Scope) -> Callable[[], None]:
    """What drops the connection of a request, with all that waits to be sent."""
    return cast(_Lasting, scope[_CONNECTION]).cut if _CONNECTION in scope else lambda: None
