"""Leases on a real server: one writer, who knows by its own clock when it is none, and epochs that only grow."""

import asyncio
import contextlib
import gc
import itertools
import random
import signal
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import pytest

from libs.bus import Bus, Lease, Leases, Membership, NameTaken, NoServer, NotTaken, ensure_bucket
from libs.clock import real
from libs.contracts.leases import Timing
from libs.contracts.streams import BUCKETS, BucketSpec
from tests.nats_server import NatsServer

QUICK = Timing(beat=0.3, ttl=1.5, held_for=0.9, poll=0.1)
BY_NAME = {bucket.name: bucket for bucket in BUCKETS}


@dataclass
class Clock:
    """Real time, that can be made to jump as it does for a process that was stopped."""

    jumped: float = 0.0

    def __call__(self) -> float:
        return real() + self.jumped


@dataclass
class Replica:
    """One process of a service."""

    bus: Bus
    me: Membership
    leases: Leases
    clock: Clock = field(default_factory=Clock)


@contextlib.asynccontextmanager
async def replica(
    server: NatsServer, member: str, user: str = "encoder", timing: Timing | None = None
) -> AsyncIterator[Replica]:
    clock = Clock()
    async with (
        server.bus(user) as bus,
        Membership(bus, user, member, timing=timing, clock=clock) as me,
        Leases(me) as leases,
    ):
        bus.nc.options["reconnect_time_wait"] = 0.1
        yield Replica(bus, me, leases, clock)


async def until(done: Callable[[], bool], seconds: float = 10) -> None:
    end = real() + seconds
    while not done():
        assert real() < end, "not in time"
        await asyncio.sleep(0.01)


async def taken(one: Replica, newest: int = 0, camera: str = "camera-1") -> Lease:
    """The lease, when nothing stands against it but the first words with the server."""
    end = real() + 5
    while real() < end:
        lease = await one.leases.take(camera, newest)
        if isinstance(lease, Lease):
            return lease
        await asyncio.sleep(0.02)
    raise AssertionError("not taken")


async def ready(leases: Leases) -> None:
    """The bucket is read and the heartbeat confirmed."""
    async with asyncio.timeout(5):
        while await leases.take("warm-up", 0) == NotTaken(""):  # noqa: ASYNC110 - another process's work
            await asyncio.sleep(0.02)


async def holder_of(one: Replica) -> str:
    """What a taker is told, once it has read the bucket."""
    end = real() + 5
    while real() < end:
        answer = await one.leases.take("camera-1", 0)
        assert isinstance(answer, NotTaken), "taken from a living holder"
        if answer.holder:
            return answer.holder
        await asyncio.sleep(0.02)
    raise AssertionError("no holder known")


async def make_again(boss: Bus, bucket: BucketSpec) -> None:
    with contextlib.suppress(Exception):
        await boss.js.delete_key_value(bucket.name)
    await ensure_bucket(boss.js, bucket)


async def shorten(server: NatsServer) -> None:
    """Heartbeats that expire soon."""
    async with server.bus("setup") as boss:
        await make_again(boss, BucketSpec("members", 1 << 20, ttl=QUICK.ttl))


async def test_of_twenty_who_want_it_at_once_one_gets_it(server: NatsServer) -> None:
    async with server.bus("encoder") as bus, contextlib.AsyncExitStack() as stack:
        racers = []
        for at in range(20):
            me = await stack.enter_async_context(Membership(bus, "encoder", f"encoder-{at}"))
            racers.append(await stack.enter_async_context(Leases(me)))
        for racer in racers:
            await ready(racer)
        answers = await asyncio.gather(*(racer.take("camera-1", 0) for racer in racers))
    assert sum(isinstance(answer, Lease) for answer in answers) == 1


async def test_a_holder_that_is_cut_off_stops_before_its_successor_begins(server: NatsServer) -> None:
    await shorten(server)
    async with replica(server, "a", timing=QUICK) as one, replica(server, "b", timing=QUICK) as two:
        lease = await taken(one)
        assert await holder_of(two) == "a"
        await one.bus.close()
        cut_at = real()
        await asyncio.wait_for(lease.lost.wait(), 5)
        lost_after = real() - cut_at
        assert not lease.held
        successor = await taken(two)
        taken_after = real() - cut_at
    assert successor.epoch > lease.epoch
    assert lost_after <= QUICK.held_for + QUICK.poll
    assert lost_after + 0.3 < taken_after <= QUICK.ttl + QUICK.poll + 0.8


