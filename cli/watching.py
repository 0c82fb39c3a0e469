"""`dolbom cameras` and `dolbom events`: what can be typed, and who does it."""

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

from cli.refusal import SiteRefusal

COMMANDS = ("cameras", "events")
KINDS, SEVERITIES = ("safety", "development"), ("danger", "warning", "info")
Command = Callable[[str, str], argparse.ArgumentParser]
"""Makes the parser of a command from its name and what it does."""
if TYPE_CHECKING:  # argparse has no public name for it
    _Actions: TypeAlias = argparse._SubParsersAction[argparse.ArgumentParser]
_ANSWER = "what the API answers"
_EVENT_ACTIONS = ("list", "show", "tail")


def routed(words: Sequence[str]) -> list[str]:
    """What was typed, with the action of `events` named and in front: without one it is `tail`."""
    if not words or words[0] != "events":
        return list(words)
    rest, at = list(words[1:]), 0
    while at < len(rest) and rest[at].startswith("-"):
        if rest[at] in ("-h", "--help"):
            return list(words)
        at += 2 if rest[at] in ("--data", "--severity", "--camera") else 1
    if at < len(rest) and rest[at] in _EVENT_ACTIONS:
        return ["events", rest[at], *rest[:at], *rest[at + 1 :]]
    return ["events", "tail", *rest]


def add_parsers(command: Command) -> None:
    """What can be typed."""
    cameras = command("cameras", "list, add, change, start and stop cameras")
    actions = cameras.add_subparsers(dest="action", required=True, metavar="ACTION")
    _action(actions, "list", "all cameras, a line each")
    _of_camera(actions, "show", "one camera, all of it")
    _camera_parsers(actions)
    text = "what was seen; without an ACTION follow the facts as they happen: dolbom events [SUBJECT…]"
    actions = command("events", text).add_subparsers(dest="action", required=True, metavar="ACTION")
    _list_parser(_action(actions, "list", "what was seen, newest first"))
    show = _action(actions, "show", "one event, all of it")
    show.add_argument("event", metavar="ID", help="as the list shows it")
    tail = _action(actions, "tail", "follow the facts, one line each", "the facts as they stand on the bus")
    tail.add_argument("--severity", choices=SEVERITIES, default="", help="only events that are so severe")
    tail.add_argument("--camera", default="", metavar="ID", help="only facts of this camera")
    tail.add_argument("subjects", nargs="*", metavar="SUBJECT", help="such as event.> or segment.closed.*")


def run(asked: argparse.Namespace) -> int:
    """Do what was typed; returns 1 when the site is against it. Raises Refusal."""
    try:
        if asked.command == "cameras":
            from cli.cameras import cameras

            return cameras(asked)
        if asked.action == "tail":
            from cli.event_lines import Only
            from cli.events import events

            return events(asked.data, asked.subjects, Only(asked.severity, asked.camera), as_json=asked.json)
        from cli.event_list import list_events, show_event

        return list_events(asked) if asked.action == "list" else show_event(asked)
    except SiteRefusal as refused:
        print(f"dolbom {asked.command}: {refused}", file=sys.stderr)
        return 1


def _camera_parsers(actions: "_Actions") -> None:
    add = _of_camera(actions, "add", "register a camera; it runs at once")
    add.add_argument("--name", required=True, help="what people call it")
    add.add_argument("--source", choices=("demo", "files"), help="the demo (default), or videos that are added to it")
    add.add_argument("--stopped", action="store_true", help="it is to run later")
    _described(add)
    update = _of_camera(actions, "update", "change a camera; what is not named stays")
    update.add_argument("--name", help="what people call it")
    _described(update)
    remove = _of_camera(actions, "remove", "remove a camera; its recordings go as they grow old")
    remove.add_argument("--yes", action="store_true", help="do not ask")
    for word, text in (("start", "wish that a camera runs"), ("stop", "wish that a camera stops")):
        _of_camera(actions, word, text).add_argument("--reason", default="", help="why; it is recorded")


def _described(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--room")
    parser.add_argument("--time-zone", metavar="ZONE", help="such as Asia/Seoul")
    parser.add_argument("--profile", metavar="WxH@FPS", help="size and pictures a second, such as 640x480@5")
    parser.add_argument("--retention-days", type=int, metavar="N", help="recordings are kept so long")


def _list_parser(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--camera", metavar="ID")
    parser.add_argument("--kind", choices=KINDS)
    parser.add_argument("--severity", choices=SEVERITIES)
    parser.add_argument("--code", metavar="WORD", help="such as climb")
    parser.add_argument("--from", dest="since", metavar="TIME", help="begun then or later: 2026-03-02T09:00:00+09:00")
    parser.add_argument("--to", dest="until", metavar="TIME", help="begun before then")
    judged = parser.add_mutually_exclusive_group()
    judged.add_argument("--reviewed", action="store_true", default=None, help="only those that people judged")
    judged.add_argument("--unreviewed", dest="reviewed", action="store_false", default=None, help="only the others")
    parser.add_argument("--limit", type=int, default=20, metavar="N", help="so many at most (20)")


def _of_camera(actions: "_Actions", name: str, text: str) -> argparse.ArgumentParser:
    parser = _action(actions, name, text)
    parser.add_argument("camera", metavar="ID")
    return parser


def _action(actions: "_Actions", name: str, text: str, as_json: str = _ANSWER) -> argparse.ArgumentParser:
    parser = actions.add_parser(name, help=text, description=text, allow_abbrev=False)
    parser.add_argument("--data", default=argparse.SUPPRESS, help="data directory of the site (./data)")
    parser.add_argument("--json", action="store_true", help=as_json)
    return parser
