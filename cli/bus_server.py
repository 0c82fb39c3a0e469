"""The embedded bus: finds nats-server, writes its configuration, starts it and waits until it answers."""

import asyncio
import json
import os
import re
import shutil
import socket
import subprocess
import sys
from asyncio import create_task, open_connection, sleep
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cli.domain import BUS_BACKOFF, NEEDED_SERVER, ports, too_old
from cli.keeper import Keeper, Program
from cli.nats_config import server_config
from cli.refusal import Refusal
from cli.said import line
from cli.site import Site, write_private
from libs.clock import real
from libs.contracts.permissions import USERS

HOST = "127.0.0.1"
PORT = 4222
_ATTEMPTS = 3
_SLOW = 10.0
_PREFIX = re.compile(r"^\[\d+\] \S+ \S+ \[\w+\] |^nats-server: ")


@dataclass(slots=True)
class BusServer:
    """The running server: its address and what keeps it running."""

    port: int
    keeper: Keeper
    task: asyncio.Task[None]

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"nats://{HOST}:{self.port}"


def find_server(environment: Mapping[str, str]) -> str:
    """The nats-server to run: the named one, the one beside this Python, the one on PATH. Raises Refusal."""
    if named := environment.get("NATS_SERVER_BIN"):
        if found := shutil.which(named):
            return _new_enough(found, "unset NATS_SERVER_BIN, or name a newer one")
        raise Refusal(f"NATS_SERVER_BIN names no program: {named}")
    beside = Path(sys.executable).with_name("nats-server")
    if os.access(beside, os.X_OK):
        return str(beside)
    if found := shutil.which("nats-server"):
        return _new_enough(found, "run `make run`, which installs one, or set NATS_SERVER_BIN or NATS_URL")
    raise Refusal("nats-server is missing: run `make run`, which installs it, or set NATS_SERVER_BIN or NATS_URL")


def _new_enough(program: str, otherwise: str) -> str:
    """The program, unless it says that it is too old; then Refusal, with what to do."""
    with suppress(OSError, subprocess.TimeoutExpired):
        said = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=5, check=False).stdout
        version = re.sub(r"^nats-server: v?", "", said.strip())
        if too_old(version):
            raise Refusal(f"{program} is version {version}, and {NEEDED_SERVER} or newer is needed: {otherwise}")
    return program


async def check_version(host: str, port: int) -> None:
    """Raise Refusal when a server answers there and is too old; one that does not answer is waited for by others."""
    with suppress(OSError, ValueError):
        version = await _greeting(host, port)
        if too_old(version):
            raise Refusal(f"NATS at {host}:{port} is version {version}, and {NEEDED_SERVER} or newer is needed")


def free_port(host: str, wished: int) -> int | None:
    """The first port from `wished` on where nobody listens, or None."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for port in ports(wished):
        with socket.socket(family, socket.SOCK_STREAM) as probe, suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
            return int(probe.getsockname()[1])
    return None


async def start_bus(site: Site, binary: str, lock: int, say: Callable[[str], None]) -> BusServer:
    """Start the server and keep it running; returns when it answers. Raises Refusal with its own words."""
    wished = PORT
    for _ in range(_ATTEMPTS):
        port = free_port(HOST, wished)
        if port is None:
            raise Refusal(f"no port is free for the bus between {PORT} and {wished}: stop what listens there")
        server = _launch(site, binary, lock, port, say)
        if await _answers(server, say):
            return server
        await server.keeper.stop(1.0)
        await server.task
        why = _last_words(server.keeper.program.log)
        if "address already in use" not in why:
            raise Refusal(f"the bus does not start: {why} (log: {site.shown(server.keeper.program.log)})")
        wished = port + 1
    raise Refusal(f"no port was free for the bus near {PORT}: stop what listens there")


def _launch(site: Site, binary: str, lock: int, port: int, say: Callable[[str], None]) -> BusServer:
    config = site.nats / "nats.conf"
    write_private(config, server_config(port, site.nats / "store", {user: site.password(user) for user in USERS}))
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "TMPDIR", "LANG", "TZ")}
    program = Program("bus", (binary, "-c", str(config)), kept, site.log("nats"), own_session=True, inherits=(lock,))
    keeper = Keeper(program, BUS_BACKOFF, lambda text: say(f"! {text}"))
    return BusServer(port, keeper, create_task(keeper.run()))


async def _answers(server: BusServer, say: Callable[[str], None]) -> bool:
    """Wait until the server greets; False when it ended instead. A big store takes its time."""
    began, told = real(), False
    while not server.keeper.ends:
        if server.keeper.running and await _greets(server.port):
            return True
        if not told and real() - began > _SLOW:
            told = True
            say(line("!", "bus", "is still reading its store"))
        await sleep(0.01)
    return False


async def _greets(port: int) -> bool:
    """Does a NATS server say its INFO line?"""
    with suppress(OSError, ValueError):
        await _greeting(HOST, port)
        return True
    return False


async def _greeting(host: str, port: int) -> str:
    """The version in a server's INFO line. Raises OSError (TimeoutError too) or ValueError when there is none."""
    async with asyncio.timeout(2):
        reader, writer = await open_connection(host, port)
        try:
            word, _, info = (await reader.readline()).partition(b" ")
            told = json.loads(info) if word == b"INFO" else None
        finally:
            writer.close()
    if not isinstance(told, dict):
        raise ValueError("no NATS server")
    return str(told.get("version", ""))


def _last_words(log: Path) -> str:
    """The last line of a log, without its time."""
    with suppress(OSError):
        if lines := log.read_text(encoding="utf-8", errors="replace").split("\n")[-20:]:
            return _PREFIX.sub("", next((text for text in reversed(lines) if text.strip()), "no reason given"))
    return "no reason given"
