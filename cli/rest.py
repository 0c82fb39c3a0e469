"""Speaks REST to a site's query, as whoever signed in here."""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import sleep

from cli.refusal import Refusal, SiteRefusal
from cli.site import Site
from cli.web import Answer, Call, ask, reachable

TOKEN = "DOLBOM_TOKEN"  # noqa: S105 - the name of a variable
_PATIENCE = 10.0
_STARTING_TRIES = 100


def token_file(site: Site) -> Path:
    """Where `dolbom login` keeps a token; for its owner alone."""
    return site.data / "cli-token"


def kept_token(site: Site, environment: Mapping[str, str]) -> str:
    """The token of DOLBOM_TOKEN, or the kept one; empty when there is none. Raises Refusal for what can be none."""
    if token := environment.get(TOKEN, "").strip():
        if not (token.isascii() and token.isprintable()):
            raise Refusal(f"{TOKEN} holds letters that no token has: copy the token again")
        return token
    with suppress(OSError, UnicodeDecodeError):
        return token_file(site).read_text(encoding="ascii").strip()
    return ""


def bearer(token: str) -> dict[str, str]:
    """The header that shows a token, if there is one."""
    return {"Authorization": f"Bearer {token}"} if token else {}


@dataclass(frozen=True, slots=True)
class Rest:
    """The API of a site, and what is shown to it."""

    host: str
    port: int
    shown: Mapping[str, str]

    @property
    def url(self) -> str:
        """What the addresses of the API are added to."""
        return f"http://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"

    def ask(self, method: str, path: str, body: Mapping[str, object] | None = None) -> dict[str, object]:
        """The object that the site answers, empty for none. Raises Refusal with what the site says against it."""
        return read(self.call(method, path, body))

    def call(self, method: str, path: str, body: Mapping[str, object] | None = None) -> Answer:
        """The answer as it comes. Raises Refusal when nobody answers, or with what the site says against it."""
        headers, sent = dict(self.shown), None
        if body is not None:
            headers["Content-Type"], sent = "application/json", json.dumps(body).encode()
        answer = self._patiently(path, Call(method, headers, sent))
        if answer is None:
            raise Refusal("the site does not answer: start it with `make run`")
        if answer.status >= 400:
            raise SiteRefusal(_problem(answer), answer.status, _kind(answer))
        return answer

    def _patiently(self, path: str, call: Call) -> Answer | None:
        """Whoever types right after the start is not told to try again: nothing was done yet."""
        answer = ask(self.host, self.port, path, _PATIENCE, call)
        for _ in range(_STARTING_TRIES):
            if answer is None or answer.status != 503 or _kind(answer) != "starting":
                break
            sleep(0.1)
            answer = ask(self.host, self.port, path, _PATIENCE, call)
        return answer


def rest_of(site: Site, shown: Mapping[str, str]) -> Rest:
    """The API of the site that was started last on this data. Raises Refusal when there was none."""
    told = site.read_env()
    if not told.get("HTTP_PORT", "").isdigit():
        raise Refusal(f"no site was started on DATA {site.shown(site.data)}: start one with `make run`")
    return Rest(reachable(told.get("HTTP_HOST", "127.0.0.1")), int(told["HTTP_PORT"]), shown)


def read(answer: Answer) -> dict[str, object]:
    """The object in an answer."""
    with suppress(ValueError):
        found: object = json.loads(answer.body)
        if isinstance(found, dict):
            return found
    return {}


def object_of(answer: Answer) -> dict[str, object]:
    """The object in an answer. Raises Refusal when there is none: then it is no site that answers there."""
    if found := read(answer):
        return found
    raise Refusal("something else than a site answers there: start the site with `make run`")


def items_of(answer: Answer) -> list[dict[str, object]]:
    """The items of a list. Raises Refusal as `object_of` does."""
    items = object_of(answer).get("items")
    if not isinstance(items, list):
        raise Refusal("something else than a site answers there: start the site with `make run`")
    return [item for item in items if isinstance(item, dict)]


def _problem(answer: Answer) -> str:
    """One line for a problem."""
    said = str(read(answer).get("detail") or f"the site answers {answer.status}").split("\n")[0]
    if _kind(answer) == "not-signed-in":
        return f"{said} Use `dolbom login`, or set {TOKEN}"
    return said


def _kind(answer: Answer) -> str:
    return str(read(answer).get("type", "")).removeprefix("urn:dolbom:problem:")
