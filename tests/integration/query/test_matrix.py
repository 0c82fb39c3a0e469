"""Who may what: every route of the document, by everybody, each by cookie and by token, on a running site.

What is expected follows from the committed document: the least role of a route, and whether it names a camera or
something of one. The examples of the document are what is asked for.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote, urlencode

import httpx
import pytest

from tests.integration.query.furnished import (
    OTHERS,
    OURS,
    Actor,
    Furnished,
    add_actors,
    cookie_of,
    furnish,
    kept_document,
)
from tests.integration.query.people import Site
from tests.nats_server import NatsServer

SEED = 41
NOTABLE = ("etag", "location", "accept-ranges", "content-range", "set-cookie", "retry-after")
OF_CAMERAS = {"camera_id": "absent", "event_id": "11111111-1111-4111-8111-111111111111", "camera": "absent"}
"""Parameters that name a camera or something of one, and what is not there."""


@dataclass(frozen=True)
class Call:
    """An operation with the values of its examples."""

    method: str
    path: str
    operation: dict[str, Any]
    values: dict[str, str]
    query: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return str(self.operation["operationId"])

    @property
    def role(self) -> str | None:
        role: str | None = self.operation["x-dolbom-role"]
        return role

    @property
    def names_a_camera(self) -> bool:
        return bool(OF_CAMERAS.keys() & (self.values.keys() | self.query.keys()))

    @property
    def good(self) -> set[int]:
        return {int(status) for status in self.operation["responses"] if int(status) < 400}

    def elsewhere(self) -> "Call":
        """The same of a camera, or an event, that is not there."""
        values, query = (
            {**held, **{name: OF_CAMERAS[name] for name in OF_CAMERAS if name in held}}
            for held in (self.values, self.query)
        )
        return replace(self, values=values, query=query)

    def address(self, **more: str) -> str:
        path = self.path.format(**{name: quote(value, safe="") for name, value in {**self.values, **more}.items()})
        return path + (f"?{urlencode(self.query)}" if self.query else "")


def calls() -> Iterator[Call]:
    """Each operation; more than once where a file may have several names, or a camera may be named or not."""
    for path, methods in kept_document()["paths"].items():
        for method, operation in methods.items():
            parameters = operation.get("parameters", ())
            values = {one["name"]: _first(one) for one in parameters if one["in"] == "path"}
            query = {one["name"]: _first(one) for one in parameters if one["in"] == "query" and one["required"]}
            call = Call(method.upper(), path, operation, values, query)
            files = next((one["examples"] for one in parameters if one["name"] == "filename"), {"": {"value": ""}})
            for example in files.values():
                yield replace(call, values={**values, "filename": example["value"]}) if example["value"] else call
            if "camera" in (one["name"] for one in parameters):
                yield replace(call, query={**query, "camera": OURS})


def _first(parameter: dict[str, Any]) -> str:
    examples = list(parameter.get("examples", {}).values())
    assert examples, f"{parameter['name']} has no example in the document"
    return str(examples[0]["value"])


CALLS = list(calls())
EACH = pytest.mark.parametrize("call", CALLS, ids=[f"{call.method} {call.address()}" for call in CALLS])


@pytest.fixture(scope="module")
def site(make_server: Callable[[], NatsServer], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Furnished]:
    site = furnish(make_server(), tmp_path_factory.mktemp("matrix"), accounts=True, seed=SEED)
    yield site
    site.client.close()
    site.query.stop()


@pytest.fixture(scope="module")
def actors(site: Furnished) -> list[Actor]:
    return add_actors(site)


def ask(site: Furnished, call: Call, actor: Actor, method: str = "") -> httpx.Response:
    """What the document's examples say; of what never ends only the beginning."""
    headers, more = dict(actor.headers), {}
    if any(one["name"] == "If-Match" for one in call.operation.get("parameters", ())):
        headers["If-Match"] = "*"
    content = call.operation.get("requestBody", {}).get("content", {})
    if "application/json" in content:
        more["json"] = content["application/json"]["example"]
    elif content:
        headers["Content-Type"], more["content"] = "video/mp4", site.film
    token = {"token_id": site.token_of_kim()} if "token_id" in call.values else {}
    address = site.url + call.address(**token)
    site.client.cookies.clear()
    with site.client.stream(method or call.method, address, headers=headers, **more) as got:
        if not endless(got):
            got.read()
        return got


