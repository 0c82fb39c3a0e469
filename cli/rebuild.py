"""`dolbom rebuild`: what can be typed."""

import argparse
from collections.abc import Callable

COMMAND = "rebuild"


def add_parser(command: Callable[[str, str], argparse.ArgumentParser]) -> None:
    """What can be typed; `command` makes the parser of a command from its name and what it does."""
    text = "build what people see anew from the log of facts, while the site runs, and show it if it is the same"
    rebuild = command(COMMAND, text)
    rebuild.add_argument("--accept", action="store_true", help="show it although it differs from what is shown now")
    rebuild.add_argument("--json", action="store_true", help="for programs")


def run(asked: argparse.Namespace) -> int:
    """0: it is shown; 1: it is not, for it differs. Raises Refusal."""
    from cli.rebuild_views import rebuild_views

    return rebuild_views(asked.data, accept=asked.accept, as_json=asked.json)
