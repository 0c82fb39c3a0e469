"""An HTTP connection that an answer can cut off: nothing else ends one whose other side takes nothing any more."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import cast

from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

CUT = "dolbom.cut"
"""Where in the scope of a request the function stands that drops its connection, with all that waits to be sent."""


class Connection(H11Protocol):
    """uvicorn's own, whose requests know how to cut it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Requests of this connection pass here first."""
        super().connection_made(transport)
        application = self.app

        def app(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
            scope[CUT] = transport.abort
            answered: Awaitable[None] = application(scope, receive, send)
            return answered

        self.app = app


def cut(scope: Scope) -> None:
    """Drop the connection of a request; a server of another kind leaves that to its own time-outs."""
    if CUT in scope:
        cast(Callable[[], None], scope[CUT])()
