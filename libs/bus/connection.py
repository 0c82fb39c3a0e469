"""One connection per process, that comes back by itself and says when it did."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Sequence

import nats
from nats.aio.client import Client
from nats.js import JetStreamContext

from libs.bus.cancellation import obey_cancellation
from libs.bus.ensure import ensure_stream
from libs.bus.errors import BusError, NoServer, OldServer
from libs.contracts.permissions import inbox
from libs.contracts.streams import MIN_SERVER, StreamSpec
from libs.contracts.subjects import covers
from libs.observe import get_log

REQUEST_TIMEOUT = 3.0
log = get_log()


class Bus:
    """A connection to the site's NATS account. `generation` grows with every reconnect."""

    def __init__(self, user: str, ensures: Sequence[StreamSpec]) -> None:
        self.user = user
        self.nc = Client()
        self.js: JetStreamContext = self.nc.jetstream(timeout=REQUEST_TIMEOUT)
        self.generation = 0
        self.wakes: set[asyncio.Event] = set()
        """Set at each reconnect, for readers that wait for a word on the connection that was."""
        self._ensures = tuple(ensures)
        self._usable = asyncio.Event()
        self._leaving = False
        self._ensuring: asyncio.Task[None] | None = None

    @property
    def connected(self) -> bool:
        """Is the connection up, and do the streams that this process makes stand?"""
        return self.nc.is_connected and self._usable.is_set()

    async def usable(self) -> None:
        """Wait until the connection is up and the streams that this process makes stand."""
        await self._usable.wait()

    def distrust(self, subject: str) -> None:
        """No stream takes this subject: where that stream is made by this process, make it before anybody goes on."""
        made_here = any(covers(one, subject) for spec in self._ensures for one in spec.subjects)
        if made_here and self._usable.is_set():
            self._usable.clear()
            self._start_ensuring()

    async def open(self, url: str, password: str) -> None:
        """Connect once; raises NoServer (OldServer) with the reason in one line.

        A client that may reconnect would try its first connection for ever, so it may only afterwards.
        """
        shown = url.rsplit("@")[-1]
        try:
            await self.nc.connect(
                url,
                name=self.user,
                user=self.user,
                password=password,
                inbox_prefix=inbox(self.user),
                max_reconnect_attempts=1,
                allow_reconnect=False,
                reconnect_time_wait=0,
                connect_timeout=2,
                ping_interval=5,
                max_outstanding_pings=2,
                drain_timeout=5,
                pending_size=8 << 20,
                error_cb=self._on_error,
                disconnected_cb=self._on_disconnected,
                reconnected_cb=self._on_reconnected,
                closed_cb=self._on_closed,
            )
        except (nats.errors.Error, OSError, TimeoutError) as problem:
            self._leaving = True
            await self.nc.close()
            raise NoServer(f"NATS at {shown} does not take user {self.user}: {problem}") from problem
        self.nc.options |= {"max_reconnect_attempts": -1, "allow_reconnect": True, "reconnect_time_wait": 1}
        version = self.nc.connected_server_version
        if (version.major, version.minor) < MIN_SERVER:
            self._leaving = True
            await self.nc.close()
            found, needed = f"{version.major}.{version.minor}.{version.patch}", ".".join(map(str, MIN_SERVER))
            raise OldServer(f"NATS at {shown} is version {found}, and {needed} or newer is needed")
        await self._ensure()

    async def close(self) -> None:
        """Send what waits and leave; never blocks for long."""
        self._leaving = True
        if self._ensuring:
            self._ensuring.cancel()
        with contextlib.suppress(nats.errors.Error, OSError, TimeoutError):
            await asyncio.wait_for(self.nc.flush(timeout=1), timeout=1.5)
        with contextlib.suppress(nats.errors.Error, OSError, TimeoutError):
            await self.nc.close()

    async def _ensure(self) -> None:
        """Make the frame streams of this process, until it works; then the bus is usable."""
        pause = 0.2
        while True:
            obey_cancellation()
            try:
                for spec in self._ensures:
                    await ensure_stream(self.js, spec)
            except (nats.errors.Error, nats.js.errors.Error, BusError, TimeoutError) as problem:
                log.warning("streams_not_ensured", reason=str(problem) or type(problem).__name__)
                await asyncio.sleep(pause)
                pause = min(pause * 2, 5.0)
            else:
                self._usable.set()
                return

    def _start_ensuring(self) -> None:
        if self._ensuring is None or self._ensuring.done():
            self._ensuring = asyncio.get_running_loop().create_task(self._ensure())

    async def _on_error(self, problem: Exception) -> None:
        log.warning("bus_error", reason=str(problem) or type(problem).__name__)

    async def _on_disconnected(self) -> None:
        self._usable.clear()
        if not self._leaving:
            log.warning("bus_disconnected")

    async def _on_reconnected(self) -> None:
        self.generation += 1
        for event in self.wakes:
            event.set()
        log.info("bus_reconnected", generation=self.generation)
        self._start_ensuring()

    async def _on_closed(self) -> None:
        """nats-py never comes back from `closed`: end the process, so that its supervisor starts a new one."""
        if not self._leaving:
            log.error("bus_closed")
            os._exit(70)


@contextlib.asynccontextmanager
async def connect(url: str, user: str, password: str, ensures: Sequence[StreamSpec] = ()) -> AsyncIterator[Bus]:
    """A usable bus for the length of the block; `ensures` are the streams that this process makes and remakes.

    Raises NoServer when the first connection cannot be had.
    """
    bus = Bus(user, ensures)
    await bus.open(url, password)
    try:
        yield bus
    finally:
        await bus.close()
