"""What `dolbom up` is asked to do, checked before anything starts, and what each service is told."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cli.access import Access
from cli.bus_server import find_server, free_port
from cli.domain import PORTS_TRIED
from cli.hosts import checked_host
from cli.refusal import Refusal
from cli.site import Site
from cli.videos import Videos, find_videos
from cli.web import reachable
from libs.clock import BadClock, Simulated, SiteClock, parse_simulated
from libs.media import MARKER, NotMounted, prepare_store, read_segment_name
from libs.video.ffmpeg import NoFfmpeg, ffmpeg_program

_KEYS = ("GEMINI_API_KEY", "OPENAI_API_KEY")
_MAY_HOLD_KEYS = ("detector", "analyzer")
_FRUGAL = {"MALLOC_ARENA_MAX": "1"}
"""glibc keeps memory back for each thread, and a camera has two: measured, 5 MB less for each camera, no more CPU."""
_HLS_MS = 10_000


@dataclass(frozen=True, slots=True)
class Options:
    """What was typed after `dolbom up`."""

    data: str
    host: str
    port: int
    video: str
    clock: str
    simulate_gemini: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be started. `external`: a bus of the person's own; `cameras`: their own list of cameras."""

    site: Site
    host: str
    port: int
    clock: Simulated | None
    videos: Videos | None
    cameras: Path | None
    media: str
    external: Access | None
    server: str
    environment: Mapping[str, str]

    @property
    def url(self) -> str:
        """Where the page will be."""
        host = reachable(self.host)
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"


def make_plan(options: Options, environment: Mapping[str, str]) -> Plan:
    """Check all that was asked; raises Refusal with the first thing that cannot be."""
    if options.simulate_gemini:
        raise Refusal("--simulate-gemini (SIMULATE_GEMINI=1) is not there yet: start without it")
    site = Site.at(options.data)
    host = checked_host(options.host, site, environment)
    if not 0 <= options.port <= 65_535:
        raise Refusal(f"PORT {options.port} is no port: take one from 1 to 65535")
    clock = _clock(options.clock or environment.get("DOLBOM_CLOCK", ""))
    videos = _videos(options.video, environment) if options.video else None
    cameras = _cameras(environment.get("DOLBOM_CAMERAS", ""), videos)
    server = "" if environment.get("NATS_URL") else find_server(environment)
    site.prepare()
    media = _media(site, environment.get("MEDIA_URL", ""))
    _check_clock(site, clock, last_recorded_ms(Path(media)))
    external = None
    if url := environment.get("NATS_URL"):
        external = Access(url, environment.get("NATS_USER") or "setup", environment.get("NATS_PASSWORD", ""))
    return Plan(site, host, options.port, clock, videos, cameras, media, external, server, environment)


def page_port(plan: Plan) -> int:
    """The port of the page: the wished one or the next that is free. Raises Refusal when none is."""
    port = free_port(plan.host, plan.port)
    if port is None:
        raise Refusal(f"PORT {plan.port} and the {PORTS_TRIED} after it are taken: name another with PORT=…")
    return port


def _clock(text: str) -> Simulated | None:
    try:
        return parse_simulated(text) if text else None
    except BadClock as problem:
        raise Refusal(str(problem)) from problem


def _videos(named: str, environment: Mapping[str, str]) -> Videos:
    videos = find_videos(named)
    try:
        ffmpeg_program(environment.get("FFMPEG_BIN", ""))
    except NoFfmpeg as problem:
        raise Refusal(f"VIDEO needs FFmpeg: {problem}") from problem
    return videos


def _cameras(named: str, videos: Videos | None) -> Path | None:
    if not named:
        return None
    if videos is not None:
        raise Refusal("VIDEO and DOLBOM_CAMERAS both say what the cameras show: give one of them")
    path = Path(os.path.abspath(Path(named).expanduser()))
    if not path.is_file():
        raise Refusal(f"DOLBOM_CAMERAS {named} does not exist: name a cameras.yaml, or unset it")
    return path


def _media(site: Site, named: str) -> str:
    """The media store, made ready: the person's own or the one in the data directory."""
    if "://" in named and not named.startswith("file://"):
        raise Refusal(f"MEDIA_URL {named.split('://')[0]}://… is not known: take a directory")
    root = Path(os.path.abspath(named.removeprefix("file://"))) if named else site.media
    try:
        prepare_store(root)
    except NotMounted:
        where = site.shown(root)
        raise Refusal(f"{where} is not empty and holds no {MARKER}: it is no media store (wrong volume?)") from None
    except OSError as problem:
        raise Refusal(f"{site.shown(root)} cannot hold media ({problem.strerror}): name another folder") from problem
    return str(root)


def last_recorded_ms(media: Path) -> int:
    """The end of the newest stored segment in Unix milliseconds; 0 when there is none."""
    newest = -1
    for folder in media.glob("*/hls"):
        for name in os.listdir(folder):
            index = read_segment_name(folder.parent.name, name)
            newest = max(newest, -1 if index is None else index)
    return (newest + 1) * _HLS_MS


def _check_clock(site: Site, clock: Simulated | None, recorded_ms: int) -> None:
    if clock is not None and SiteClock(clock).now_ms() < recorded_ms:
        raise not_later(site)


def not_later(site: Site) -> Refusal:
    """A simulated time may not lie before what is recorded already."""
    where = site.shown(site.data)
    return Refusal(f"CLOCK starts before the newest recording on DATA {where}: name a later time or another folder")


def told_to_all(plan: Plan, nats_url: str, clock: str) -> dict[str, str]:
    """The part of a service's environment that is the same for all, and no secret."""
    videos = str(plan.videos.folder) if plan.videos else plan.environment.get("DOLBOM_VIDEOS", "")
    told = {
        "NATS_URL": nats_url,
        "MEDIA_URL": plan.media,
        "DOLBOM_DATA": str(plan.site.data),
        "DOLBOM_CAMERAS": str(plan.cameras or plan.site.run / "cameras.yaml"),
        "DOLBOM_VIDEOS": os.path.abspath(videos) if videos else "",
        "DOLBOM_CLOCK": clock,
        "HTTP_HOST": plan.host,
        "HTTP_PORT": str(plan.port),
        "HEALTH_PORT": "0",
        "LOG_LEVEL": plan.environment.get("LOG_LEVEL", ""),
    }
    return {name: value for name, value in told.items() if value}


def told_to(service: str, plan: Plan, told: Mapping[str, str]) -> dict[str, str]:
    """The whole environment of a service: the person's, what all are told, and its own user."""
    own = {"DOLBOM_MEMBER": plan.site.member(service)}
    if plan.external is None:
        own |= {"NATS_USER": service, "NATS_PASSWORD": plan.site.password(service)}
    person = {name: value for name, value in plan.environment.items() if name not in _KEYS or service in _MAY_HOLD_KEYS}
    return {**_FRUGAL, **{name: value for name, value in person.items() if name != "DOLBOM_CLOCK"}, **told, **own}
