"""On which address the page may be: one that others reach takes accounts."""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import quote

from cli.domain import is_loopback
from cli.refusal import Refusal
from cli.site import Site


def checked_host(host: str, site: Site, environment: Mapping[str, str]) -> str:
    """The address. Raises Refusal for one that is none, and for one that others reach while there are no accounts.

    Of a database of the person's own (DATABASE_URL) the service itself finds that out.
    """
    if host == "localhost":
        return "127.0.0.1"
    try:
        ip_address(host)
    except ValueError:
        raise Refusal(f"HOST {host} is no IP address: take 127.0.0.1, or 0.0.0.0 for all of this machine") from None
    known = is_loopback(host) or environment.get("DATABASE_URL") or has_accounts(site.data / "query" / "control.db")
    if not known:
        default = site.data == Site.at("./data").data
        data, option = ("", "") if default else (f" DATA={site.shown(site.data)}", f" --data {site.shown(site.data)}")
        raise Refusal(
            f"HOST {host} would show the children to everybody on the network, and there are no users yet. Type:\n"
            f"  .venv/bin/dolbom users add NAME --role admin{option}    (while `make run{data}` runs)\n"
            f"  make run HOST={host}{data}"
        )
    return host


def has_accounts(database: Path) -> bool:
    """Does a control database hold an account? One that cannot be read holds none."""
    if not database.is_file():
        return False
    try:
        with closing(sqlite3.connect(f"file:{quote(str(database))}?mode=ro", uri=True, timeout=2)) as connection:
            return connection.execute("SELECT 1 FROM accounts LIMIT 1").fetchone() is not None
    except sqlite3.Error:
        return False