async def test_a_restarted_process_takes_its_leases_at_once_and_the_old_one_learns_it(server: NatsServer) -> None:
    async with replica(server, "ingest-0", "ingest") as old:
        lease = await taken(old, newest=7)
        async with replica(server, "ingest-0", "ingest") as new:
            began = real()
            again = await taken(new)
            assert real() - began < 1.0
            assert again.epoch > lease.epoch > 7
            await asyncio.wait_for(lease.lost.wait(), 1)
            with pytest.raises(NameTaken):
                await old.leases.take("camera-1", 0)
            assert again.held


async def test_a_process_that_was_stopped_and_goes_on_knows_at_once_that_it_lost(server: NatsServer) -> None:
    async with replica(server, "a", timing=Timing(beat=0.3)) as one:
        lease = await taken(one)
        one.clock.jumped += 3.9
        assert lease.valid_for() < 0.2
        one.clock.jumped += 26
        assert not lease.held
        await until(lambda: one.me.valid_for(one.me.term) > 1)
        assert not lease.held, "a heartbeat after the pause gives nothing back"
        again = await taken(one, newest=1 << 50)
        assert lease.lost.is_set()
        assert again.epoch == (1 << 50) + 1 > lease.epoch > again.rival, "nobody had it in between"


async def test_who_takes_a_lease_again_is_told_whether_another_had_it_in_between(server: NatsServer) -> None:
    async with replica(server, "a") as one, replica(server, "b") as two:
        first = await taken(one)
        await first.release()
        second = await taken(one)
        assert second.rival < first.epoch < second.epoch
        await second.release()
        between = await taken(two)
        await between.release()
        assert (await taken(one)).rival == between.epoch > second.epoch


async def test_a_killed_server_that_comes_back_costs_no_lease(server: NatsServer) -> None:
    often = Timing(beat=0.3)
    async with replica(server, "a", timing=often) as one, replica(server, "b", timing=often) as two:
        lease = await taken(one)
        server.kill()
        server.start()
        await until(lambda: one.bus.connected and two.bus.connected)
        assert await holder_of(two) == "a"
        await until(lambda: lease.valid_for() > 3)
        assert lease.held


async def test_who_leaves_in_order_is_followed_at_once(server: NatsServer) -> None:
    slow = Timing(poll=5.0)
    async with replica(server, "b", timing=slow) as two:
        got: asyncio.Queue[Lease] = asyncio.Queue()

        async def work(lease: Lease) -> None:
            await got.put(lease)
            await asyncio.Event().wait()

        async def newest() -> int:
            return 0

        async with replica(server, "a") as one:
            first = await taken(one)
            holding = asyncio.create_task(two.leases.hold("camera-1", newest, work))
            await asyncio.sleep(0.3)
            assert got.empty()
            left_at = real()
        second = await asyncio.wait_for(got.get(), 2)
        assert real() - left_at < 1.0
        assert second.epoch > first.epoch
        holding.cancel()
        await asyncio.wait((holding,))
        assert second.lost.is_set()


async def test_work_is_cancelled_when_its_lease_is_lost_and_begins_again_in_a_new_epoch(server: NatsServer) -> None:
    epochs, ended = [], []

    async def newest() -> int:
        return 0

    async with replica(server, "a", timing=Timing(beat=0.2, poll=0.2)) as one:

        async def work(lease: Lease) -> None:
            epochs.append(lease.epoch)
            if len(epochs) == 2:
                return
            try:
                await asyncio.Event().wait()
            finally:
                ended.append(lease.epoch)

        holding = asyncio.create_task(one.leases.hold("camera-1", newest, work))
        await until(lambda: len(epochs) == 1)
        one.clock.jumped += 10
        await asyncio.wait_for(holding, 5)
        assert isinstance(await one.leases.take("camera-1", 0), Lease), "released at the end of the work"
    assert ended == epochs[:1]
    assert epochs[0] < epochs[1]


async def test_a_bucket_that_somebody_deleted_costs_no_lease(server: NatsServer) -> None:
    timing = Timing(beat=0.2, ttl=6, held_for=0.8, poll=0.1)
    async with (
        server.bus("setup") as boss,
        replica(server, "a", timing=timing) as one,
        replica(server, "b", timing=timing) as two,
    ):
        await taken(one, camera="camera-0")
        lease = await taken(one)
        assert lease.revision == 2
        assert await holder_of(two) == "a"
        await boss.js.delete_key_value("members")
        await asyncio.sleep(1.2)
        assert lease.held, "nobody can take it, so it is kept"
        assert isinstance(await two.leases.take("camera-1", 0), NotTaken)
        await make_again(boss, BY_NAME["members"])
        assert isinstance(await two.leases.take("camera-1", 0), NotTaken), "a new bucket proves nobody's absence"
        await make_again(boss, BY_NAME["leases"])
        kv = await boss.js.key_value("leases")
        async with asyncio.timeout(5):
            while (await kv.status()).values < 2:  # noqa: ASYNC110 - another process's work
                await asyncio.sleep(0.02)
        assert await holder_of(two) == "a"
        await kv.delete("encoder.camera-1")
        await until(lambda: lease.revision == 4)
        assert lease.held
        assert await holder_of(two) == "a"


