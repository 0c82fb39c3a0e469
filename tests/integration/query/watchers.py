"""Clients of the live stream, many of them in one loop: they read what comes as it comes."""

import asyncio
import contextlib
import json
from dataclasses import dataclass, field
from urllib.parse import urlencode


@dataclass(frozen=True)
class Heard:
    """A message as it came; `id` of the last one is what a browser would come back with."""

    id: str
    kind: str
    data: dict[str, object]

    @property
    def place(self) -> tuple[int, int]:
        _, events, cameras = self.id.split(".")
        return int(events), int(cameras)


@dataclass
class Watcher:
    """Watches on its own until it is told to stop; what it heard stands in `heard`."""

    port: int
    last_id: str | None = None
    token: str = ""
    asked: dict[str, str | list[str]] = field(default_factory=dict)
    heard: list[Heard] = field(default_factory=list)
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    pings: int = 0
    body: bytes = b""
    """What is no whole message yet, or an answer of another kind."""
    ended: bool = False
    reading: asyncio.Event = field(default_factory=asyncio.Event)
    """Cleared: it takes nothing for a while."""
    _task: asyncio.Task[None] | None = None
    writer: asyncio.StreamWriter | None = None

    def start(self) -> "Watcher":
        self.ended = False
        self.reading.set()
        self._task = asyncio.create_task(self._watch())
        return self

    async def stop(self) -> None:
        """As a browser does whose page is closed; what came is kept."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def until(self, what: str, count: int = 1, seconds: float = 10.0) -> list[Heard]:
        """Wait until so many messages of a kind came; all of them."""
        end = asyncio.get_running_loop().time() + seconds
        while len(found := [one for one in self.heard if one.kind == what]) < count:
            assert asyncio.get_running_loop().time() < end, (
                f"{len(found)} {what}: {self.heard[-3:]} {self.body[-300:]!r}"
            )
            await asyncio.sleep(0.01)
        return found

    async def until_state(self, why: str, seconds: float = 20.0) -> Heard:
        """Wait until it is told that this is why it is not the present; empty: that it is again."""
        end = asyncio.get_running_loop().time() + seconds
        while True:
            states = [one for one in self.heard if one.kind == "state"]
            if states and (states[-1].data.get("why", ""), states[-1].data["live"]) == (why, not why):
                return states[-1]
            assert asyncio.get_running_loop().time() < end, states
            await asyncio.sleep(0.01)

    async def until_ended(self, seconds: float = 10.0) -> None:
        assert self._task is not None
        await asyncio.wait_for(asyncio.shield(self._task), seconds)

    async def _watch(self) -> None:
        """Until the stream ends. A service that only starts is asked again, as the page does."""
        await self._once()
        while self.status == 503:
            await asyncio.sleep(0.1)
            await self._once()
        self.ended = True

    async def _once(self) -> None:
        self.status = 0
        try:
            reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return
        try:
            self.writer.write(self._request())
            await self._head(reader)
            while chunk := await self._chunk(reader):
                self.body += chunk
                await self.reading.wait()
                if self.status == 200:
                    self._parse()
        except (OSError, asyncio.IncompleteReadError, ValueError):
            pass  # the other side is gone
        finally:
            self.writer.close()
            with contextlib.suppress(OSError):
                await self.writer.wait_closed()

    def _request(self) -> bytes:
        query = f"?{urlencode(self.asked, doseq=True)}" if self.asked else ""
        lines = [f"GET /api/v1/stream{query} HTTP/1.1", "Host: 127.0.0.1", "Accept: text/event-stream"]
        lines += [f"Last-Event-ID: {self.last_id}"] if self.last_id is not None else []
        lines += [f"Authorization: Bearer {self.token}"] if self.token else []
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    async def _head(self, reader: asyncio.StreamReader) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        self.status, self.body = int(head[0].split()[1]), b""
        fields = (line.partition(":") for line in head[1:] if line)
        self.headers = {name.lower(): value.strip() for name, _, value in fields}

    async def _chunk(self, reader: asyncio.StreamReader) -> bytes:
        if "content-length" in self.headers:
            return await reader.read(1 << 16)
        size = int((await reader.readuntil(b"\r\n")).strip(), 16)
        chunk = await reader.readexactly(size + 2)
        return chunk[:-2]

    def _parse(self) -> None:
        while b"\n\n" in self.body:
            text, _, self.body = self.body.partition(b"\n\n")
            fields = [line.partition(": ") for line in text.decode().split("\n")]
            named = {name: value for name, _, value in fields if name}
            self.pings += any(line[0] == "" and line[2] == "ping" for line in fields)
            self.last_id = named.get("id", self.last_id)
            if "data" in named:
                self.heard.append(Heard(named.get("id", ""), named.get("event", ""), json.loads(named["data"])))


async def gone(watchers: list[Watcher]) -> None:
    """All of them stop."""
    await asyncio.gather(*(watcher.stop() for watcher in watchers))
