"""The command line of `dolbom`. A command's code is imported when it is asked for: a start counts every 100 ms."""

import argparse
import os
import sys
from collections.abc import Sequence
from functools import partial
from io import TextIOWrapper
from typing import NoReturn

from cli import people, rebuild, watching
from cli.refusal import Refusal


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """One line, like every other refusal."""
        print(f"{self.prog}: {message} (see {self.prog} --help)", file=sys.stderr)
        sys.exit(2)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal that knows no Hangul shows a question mark
    try:
        try:
            return _ended(sys.argv[1:] if arguments is None else arguments)
        finally:
            sys.stdout.flush()
    except KeyboardInterrupt:
        return 0
    except BrokenPipeError:
        # What is left in the buffer is written once more when Python ends, and nobody reads it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _ended(arguments: Sequence[str]) -> int:
    asked = _parser().parse_args(watching.routed(arguments))
    try:
        return _run(asked)
    except Refusal as refusal:
        print(f"dolbom {asked.command}: {refusal}", file=sys.stderr)
        return 2


def _run(asked: argparse.Namespace) -> int:
    if asked.command == "up":
        from cli.plan import Options
        from cli.up import up

        return up(Options(asked.data, asked.host, asked.port, asked.video, asked.clock, asked.simulate_gemini))
    if asked.command == "setup":
        from cli.setup import setup

        return setup(asked.data)
    if asked.command == "status":
        from cli.status import status

        return status(asked.data, as_json=asked.json)
    if asked.command == "import":
        from cli.import_past import import_past
        from cli.import_plan import Options as Imported

        named = (asked.camera, asked.start, asked.files, asked.demo, asked.name, asked.profile)
        return import_past(Imported(asked.data, *named))
    if asked.command in watching.COMMANDS:
        return watching.run(asked)
    if asked.command == rebuild.COMMAND:
        return rebuild.run(asked)
    if asked.command in people.COMMANDS:
        return people.run(asked)
    from cli.docs import write_docs

    return write_docs(asked.output)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="dolbom", description="Live video of a place of care, recorded, watched and explained.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    up = _command(commands, "up", "start a site on this machine; Ctrl-C stops it")
    up.add_argument("--host", default="127.0.0.1", help="address of the page (127.0.0.1); 0.0.0.0 is for all")
    up.add_argument("--port", type=int, default=8080, help="port of the page (8080, or the next free one)")
    up.add_argument("--video", default="", metavar="PATH", help="a video, or a folder of videos, that camera-1 plays")
    up.add_argument("--clock", default="", metavar="START@SPEED", help="simulated time: 2026-03-02T09:00:00Z@10")
    up.add_argument("--simulate-gemini", action="store_true", help="judge by a simulator (not there yet)")
    _command(commands, "setup", "make or widen the streams of a site")
    status = _command(commands, "status", "how services and cameras are; exit 0 well, 1 not all well, 2 not running")
    status.add_argument("--json", action="store_true", help="for programs")
    watching.add_parsers(partial(_command, commands))
    rebuild.add_parser(partial(_command, commands))
    past = _command(commands, "import", "take recordings of the past into a site that runs; Ctrl-C leaves it to go on")
    past.add_argument("--camera", required=True, metavar="ID", help="the camera that they become")
    past.add_argument("--start", required=True, metavar="TIME", help="when they began: 2026-03-02T09:00:00+09:00")
    past.add_argument("--demo", type=float, metavar="MINUTES", help="so many minutes of the demo instead of files")
    past.add_argument("--name", default="", help="what people call the camera")
    past.add_argument("--profile", default="", metavar="WxH@FPS", help="size and pictures a second (640x480@5)")
    past.add_argument("files", nargs="*", metavar="FILE", help="videos, played once, in this order")
    people.add_parsers(partial(_command, commands))
    docs = commands.add_parser("docs", allow_abbrev=False)
    docs.add_argument("output", nargs="?", help="file to write (docs/events.md)")
    return parser


def _command(
    commands: "argparse._SubParsersAction[_Parser]",  # argparse has no public name for it
    name: str,
    text: str,
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=text, description=text, allow_abbrev=False)
    parser.add_argument("--data", default="./data", help="data directory of the site (./data)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
