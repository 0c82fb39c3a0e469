"""A crowd that watches, and what it costs query."""

import asyncio
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from libs.bus import publish
from libs.contracts.envelope import encode
from libs.contracts.subjects import MSG_ID
from tests.integration.query.harness import Query
from tests.integration.query.watchers import Watcher, gone
from tests.integration.views.conftest import say
from tests.nats_server import NatsServer
from tests.story import story

MESSAGES = 30
TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Cost:
    """What each of `clients` costs: memory when nothing happened and after all messages, CPU of one message.

    `idle`: CPU seconds in a second, of all of them, when nothing happens.
    """

    clients: int
    quiet_kb: float
    told_kb: float
    message_us: float
    idle: float

    def __str__(self) -> str:
        return (
            f"{self.clients} clients: {self.quiet_kb:.1f} KB each, {self.told_kb:.1f} KB after {MESSAGES} messages, "
            f"{self.message_us:.0f} us of CPU a message and client, {self.idle:.3f} CPU-s a second when nothing happens"
        )


@contextmanager
def many_files() -> Iterator[None]:
    """Each client is a file here and one in query, which takes the limit over."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 8192 if hard == resource.RLIM_INFINITY else min(8192, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def resident_kb(query: Query) -> int:
    """All memory of the process, shared pages too."""
    lines = Path(f"/proc/{query.process.pid}/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))


def cpu_s(query: Query) -> float:
    fields = Path(f"/proc/{query.process.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


async def watch(query: Query, count: int) -> list[Watcher]:
    """So many, fifty at a time, who all have their id."""
    watchers: list[Watcher] = []
    while len(watchers) < count:
        some = [Watcher(query.port).start() for _ in range(min(50, count - len(watchers)))]
        for watcher in some:
            await watcher.until("hello", seconds=30)
        watchers += some
    return watchers


async def measure(server: NatsServer, query: Query, count: int) -> tuple[Cost, list[Watcher]]:
    """What so many cost, idle and when something is told; and what they heard."""
    looks = [fact for fact in story(3, hours=1.0) if fact.name in ("look.started", "look.completed")]
    await gone(await watch(query, 50))
    await say(server, looks[:5])  # everything that is made once was made now
    await asyncio.sleep(1)
    before = resident_kb(query)
    watchers = await watch(query, count)
    await asyncio.sleep(1)
    quiet_kb, quiet = resident_kb(query), cpu_s(query)
    await asyncio.sleep(2)
    quiet, busy = cpu_s(query) - quiet, cpu_s(query)
    async with server.bus("detector") as bus:
        for fact in looks[5 : 5 + MESSAGES]:
            await publish(bus, fact.nats_subject, encode(fact), {MSG_ID: fact.id})
            await asyncio.sleep(0.05)
    for watcher in watchers:
        await watcher.until("look", MESSAGES, 60)
    each = (cpu_s(query) - busy) / (count * MESSAGES) * 1e6
    told_kb = resident_kb(query)
    await gone(watchers)
    return Cost(count, (quiet_kb - before) / count, (told_kb - before) / count, each, quiet / 2), watchers
