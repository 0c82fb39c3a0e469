"""Many who watch: what each of them costs, that all are told everything, and that a slow one is nobody's trouble."""

import asyncio
import itertools
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from libs.bus import publish
from libs.contracts.envelope import encode
from libs.contracts.subjects import MSG_ID
from tests.integration.query.crowd import MESSAGES, many_files, measure, resident_kb, watch
from tests.integration.query.harness import Query, start_query, until
from tests.integration.query.watchers import Watcher, gone
from tests.nats_server import NatsServer
from tests.story import story

KB_A_CLIENT = 20


@pytest.fixture
def query(server: NatsServer, tmp_path: Path) -> Iterator[Query]:
    with many_files():
        query = start_query(tmp_path, server.url)
        until("query is ready", query.is_ready, 10)
        yield query
        query.stop()


async def told_everything(server: NatsServer, query: Query, count: int) -> None:
    cost, watchers = await measure(server, query, count)
    print(cost)
    ids = {tuple(one.id for one in watcher.heard[-MESSAGES:]) for watcher in watchers}
    assert len(ids) == 1, "everybody is told the same"
    assert all(sum(one.kind == "look" for one in watcher.heard) == MESSAGES for watcher in watchers), "each once"
    assert max(cost.quiet_kb, cost.told_kb) <= KB_A_CLIENT


async def test_two_hundred_are_told_everything(server: NatsServer, query: Query) -> None:
    await told_everything(server, query, 200)


@pytest.mark.soak
@pytest.mark.timeout(300)
async def test_a_thousand_are_told_everything(server: NatsServer, query: Query) -> None:
    await told_everything(server, query, 1000)


def stalled(port: int) -> socket.socket:
    """One who asks, and takes nothing."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.connect(("127.0.0.1", port))
    connection.sendall(b"GET /api/v1/stream HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    return connection


def open_files(query: Query) -> int:
    return len(list(Path(f"/proc/{query.process.pid}/fd").iterdir()))


async def say_looks(server: NatsServer, watcher: Watcher, count: int) -> None:
    """So many, as fast as the watcher is told of them."""
    looks = (fact for fact in story(7, cameras=6, hours=100.0) if fact.name in ("look.started", "look.completed"))
    async with server.bus("detector") as bus:
        for said in range(0, count, 100):
            some = itertools.islice(looks, 100)
            await asyncio.gather(*(publish(bus, fact.nats_subject, encode(fact), {MSG_ID: fact.id}) for fact in some))
            await watcher.until("look", said + 100, 20)


@pytest.mark.soak
@pytest.mark.timeout(300)
async def test_who_takes_nothing_holds_nobody_up_and_is_cut_off(server: NatsServer, query: Query) -> None:
    quick = (await watch(query, 1))[0]
    sleepy = (await watch(query, 1))[0]
    files, before = open_files(query), resident_kb(query)
    dead = [stalled(query.port) for _ in range(20)]
    sleepy.reading.clear()
    await say_looks(server, quick, count := 15_000)  # four megabytes each wait in the kernel, the ring holds 4096
    grown = resident_kb(query) - before
    sleepy.reading.set()
    reset = (await sleepy.until("reset"))[0]
    missing = count - sum(one.kind == "look" for one in sleepy.heard)
    assert reset.data["why"] == "overtaken"
    assert reset.place[0] == quick.heard[-1].place[0]
    until("the others are cut off", lambda: open_files(query) <= files, 60)
    print(
        f"{count} messages past 20 who took nothing: {grown} KB more; one who woke up was told of {missing} lost ones"
    )
    assert grown < 40_000
    assert [one.id for one in quick.heard if one.kind == "look"] == sorted(
        (one.id for one in quick.heard if one.kind == "look"), key=lambda name: int(name.split(".")[1])
    )
    await gone([quick, sleepy])
    for connection in dead:
        connection.close()
    assert not [line for line in query.log if line["level"] == "error"]
