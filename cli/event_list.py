"""`dolbom events list` and `dolbom events show`: what was seen, from the site's database over REST."""

import argparse
import json
import os
import sys
from urllib.parse import urlencode

from cli import typed
from cli.event_item_lines import Item, event_details, event_lines
from cli.refusal import SiteRefusal
from cli.rest import Rest, bearer, items_of, kept_token, object_of, rest_of
from cli.said import language
from cli.site import Site
from cli.site_words import against

EVENTS, CAMERAS = "/api/v1/events", "/api/v1/cameras"
_PAGE = 200


def list_events(asked: argparse.Namespace) -> int:
    """The command `events list`. Raises Refusal."""
    filters, limit = _filters(asked), typed.at_least_one("--limit", asked.limit)
    rest = _rest(asked)
    try:
        items, more = _collected(rest, filters, limit)
    except SiteRefusal as refused:
        raise against(refused, f"camera {asked.camera}", "cameras list") from refused
    if asked.json:
        print(json.dumps({"items": items}, ensure_ascii=False))
        return 0
    zones = {str(camera.get("camera_id")): camera.get("time_zone") for camera in items_of(rest.call("GET", CAMERAS))}
    for line in event_lines(items, zones, language(os.environ)):
        print(line)
    if more:
        print(f"There are more: --limit {limit * 2}, or --to with the time of the last one.", file=sys.stderr)
    elif not items:
        print("No such event.", file=sys.stderr)
    return 0


def show_event(asked: argparse.Namespace) -> int:
    """The command `events show`. Raises Refusal."""
    event, rest = typed.event_id(asked.event), _rest(asked)
    try:
        answer = rest.call("GET", f"{EVENTS}/{event}")
        item = object_of(answer)
        if asked.json:
            print(answer.body.decode())
            return 0
        camera = object_of(rest.call("GET", f"{CAMERAS}/{item.get('camera_id')}"))
    except SiteRefusal as refused:
        raise against(refused, f"event {event}", "events list") from refused
    print("\n".join(event_details(item, camera, rest.url, language(os.environ))))
    return 0


def _rest(asked: argparse.Namespace) -> Rest:
    site = Site.at(asked.data)
    return rest_of(site, bearer(kept_token(site, os.environ)))


def _filters(asked: argparse.Namespace) -> dict[str, str]:
    said = {
        "camera": asked.camera and typed.camera_id(asked.camera),
        "kind": asked.kind,
        "severity": asked.severity,
        "code": asked.code and typed.code(asked.code),
        "from": asked.since and typed.moment("--from", asked.since),
        "to": asked.until and typed.moment("--to", asked.until),
        "reviewed": None if asked.reviewed is None else str(asked.reviewed).lower(),
    }
    return {name: value for name, value in said.items() if value is not None}


def _collected(rest: Rest, filters: dict[str, str], limit: int) -> tuple[list[Item], bool]:
    """The newest `limit` events, page after page, and whether there are more."""
    items: list[Item] = []
    cursor: dict[str, str] = {}
    while True:
        page = {**filters, "limit": str(min(_PAGE, limit - len(items))), **cursor}
        answer = rest.call("GET", f"{EVENTS}?{urlencode(page)}")
        items += items_of(answer)
        following = object_of(answer).get("next")
        if not following or len(items) >= limit:
            return items, bool(following)
        cursor = {"cursor": str(following)}
