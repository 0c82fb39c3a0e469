"""Who may say and hear what, asked of a real server with the configuration of the embedded bus.

The tables are written from the contract by hand, apart from the code that they hold.
"""

import asyncio
import json
import subprocess

import pytest

from libs.bus import connect, follow, listen, publish
from libs.contracts.permissions import USERS
from tests.integration.cli.conftest import PROGRAM, EmbeddedBus, password
from tests.integration.cli.raw_nats import RawNats

SERVICES = {"ingest", "encoder", "detector", "analyzer", "query"}
WRITERS = {
    "camera.registered.c": {"query"},
    "camera.updated.c": {"query"},
    "camera.removed.c": {"query"},
    "camera.desired.c": {"query"},
    "camera.observed.c": {"ingest"},
    "segment.closed.c": {"encoder"},
    "segment.missed.c": {"encoder"},
    "segment.expired.c": {"encoder"},
    "segment.analysis_attempted.c": {"analyzer"},
    "segment.analyzed.c": {"analyzer"},
    "segment.analysis_failed.c": {"analyzer"},
    "look.started.c": {"detector"},
    "look.completed.c": {"detector"},
    "look.budget_changed.c": {"detector"},
    "event.detected.danger.c": {"detector", "analyzer"},
    "event.extended.danger.c": {"detector"},
    "event.ended.danger.c": {"detector"},
    "event.reviewed.danger.c": {"query"},
    "report.published.c": {"analyzer"},
    "fact.erased": {"query"},
    "access.viewed.c": {"query"},
    "access.login.site": {"query"},
    "frames.video.c": {"ingest"},
    "frames.snapshot.c": {"ingest"},
    "past.video.c": {"ingest"},
    "past.snapshot.c": {"ingest"},
    "parked.encoder.x": {"encoder"},
    "parked.query.x": {"query"},
    "$KV.members.x": SERVICES | {"setup"},
    "$KV.leases.encoder.c": {"encoder", "setup"},
    "$KV.leases.ingest.c": {"ingest", "setup"},
    "$KV.claims.x": {"analyzer", "setup"},
    "$KV.positions.c": {"ingest", "setup"},
    "made.up": set(),
}
READERS = {
    "CAMERAS": SERVICES,
    "EVENTS": {"encoder", "detector", "analyzer", "query"},
    "AUDIT": {"query"},
    "PARKED": {"query"},
    "VIDEO": {"ingest", "encoder"},
    "SNAPSHOTS": {"ingest", "detector", "query"},
    "PAST": {"ingest", "encoder", "detector"},
    "KV_members": SERVICES,
    "KV_leases": SERVICES,
    "KV_claims": {"analyzer", "query"},
    "KV_positions": {"ingest", "query"},
}
PAST_PURGERS = {"encoder", "detector"}
HEARD_BY_OBSERVER = (
    "camera.>",
    "segment.>",
    "look.>",
    "event.>",
    "report.>",
    "fact.>",
    "access.>",
    "event.detected.*.*",
)
HEARD_BY_NOBODY = (">", "*.>", "_INBOX.>", "_INBOX_ingest.>", "frames.>", "frames.video.c", "past.>", "parked.>",
                   "$JS.>", "$JS.API.>", "$KV.>", "$JS.EVENT.>", "$SYS.>")  # fmt: skip


