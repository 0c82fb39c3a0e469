"""Adds, lists and removes users of a site, and signs in and out, over REST."""

import argparse
import getpass
import os
import platform
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from cli.refusal import Refusal
from cli.rest import TOKEN, Rest, bearer, kept_token, read, rest_of, token_file
from cli.said import line
from cli.site import Site, write_private
from libs.clock import wall_ms

SESSION, USERS = "/api/v1/session", "/api/v1/users"
_LASTS = timedelta(days=90)


def users(asked: argparse.Namespace) -> int:
    """The command `users`."""
    site = Site.at(asked.data)
    rest = rest_of(site, bearer(kept_token(site, os.environ)))
    if asked.action == "add":
        return _add(rest, asked)
    if asked.action == "remove":
        rest.ask("DELETE", f"{USERS}/{_name(asked.user)}")
        print(line("✔", "removed", f"{asked.user}, with all sessions and tokens"))
        return 0
    if asked.action == "token":
        print(rest.ask("POST", f"{USERS}/{_name(asked.user)}/tokens", {"name": asked.purpose})["token"])
        return 0
    items = rest.ask("GET", USERS).get("items")
    for item in items if isinstance(items, list) else ():
        cameras = item["cameras"]
        seen = "every camera" if cameras is None else " ".join(cameras) or "no camera"
        print(line("•", item["role"], f"{item['user']}: {seen}"))
    return 0


def login(asked: argparse.Namespace) -> int:
    """The command `login`: a token is made and kept, the password is not."""
    site = Site.at(asked.data)
    rest = rest_of(site, {})
    user = asked.user or _asked_user()
    password = _password(asked.password_stdin, twice=False)
    cookie = {"Cookie": rest.call("POST", SESSION, {"user": user, "password": password}).cookie}
    signed_in = Rest(rest.host, rest.port, cookie)
    until = datetime.fromtimestamp(wall_ms() // 1000, UTC) + _LASTS
    wanted = {"name": f"dolbom login on {platform.node()}"[:100], "expires_at": until.isoformat()}
    token = str(read(signed_in.call("POST", f"{SESSION}/tokens", wanted))["token"])
    signed_in.ask("DELETE", SESSION)
    try:
        write_private(token_file(site), token + "\n")
    except OSError as problem:
        raise site.unwritable(problem) from problem
    print(line("✔", "signed in", f"as {user}, until {until:%Y-%m-%d} or `dolbom logout`"))
    if os.environ.get(TOKEN):
        print(line("!", "token", f"{TOKEN} is set, and goes before it"))
    return 0


def logout(asked: argparse.Namespace) -> int:
    """The command `logout`."""
    site = Site.at(asked.data)
    token = kept_token(site, {})
    if not token:
        raise Refusal("nobody is signed in here")
    token_file(site).unlink(missing_ok=True)
    try:
        rest_of(site, bearer(token)).ask("DELETE", SESSION)
    except Refusal as refusal:
        raise Refusal(f"the token is deleted here, but is still good for the site: {refusal}") from refusal
    print(line("■", "signed out", "the token is worth nothing any more"))
    return 0


def _add(rest: Rest, asked: argparse.Namespace) -> int:
    first = rest.ask("GET", SESSION).get("open") is True
    if first and asked.role != "admin":
        raise Refusal("the first user must be an admin: --role admin")
    password = _password(asked.password_stdin, twice=True)
    body: Mapping[str, object] = {
        "user": asked.user,
        "role": asked.role,
        "password": password,
        "cameras": asked.camera,
    }
    rest.ask("POST", USERS, body)
    print(line("✔", "added", f"{asked.user}, {asked.role}"))
    if first:
        print(line("!", "closed", "from now on everybody signs in: on the page, and here with `dolbom login`"))
    return 0


def _name(user: str) -> str:
    """A name as part of an address."""
    if not user or not user.isascii() or not user.replace("-", "").isalnum():
        raise Refusal(f"{user!r} is no user: take 1 to 32 of a-z, 0-9 and -")
    return user


def _asked_user() -> str:
    if not sys.stdin.isatty():
        raise Refusal("no terminal to ask for the user: name it with --user")
    return input("User: ").strip()


def _password(from_stdin: bool, *, twice: bool) -> str:
    """The password, typed without being shown. Raises Refusal when it cannot be asked for, or is typed differently."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise Refusal("no terminal to ask for the password: give it on the input with --password-stdin")
    password = getpass.getpass("Password: ")
    if twice and getpass.getpass("Once more: ") != password:
        raise Refusal("the two passwords differ")
    return password
