"""`dolbom users`, `dolbom login` and `dolbom logout`: what can be typed, and who does it."""

import argparse
from collections.abc import Callable

ROLES = ("guardian", "teacher", "director", "admin")
COMMANDS = ("users", "login", "logout")
Command = Callable[[str, str], argparse.ArgumentParser]
"""Makes the parser of a command from its name and what it does."""


def add_parsers(command: Command) -> None:
    """What can be typed."""
    users = command("users", "who may sign in; the first one must be an admin")
    actions = users.add_subparsers(dest="action", required=True, metavar="ACTION")
    add = _action(actions.add_parser("add", help="add a user; the password is asked for", allow_abbrev=False))
    add.add_argument("user", metavar="NAME", help="1 to 32 of a-z, 0-9 and -")
    add.add_argument("--role", required=True, choices=ROLES)
    add.add_argument("--camera", nargs="+", action="extend", default=[], metavar="ID", help="of guardians and teachers")
    _password(add)
    _action(actions.add_parser("list", help="all users", allow_abbrev=False))
    remove = _action(actions.add_parser("remove", help="remove a user, at once", allow_abbrev=False))
    remove.add_argument("user", metavar="NAME")
    token = _action(actions.add_parser("token", help="a new token, for a program or a player", allow_abbrev=False))
    token.add_argument("user", metavar="NAME")
    token.add_argument("--for", dest="purpose", default="made by dolbom", metavar="TEXT", help="what it is for")
    login = command("login", "sign in: commands then ask as you; DOLBOM_TOKEN goes before it")
    login.add_argument("--user", default="", metavar="NAME")
    _password(login)
    command("logout", "sign out")


def run(asked: argparse.Namespace) -> int:
    """Do what was typed; raises Refusal."""
    from cli.users import login, logout, users

    return {"users": users, "login": login, "logout": logout}[asked.command](asked)


def _action(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    parser.add_argument("--data", default=argparse.SUPPRESS, help="data directory of the site (./data)")
    return parser


def _password(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--password-stdin", action="store_true", help="the password is the first line of the input")