def questions() -> dict[str, set[str]]:
    """A subject to publish to → who may."""
    table = dict(WRITERS)
    for stream, readers in READERS.items():
        table |= {f"$JS.API.CONSUMER.CREATE.{stream}.x": readers | {"setup"}}
        table |= {f"$JS.API.CONSUMER.MSG.NEXT.{stream}.x": readers | {"setup"}}
        table |= {f"$JS.API.STREAM.MSG.GET.{stream}": readers | {"setup"}}
        table |= {f"$JS.API.DIRECT.GET.{stream}": readers | {"setup"}}
        table |= {f"$JS.API.STREAM.INFO.{stream}": readers | {"setup", "observer"}}
        table |= {f"$JS.ACK.{stream}.x": readers}
        if stream not in ("VIDEO", "SNAPSHOTS", "PAST"):
            table |= {f"$JS.API.STREAM.{verb}.{stream}": {"setup"} for verb in ("CREATE", "UPDATE", "DELETE", "PURGE")}
            table |= {f"$JS.API.STREAM.MSG.DELETE.{stream}": {"setup"}}
            table |= {f"$JS.API.CONSUMER.DURABLE.CREATE.{stream}.x": {"setup"}}
    for stream in ("VIDEO", "SNAPSHOTS", "PAST"):
        table |= {f"$JS.API.STREAM.{verb}.{stream}": {"ingest", "setup"} for verb in ("CREATE", "UPDATE")}
        table |= {f"$JS.API.STREAM.DELETE.{stream}": {"setup"}, f"$JS.API.STREAM.MSG.DELETE.{stream}": {"setup"}}
        purgers = PAST_PURGERS if stream == "PAST" else set()
        table |= {f"$JS.API.STREAM.PURGE.{stream}": purgers | {"setup"}}
    everybody = SERVICES | {"setup", "observer"}
    return table | {
        "$JS.API.INFO": everybody,
        "$JS.API.STREAM.NAMES": everybody,
        "$JS.API.STREAM.LIST": {"setup", "observer"},
    }


def test_the_configuration_is_accepted(bus: EmbeddedBus) -> None:
    tried = subprocess.run([PROGRAM, "-t", "-c", bus.config], capture_output=True, text=True)
    assert tried.returncode == 0, tried.stderr


@pytest.mark.parametrize("user", USERS)
def test_a_user_needs_its_own_password(bus: EmbeddedBus, user: str) -> None:
    with pytest.raises(AssertionError, match="refused"), RawNats(bus.port, user, "guess"):
        pass


@pytest.mark.parametrize("user", [user for user in USERS if user != "setup"])
def test_what_a_user_may_say(bus: EmbeddedBus, user: str) -> None:
    table = questions()
    with RawNats(bus.port, user, password(user)) as raw:
        refused = raw.refused_to_publish(table)
    assert set(table) - refused == {subject for subject, users in table.items() if user in users}


def test_setup_says_no_facts(bus: EmbeddedBus) -> None:
    """What it may do to streams is not tried here: it could."""
    subjects = [subject for subject in WRITERS if not subject.startswith("$KV")]
    with RawNats(bus.port, "setup", password("setup")) as raw:
        assert raw.refused_to_publish(subjects) == set(subjects)


@pytest.mark.parametrize("user", USERS)
def test_what_a_user_may_hear(bus: EmbeddedBus, user: str) -> None:
    own = f"_INBOX_{user}.>"
    asked = [own, *HEARD_BY_OBSERVER, *(subject for subject in HEARD_BY_NOBODY if subject != own)]
    with RawNats(bus.port, user, password(user)) as raw:
        heard = set(asked) - raw.refused_to_subscribe(asked)
    assert heard == {own, *(HEARD_BY_OBSERVER if user == "observer" else ())}


async def test_an_observer_hears_facts_as_they_happen(bus: EmbeddedBus) -> None:
    async with (
        connect(bus.url, "observer", password("observer")) as observer,
        connect(bus.url, "detector", password("detector")) as detector,
    ):
        body = json.dumps({"title": "밀침"}, ensure_ascii=False).encode()
        async with listen(observer, ["event.>"]) as heard, asyncio.timeout(5):
            await publish(detector, "event.detected.danger.c", body, {})
            assert await anext(heard) == ("event.detected.danger.c", body)


@pytest.mark.parametrize(("user", "stream"), [(user, stream) for stream in ("CAMERAS", "EVENTS", "VIDEO", "SNAPSHOTS")
                                              for user in sorted(READERS[stream])])  # fmt: skip
async def test_a_reader_really_reads(bus: EmbeddedBus, user: str, stream: str) -> None:
    async with connect(bus.url, user, password(user)) as connection:
        batches = follow(connection, stream, [">"] if stream == "EVENTS" else _subjects(stream))
        async with asyncio.timeout(5):
            async for batch in batches:
                if batch.caught_up:
                    break
        await batches.aclose()


def _subjects(stream: str) -> list[str]:
    return {"CAMERAS": ["camera.desired.*"], "VIDEO": ["frames.video.*"], "SNAPSHOTS": ["frames.snapshot.*"]}[stream]
