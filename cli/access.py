"""How a command reaches the bus: the one that `dolbom up` started on this data, or the one that NATS_URL names."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from cli.refusal import Refusal
from cli.site import Site

_CREDENTIALS = re.compile(r"//[^@/]*@")


@dataclass(frozen=True, slots=True)
class Access:
    """An address with a user."""

    url: str
    user: str
    password: str

    @property
    def shown_url(self) -> str:
        """The address without anything secret in it."""
        return _CREDENTIALS.sub("//", self.url)

    @property
    def endpoint(self) -> tuple[str, int]:
        """Host and port of the (first) address; raises ValueError when it has none."""
        first = self.url.split(",")[0]
        address = urlsplit(first if "://" in first else f"nats://{first}")
        return address.hostname or "", address.port or 4222


def access(site: Site, user: str, environment: Mapping[str, str]) -> Access:
    """The way for `user`; raises Refusal when no bus is known."""
    if url := environment.get("NATS_URL"):
        return Access(url, environment.get("NATS_USER") or user, environment.get("NATS_PASSWORD", ""))
    url = site.read_env().get("NATS_URL")
    if not url or not (site.nats / f"{user}.password").exists():
        raise Refusal(
            f"no site was started on DATA {site.shown(site.data)}: start one with `make run`, or set NATS_URL"
        )
    return Access(url, user, site.password(user))