def endless(answer: httpx.Response) -> bool:
    """The live stream goes on until one leaves."""
    return str(answer.headers.get("Content-Type", "")).startswith("text/event-stream")


def status_for(call: Call, actor: Actor) -> int:
    """What has to be answered; 200 stands for what the document calls good."""
    if call.role is None:
        return 200
    if not actor.role:
        return 401
    if not actor.may(call.role):
        return 403
    return 404 if call.names_a_camera and not actor.theirs else 200


def fresh(site: Furnished, call: Call, actor: Actor) -> Actor:
    """Who signs out must sign in again first."""
    if call.name != "delete_session" or not actor.role:
        return actor
    people = Site(site.url, site.admin)
    token = "Authorization" in actor.headers
    headers = {"Authorization": f"Bearer {people.token(actor.name)}"} if token else cookie_of(site, actor.name)
    return replace(actor, headers=headers)


def few(call: Call, actors: list[Actor]) -> list[Actor]:
    """Signing in is not done for everybody: it may be tried ten times a minute."""
    return [actors[0], actors[1], actors[-1]] if call.name == "create_session" else actors


@EACH
def test_everybody_is_answered_by_their_rights(site: Furnished, actors: list[Actor], call: Call) -> None:
    for one in few(call, actors):
        actor = fresh(site, call, one)
        expected = status_for(call, actor)
        if expected == 200:
            site.prepare(call.name)
        answer = ask(site, call, actor)
        told = (actor.name, actor.role, answer.status_code, _said(answer))
        if expected != 200:
            assert answer.status_code == expected, told
            assert answer.json()["status"] == expected
        else:
            assert answer.status_code in call.good, told
        if expected == 404:
            assert _alike(answer, ask(site, call.elsewhere(), actor))
        if expected == 200 and actor.role == "guardian" and actor.theirs:
            assert OTHERS not in _said(answer)
        if call.method == "GET":
            head = ask(site, call, actor, "HEAD")
            assert (head.status_code, _said(head)) == (answer.status_code, ""), told


def _said(answer: httpx.Response) -> str:
    return "" if endless(answer) else answer.text


def _alike(one: httpx.Response, other: httpx.Response) -> bool:
    bodies = [{**answer.json(), "instance": ""} for answer in (one, other)]
    return bodies[0] == bodies[1] and (one.status_code, set(one.headers)) == (other.status_code, set(other.headers))


@EACH
def test_what_is_no_token_is_nobody(site: Furnished, call: Call) -> None:
    if call.role is None:
        return
    page = {"Origin": site.url}
    for headers in (
        {"Authorization": "Bearer dolbom_" + "x" * 43}, {"Authorization": "Bearer"},
        {"Authorization": f"Basic {site.admin}"}, {"Cookie": "dolbom=" + "x" * 43, **page},
        {"Cookie": f"dolbom={site.admin}", **page}, {"X-Forwarded-User": "admin"},
    ):  # fmt: skip
        assert ask(site, call, Actor("", "", False, headers)).status_code == 401


@EACH
def test_headers_are_those_of_the_document(site: Furnished, call: Call) -> None:
    site.prepare(call.name)
    admin = Actor("boss", "admin", True, {"Authorization": f"Bearer {site.admin}"})
    answer = ask(site, call, fresh(site, call, admin))
    assert answer.status_code in call.good
    told = {name.lower() for name in call.operation["responses"][str(answer.status_code)].get("headers", ())}
    here = {name for name in answer.headers if name.startswith("dolbom-") or name in NOTABLE}
    assert here == told - ({"accept-ranges"} if call.address().endswith(".m3u8") else set())
    if call.method == "GET":
        known = replace(admin, headers={**admin.headers, "If-None-Match": "*"})
        assert (ask(site, call, known).status_code == 304) == (304 in call.good)


def test_the_running_document_is_the_committed_one(site: Furnished) -> None:
    assert site.document == kept_document(), "write docs/openapi.json anew with `dolbom docs`"


def test_every_way_was_gone() -> None:
    """Each operation is asked for, and names of files of every kind."""
    document = kept_document()
    assert {call.name for call in CALLS} == {
        one["operationId"] for path in document["paths"].values() for one in path.values()
    }
    assert {call.values["filename"].rpartition(".")[2] for call in CALLS if call.name == "get_hls_file"} == {
        "m3u8", "ts", "mp4",
    }  # fmt: skip
