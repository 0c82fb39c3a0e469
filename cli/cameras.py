"""`dolbom cameras`: list, show, add, change, remove, start and stop cameras of a site that runs, over REST."""

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial

from cli import typed
from cli.camera_lines import Item, added, camera_details, camera_lines, changed, named, wished
from cli.refusal import Refusal, SiteRefusal
from cli.rest import Rest, bearer, items_of, kept_token, object_of, rest_of
from cli.said import line
from cli.site import Site
from cli.site_words import against
from cli.web import Answer

CAMERAS, LIVE = "/api/v1/cameras", "/api/live-monitoring"
Told = Callable[[Item], str]
"""How a person reads what the site answered."""
_YES = ("y", "yes", "예", "네", "ㅇ")


def cameras(asked: argparse.Namespace) -> int:
    """The command; returns 0 done, 1 not done by the person's own word. Raises Refusal."""
    if asked.action != "list":
        typed.camera_id(asked.camera)
    body = {"add": _new, "update": _changes, "start": _why, "stop": _why}.get(asked.action, _nothing)(asked)
    if asked.action == "remove" and not asked.yes and not sys.stdin.isatty():
        raise Refusal("no terminal to ask whether it is to go: say so with --yes")
    site = Site.at(asked.data)
    rest = rest_of(site, bearer(kept_token(site, os.environ)))
    if asked.action == "list":
        return _list(rest, as_json=asked.json)
    with _said_of(asked.camera):
        if asked.action == "remove":
            return _remove(rest, asked)
        return _one(rest, asked, body)


def _list(rest: Rest, *, as_json: bool) -> int:
    answer = rest.call("GET", CAMERAS)
    items = items_of(answer)
    for text in [answer.body.decode()] if as_json else camera_lines(items):
        print(text)
    return 0


def _one(rest: Rest, asked: argparse.Namespace, body: Mapping[str, object]) -> int:
    """Everything that is answered with a camera."""
    answer, told = _answered(rest, asked.action, asked.camera, body)
    item = object_of(answer)
    print(answer.body.decode() if asked.json else told(item))
    return 0


def _answered(rest: Rest, action: str, camera: str, body: Mapping[str, object]) -> tuple[Answer, Told]:
    """What the site answers, and how that is told."""
    address = f"{CAMERAS}/{camera}"
    if action == "show":
        return rest.call("GET", address), partial(camera_details, url=rest.url)
    if action == "add":
        return rest.call("POST", CAMERAS, body), added
    if action in ("start", "stop"):
        return rest.call("POST", f"{LIVE}/{action}-hls-stream/{camera}", body), wished
    before = object_of(rest.call("GET", address))
    return _as_seen(rest, before).call("PATCH", address, body), partial(changed, before=before)


def _remove(rest: Rest, asked: argparse.Namespace) -> int:
    """What is removed is what the person saw: a change in between is told, and nothing is removed."""
    address = f"{CAMERAS}/{asked.camera}"
    seen = object_of(rest.call("GET", address))
    if not asked.yes and not _asked(f"Remove {named(seen)}? Its recordings go as they grow old. [y/N] "):
        print("Nothing was removed.", file=sys.stderr)
        return 1
    _as_seen(rest, seen).call("DELETE", address)
    if not asked.json:  # the API answers nothing
        print(line("✔", "removed", f"{named(seen)}; its recordings go as they grow old"))
    return 0


def _as_seen(rest: Rest, seen: Item) -> Rest:
    return replace(rest, shown={**rest.shown, "If-Match": f'"{seen.get("revision")}"'})


def _new(asked: argparse.Namespace) -> dict[str, object]:
    more = {"source": {"kind": asked.source}} if asked.source else {}
    return {"id": asked.camera, **_named_of(asked), **more, "running": not asked.stopped}


def _changes(asked: argparse.Namespace) -> dict[str, object]:
    changes = _named_of(asked)
    if not changes:
        raise Refusal(
            "name what is to be another: --name, --room, --time-zone, --profile WxH@FPS or --retention-days N"
        )
    return changes


def _why(asked: argparse.Namespace) -> dict[str, object]:
    return {"reason": asked.reason}


def _nothing(_: argparse.Namespace) -> dict[str, object]:
    return {}


def _named_of(asked: argparse.Namespace) -> dict[str, object]:
    """What was said of the camera, as the API takes it."""
    said = {"name": asked.name, "room": asked.room, "time_zone": asked.time_zone}
    if asked.retention_days is not None:
        said["retention_days"] = typed.at_least_one("--retention-days", asked.retention_days)
    if asked.profile is not None:
        said["profile"] = typed.profile(asked.profile)
    return {name: value for name, value in said.items() if value is not None}


def _asked(question: str) -> bool:
    """Ctrl-C is a no."""
    with suppress(KeyboardInterrupt):
        print(question, end="", file=sys.stderr, flush=True)
        return sys.stdin.readline().strip().lower() in _YES
    print(file=sys.stderr)
    return False


@contextmanager
def _said_of(camera: str) -> Iterator[None]:
    """What the site is against, in words about this camera."""
    try:
        yield
    except SiteRefusal as refused:
        raise against(refused, f"camera {camera}", "cameras list") from refused