async def test_a_service_cannot_take_the_leases_of_another(server: NatsServer) -> None:
    async with server.bus("encoder") as bus, Membership(bus, "ingest", "a") as me, Leases(me) as leases:
        await until(lambda: me.valid_for(me.term) > 0)
        assert isinstance(await leases.take("camera-1", 0), NotTaken)


HOLDER = """
import asyncio, sys
from libs.observe import set_up_logs
from libs.bus import Leases, Membership, connect, Lease
async def main():
    set_up_logs("encoder")
    async with connect(sys.argv[1], "encoder", "encoder") as bus, Membership(bus, "encoder", "doomed") as me, \\
            Leases(me) as leases:
        while not isinstance(lease := await leases.take("camera-1", 0), Lease):
            await asyncio.sleep(0.02)
        print("held", flush=True)
        while lease.held:
            await asyncio.sleep(0.001)
        print("lost", flush=True)
        await asyncio.Event().wait()
asyncio.run(main())
"""


@pytest.mark.soak
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "stopped"])
async def test_a_process_that_is_killed_or_stopped_is_followed_within_eight_seconds(
    server: NatsServer, how: signal.Signals
) -> None:
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HOLDER, server.url, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    assert child.stdout
    try:
        async with replica(server, "b") as two:
            assert await child.stdout.readline() == b"held\n"
            assert await holder_of(two) == "doomed"
            child.send_signal(how)
            struck_at, epochs = real(), asyncio.Queue[int]()

            async def work(lease: Lease) -> None:
                await epochs.put(lease.epoch)

            async def newest() -> int:
                return 0

            await two.leases.hold("camera-1", newest, work)
            print(f"{how.name}: followed after {real() - struck_at:.2f} s")
            assert real() - struck_at <= 8
            if how == signal.SIGSTOP:
                child.send_signal(signal.SIGCONT)
                assert await asyncio.wait_for(child.stdout.readline(), 0.5) == b"lost\n"
    finally:
        with contextlib.suppress(ProcessLookupError):
            child.kill()
        await child.wait()


@dataclass
class Site:
    """What several replicas do to one another, seeded."""

    server: NatsServer
    chance: random.Random
    leases: list[Lease] = field(default_factory=list)

    async def newest(self) -> int:
        return 0

    async def work(self, lease: Lease) -> None:
        """Must be the only one, in the highest epoch."""
        assert not any(other.held for other in self.leases), "two at once"
        assert lease.epoch > max((other.epoch for other in self.leases), default=0)
        self.leases.append(lease)
        await asyncio.sleep(self.chance.random() * 2)

    async def live(self, name: str) -> None:
        """Join, work, and be cut off, stopped, or leave; now with the same name, now with another."""
        for turn in itertools.count():
            member = name if self.chance.random() < 0.5 else f"{name}-{turn}"
            with contextlib.suppress(NoServer, OSError):
                async with replica(self.server, member, timing=QUICK) as one:
                    await self.stay(one)
                    if self.chance.random() < 0.5:
                        await one.bus.close()
            await asyncio.sleep(0.1)

    async def stay(self, one: Replica) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.chance.random() * 3):
                while True:
                    await one.leases.hold("camera-1", self.newest, self.work)
                    one.clock.jumped += self.chance.choice((0, 0, 0.5, 3))


@pytest.mark.soak
@pytest.mark.filterwarnings("ignore::ResourceWarning")  # the client leaves transports behind when its server is killed
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("seed", range(3))
async def test_there_are_never_two_holders_whatever_happens(server: NatsServer, seed: int) -> None:
    await shorten(server)
    site = Site(server, random.Random(seed))
    lives = [asyncio.create_task(site.live(f"m{at}")) for at in range(4)]
    for _ in range(8):
        await asyncio.wait(lives, timeout=site.chance.random() * 5, return_when=asyncio.FIRST_EXCEPTION)
        if any(task.done() for task in lives):
            break
        server.kill()
        await asyncio.sleep(site.chance.random() * 2)
        server.start()
    for task in lives:
        task.cancel()
    for end in await asyncio.gather(*lives, return_exceptions=True):
        assert isinstance(end, asyncio.CancelledError), repr(end)
    assert len(site.leases) > 5
    site.leases.clear()
    gc.collect()  # here, where the warnings are let pass
