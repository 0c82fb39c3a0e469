"""`dolbom status`: how the services and cameras of a site are."""

import json
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict
from functools import partial

from cli.rest import bearer, kept_token
from cli.site import Site, is_alive
from cli.status_lines import (
    GONE,
    SILENT,
    CameraShown,
    ServiceShown,
    camera_line,
    camera_shown,
    exit_status,
    service_line,
)
from cli.web import Call, ask, reachable
from libs.clock import BadClock, parse_simulated
from libs.contracts.permissions import SERVICES

_LOOPBACK = "127.0.0.1"
_SILENT = "query does not answer"


def status(data: str, *, as_json: bool) -> int:
    """The command; returns 0 all well, 1 something is not, 2 nothing runs."""
    site = Site.at(data)
    told = site.read_env()
    with ThreadPoolExecutor(len(SERVICES) + 1) as pool:
        asked = pool.submit(_cameras, told, kept_token(site, os.environ))
        services = list(pool.map(partial(_service, site), SERVICES))
        told_cameras = asked.result() if any(service.state != GONE for service in services) else None
    cameras = told_cameras if isinstance(told_cameras, list) else None
    speed = _speed(told.get("DOLBOM_CLOCK", ""))
    code = exit_status(services, cameras, speed)
    if as_json:
        _print_json(code, services, cameras)
        return code
    if code == 2:
        print(f"! nothing runs on DATA {site.shown(site.data)}; `make run` starts it")
        return code
    for service in services:
        print(service_line(service))
    for camera in cameras or ():
        print(camera_line(camera, speed))
    if cameras is None:
        print(f"! cameras    nobody could be asked: {told_cameras or _SILENT}")
    return code


def _print_json(code: int, services: Sequence[ServiceShown], cameras: Sequence[CameraShown] | None) -> None:
    shown = {
        "status": ("well", "not_well", "not_running")[code],
        "services": [asdict(service) for service in services],
        "cameras": None if cameras is None else [asdict(camera) for camera in cameras],
    }
    print(json.dumps(shown, ensure_ascii=False, indent=2))


def _service(site: Site, name: str) -> ServiceShown:
    """Ask the process that announced itself."""
    said: object = None
    with suppress(OSError, ValueError):
        said = json.loads((site.run / f"{name}.json").read_text(encoding="utf-8"))
    pid, port = _number(said, "pid"), _number(said, "health_port")
    if pid is None or port is None or not is_alive(str(pid)):
        return ServiceShown(name, None, GONE)
    answer = ask(_LOOPBACK, port, "/readyz")
    shown = _object(answer.body) if answer else {}
    if shown.get("service") != name:
        return ServiceShown(name, pid, SILENT)
    return ServiceShown(
        name,
        pid,
        str(shown.get("state")),
        shown.get("ready") is True,
        str(shown.get("since")),
        str(shown.get("why", "")),
    )


def _cameras(told: Mapping[str, str], token: str) -> list[CameraShown] | str:
    """Ask query, whose address the last start told; a text says why nobody could be asked."""
    if not told.get("HTTP_PORT", "").isdigit():
        return _SILENT
    host, port = reachable(told.get("HTTP_HOST", _LOOPBACK)), int(told["HTTP_PORT"])
    answer = ask(host, port, "/api/v1/cameras", call=Call(headers=bearer(token)))
    if answer is not None and answer.status == 401:
        return "sign in with `dolbom login`"
    items = _object(answer.body).get("items") if answer is not None and answer.status == 200 else None
    return [camera_shown(item) for item in items if isinstance(item, Mapping)] if isinstance(items, list) else _SILENT


def _object(body: bytes) -> Mapping[str, object]:
    with suppress(ValueError):
        read: object = json.loads(body)
        if isinstance(read, Mapping):
            return read
    return {}


def _number(value: object, field: str) -> int | None:
    found = value.get(field) if isinstance(value, Mapping) else None
    return int(found) if isinstance(found, int | float) else None


def _speed(clock: str) -> float:
    try:
        return parse_simulated(clock).speed if clock else 1.0
    except BadClock:
        return 1.0
