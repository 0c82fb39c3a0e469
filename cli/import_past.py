"""`dolbom import`: recordings of the past go through the services as live ones do, as fast as they can."""

import asyncio
import contextlib
import filecmp
import os
import shutil
import uuid
from collections.abc import Mapping
from pathlib import Path

from cli.access import access
from cli.import_plan import Import, Options, check_media, make_import
from cli.import_progress import progress
from cli.refusal import Refusal
from cli.said import line
from cli.site import Site
from libs.bus import Bus, BusError, append_fact, connect, follow, last_message
from libs.clock import SiteClock
from libs.contracts.cameras import Camera, fold
from libs.contracts.envelope import FactError, Origin, decode, new_fact
from libs.contracts.facts import (
    CameraConfig,
    CameraDesired,
    CameraObserved,
    CameraRegistered,
    CameraUpdated,
    PastRun,
    Profile,
)
from libs.contracts.streams import CAMERAS, EVENTS
from libs.media import BadKey, MediaStore, NotMounted
from libs.observe import set_up_logs

_QUIET = "CRITICAL"


def import_past(asked: Options) -> int:
    """The command: write the wish, then show what becomes of it. Raises Refusal."""
    site = Site.at(asked.data)
    where, told = access(site, "query", os.environ), site.read_env()
    clock = SiteClock.from_text(told.get("DOLBOM_CLOCK", ""))
    wanted = make_import(asked, clock.now_ms())
    set_up_logs("import", _QUIET)
    try:
        store = MediaStore.open(told.get("MEDIA_URL") or str(site.media))
        return asyncio.run(_import(wanted, store, clock, where.url, where.user, where.password))
    except (NotMounted, BadKey, OSError) as problem:
        raise Refusal(f"the media store cannot be used: {problem}") from problem
    except BusError as problem:
        raise Refusal(f"the bus does not take it: {problem}; does the site run (make run)?") from problem
    except KeyboardInterrupt:
        print(line("■", "import", "goes on by itself; follow it with `dolbom events segment.closed.*`"))
        return 0


async def _import(wanted: Import, store: MediaStore, clock: SiteClock, url: str, user: str, password: str) -> int:
    async with connect(url, user, password) as bus:
        camera, last = await _known(bus, wanted.camera)
        await _check_camera(bus, wanted, camera)
        check_media(wanted, store)
        for path in wanted.files:
            await asyncio.to_thread(_bring, store, wanted.camera, path)
        config = _config(wanted, camera)
        await _write(bus, wanted, camera, config, last, clock)
        span = f"{wanted.begin:%Y-%m-%d %H:%M:%S %z} to {wanted.end:%H:%M:%S}"
        size = f"{config.profile.width}x{config.profile.height} at {config.profile.fps} fps"
        print(line("✔", "import", f"{wanted.shown} becomes {wanted.camera}, {span}, {size}"), flush=True)
        async for said in progress(bus, wanted, store, config.profile.fps, clock.now_ms()):
            print(said, flush=True)
        print(line("■", "import", "done"))
    return 0


async def _known(bus: Bus, name: str) -> tuple[Camera, int]:
    """What people decided about the camera so far, and the sequence of the last of these facts."""
    cameras: Mapping[str, Camera] = {}
    last = 0
    async with contextlib.aclosing(follow(bus, CAMERAS.name, [f"camera.*.{name}"])) as batches:
        async for batch in batches:
            for message in batch.messages:
                last = message.sequence
                with contextlib.suppress(FactError):
                    cameras = fold(cameras, decode(message.payload))
            if batch.caught_up:
                break
    return cameras.get(name, Camera(name)), last


async def _check_camera(bus: Bus, wanted: Import, camera: Camera) -> None:
    """Raises Refusal for a camera that runs."""
    if camera.config is None or camera.desired != "running":
        return
    if camera.past is None:
        raise Refusal(f"camera {wanted.camera} is a live one: stop it, or name another camera")
    seen = await last_message(bus, EVENTS.name, f"camera.observed.{wanted.camera}")
    data = decode(seen.payload).data if seen else None
    if not isinstance(data, CameraObserved) or data.state != "stopped":
        raise Refusal(f"an import into camera {wanted.camera} still goes on: wait for its end, or name another camera")


def _bring(store: MediaStore, camera: str, path: Path) -> None:
    """The file stands in the store, as a link where that can be. Raises Refusal when another one has its name."""

    def make(part: Path) -> None:
        with contextlib.suppress(FileNotFoundError):
            part.unlink()
        try:
            os.link(path.resolve(), part)
        except OSError:  # another volume, or one without links
            shutil.copyfile(path, part)

    folder = f"{camera}/videos"
    how, _ = store.make_once(folder, path.name, make, f"i{os.getpid()}")
    if how == "stands":
        with store.open_file(folder, path.name).stream as stands:
            if not filecmp.cmp(f"/proc/self/fd/{stands.fileno()}", path, shallow=False):
                raise Refusal(f"camera {camera} has another video named {path.name}: rename yours")


def _config(wanted: Import, camera: Camera) -> CameraConfig:
    before = camera.config or CameraConfig(name=wanted.camera)
    changes = {
        "name": wanted.name or before.name,
        "source": wanted.source,
        "profile": wanted.profile or (before.profile if camera.config else Profile()),
        "retention_days": max(before.retention_days, wanted.retention_days),
    }
    return CameraConfig.model_validate({**before.model_dump(), **changes})


async def _write(bus: Bus, wanted: Import, camera: Camera, config: CameraConfig, last: int, clock: SiteClock) -> None:
    """What the camera is, where that is new, and the wish."""
    shape = CameraRegistered if camera.config is None else CameraUpdated
    revision, request, now = camera.revision, str(uuid.uuid4()), clock.now_ms()
    facts: list[CameraRegistered | CameraUpdated | CameraDesired] = []
    if config != camera.config:
        revision += 1
        facts.append(shape.model_validate({**config.model_dump(), "revision": revision}))
    past = PastRun.model_validate({"from": wanted.begin, "to": wanted.end, "looks": False})
    facts.append(CameraDesired(revision=revision + 1, state="running", by="site", reason="import", past=past))
    for data in facts:
        fact = new_fact(data, wanted.camera, (f"{request}|{data.revision}",), Origin("query", now, now))
        last = (await append_fact(bus, fact, CAMERAS.name, f"camera.*.{wanted.camera}", last)).sequence
