"""A real nats-server of a test's own, with the contract's users and rights. Each user's password is its name."""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from libs.bus import Bus, connect, ensure_bucket, ensure_stream
from libs.contracts.permissions import USERS, rights
from libs.contracts.streams import BUCKETS, FACT_STREAMS, FRAME_STREAMS, StreamSpec

PROGRAM = Path(sys.executable).with_name("nats-server")


@dataclass
class NatsServer:
    """Started on a free port, which it keeps over restarts."""

    folder: Path
    url: str = ""
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def start(self) -> None:
        """Start it, and wait until it listens."""
        port = int(self.url.rsplit(":", 1)[1]) if self.url else -1
        config = self.folder / "nats.conf"
        config.write_text(json.dumps(self._config(port)), encoding="utf-8")
        for old in self.folder.glob("*.ports"):
            old.unlink()
        with (self.folder / "nats.log").open("ab") as log:
            self._process = subprocess.Popen([PROGRAM, "-c", config], stderr=log)
        end = time.monotonic() + 10
        while not any(path.stat().st_size for path in self.folder.glob("*.ports")):
            assert time.monotonic() < end, (self.folder / "nats.log").read_text(encoding="utf-8")[-500:]
            time.sleep(0.01)
        self.url = json.loads(next(self.folder.glob("*.ports")).read_text(encoding="utf-8"))["nats"][0]

    def kill(self) -> None:
        """End it as a crash does."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    @asynccontextmanager
    async def bus(self, user: str, ensures: Sequence[StreamSpec] = ()) -> AsyncIterator[Bus]:
        """A connection of this user."""
        async with connect(self.url, user, user, ensures) as bus:
            yield bus

    def set_up(self) -> None:
        """Make all streams and buckets."""

        async def make() -> None:
            async with self.bus("setup") as bus:
                for spec in (*FACT_STREAMS, *FRAME_STREAMS):
                    await ensure_stream(bus.js, spec, widen=True)
                for bucket in BUCKETS:
                    await ensure_bucket(bus.js, bucket)

        asyncio.run(make())

    def _config(self, port: int) -> dict[str, object]:
        users = [
            {
                "user": user,
                "password": user,
                "permissions": {
                    "publish": {"allow": list(rights(user).publish)},
                    "subscribe": {"allow": list(rights(user).subscribe)},
                },
            }
            for user in USERS
        ]
        return {
            "host": "127.0.0.1",
            "port": port,
            "ports_file_dir": str(self.folder),
            "jetstream": {"store_dir": str(self.folder / "js"), "sync_interval": "always"},
            "authorization": {"users": users},
        }
