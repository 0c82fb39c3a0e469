"""Listening begins with the block: whatever is said from then on is heard."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from libs.bus import connect, listen
from tests.nats_server import NatsServer


@contextlib.asynccontextmanager
async def overheard(server: NatsServer, words: list[bytes]) -> AsyncIterator[str]:
    """The address of a relay to the server; `words` gets each line that a client says, in order."""
    port, gone = int(server.url.rpartition(":")[2]), asyncio.Event()

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers, asks = await asyncio.open_connection("127.0.0.1", port)
        async with asyncio.TaskGroup() as group:
            group.create_task(pass_on(answers, writer, []))
            group.create_task(pass_on(reader, asks, words))
        gone.set()

    async with await asyncio.start_server(relay, "127.0.0.1", 0) as listener:
        yield f"nats://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
        await gone.wait()


async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, words: list[bytes]) -> None:
    while line := await reader.readline():
        words.append(line.split()[0])
        writer.write(line)
    writer.close()


async def test_the_server_has_read_the_wish_before_the_block_begins(server: NatsServer) -> None:
    """It reads a client's lines in order, so it has read what stands before a PING that it answered."""
    words: list[bytes] = []
    async with (
        overheard(server, words) as url,
        connect(url, "query", "query") as bus,
        listen(bus, ["event.>", "camera.>"]),
    ):
        assert words[-1] == b"PING"
        assert b"SUB" in words
