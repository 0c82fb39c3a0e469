"""Somebody who listens to the bus with the rights of `observer`, as `make run` tells the password."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

from nats.aio.msg import Msg

from libs.bus import connect
from tests.e2e.site import Site


def observe(site: Site, work: Callable[[], object]) -> tuple[list[dict[str, Any]], list[str]]:
    """Do `work`; returns the facts of cameras heard meanwhile, and the subjects of what may not be heard."""
    password = (site.data / "nats" / "observer.password").read_text(encoding="utf-8").strip()
    address = next(line for line in site.lines if "nats://observer" in line).split("@")[1].split()[0]
    facts: list[dict[str, Any]] = []
    frames: list[str] = []

    async def keep_fact(message: Msg) -> None:
        facts.append(json.loads(message.data))

    async def keep_frame(message: Msg) -> None:
        frames.append(message.subject)

    async def listen() -> None:
        async with connect(f"nats://{address}", "observer", password) as bus:
            await bus.nc.subscribe("camera.>", cb=keep_fact)
            for subject in ("frames.>", "frames.video.camera-1", ">", "_INBOX.>"):
                await bus.nc.subscribe(subject, cb=keep_frame)
            for _ in range(2):  # the first PING may overtake a SUB (see libs.bus.listen)
                await bus.nc.flush()
            await asyncio.to_thread(work)

    asyncio.run(listen())
    return facts, frames
