"""A site with accounts: who is let in, who may what, and that nothing else is open."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.integration.query.harness import Query, raw, start_query, until
from tests.integration.query.people import ACCESSES, LIVE, PASSWORD, SESSION, USERS, Site
from tests.nats_server import NatsServer

CAMERAS = "- {id: cam1, name: a}\n- {id: cam2, name: b}\n"
ROLES = ("guardian", "teacher", "director", "admin")


@pytest.fixture(scope="module")
def query(make_server: Callable[[], NatsServer], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Query]:
    query = start_query(tmp_path_factory.mktemp("people"), make_server().url, CAMERAS)
    until("query is ready", query.is_ready, 10)
    yield query
    query.stop()


@pytest.fixture(scope="module")
def site(query: Query) -> Site:
    """One of each role: guardian and teacher see cam1."""
    site = Site(query.url)
    site.close()
    for role in ROLES[:2]:
        assert site.add(role, role, "cam1").status_code == 201
    for role in ROLES[2:]:
        assert site.add(role, role).status_code == 201
    return site


@pytest.fixture(scope="module")
def tokens(site: Site) -> dict[str, str]:
    return {role: site.token(role) for role in ROLES} | {"nobody": "", "wrong": "dolbom_" + "x" * 43}


def test_the_first_account_is_an_admin_and_closes_everything(server: NatsServer, tmp_path: Path) -> None:
    query = start_query(tmp_path, server.url, CAMERAS)
    try:
        until("query is ready", query.is_ready, 10)
        site = Site(query.url)
        assert site.ask("GET", SESSION).json() == {"user": "anyone", "role": "admin", "cameras": None, "open": True}
        assert site.ask("POST", SESSION, json={"user": "boss", "password": PASSWORD}).status_code == 409
        assert site.add("boss", "director").status_code == 422
        paths = list(httpx.get(f"{query.url}/api/v1/openapi.json").json()["paths"])
        assert len(paths) > 15
        site.close()
        for path in [
            *paths,
            "/openapi.json",
            "/docs",
            "/docs/docs.js",
            "/api/v1/nothing",
            "/nothing",
            "//",
            "/assets",
            "/Assets/app.js",
        ]:
            for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"):
                answer = site.ask(method, path.replace("{camera_id}", "cam1").replace("{filename}", "cam1.m3u8"))
                if (method, path) != ("POST", SESSION):
                    assert (answer.status_code, answer.headers.get("WWW-Authenticate")) == (401, "Bearer"), path
        assert httpx.get(query.url).status_code == httpx.get(f"{query.url}/assets/app.js").status_code == 200
    finally:
        query.stop()


@pytest.mark.parametrize(
    ("method", "path", "least"),
    [
        ("GET", "/api/v1/cameras", "guardian"),
        ("GET", "/api/v1/cameras/cam1", "guardian"),
        ("POST", f"{LIVE}/start-hls-stream/cam1", "teacher"),
        ("GET", "/api/v1/cameras/cam1/videos", "director"),
        ("GET", ACCESSES, "director"),
        ("GET", USERS, "admin"),
        ("GET", f"{USERS}/guardian/tokens", "admin"),
        ("POST", f"{USERS}/guardian/tokens", "admin"),
        ("PATCH", f"{USERS}/guardian", "admin"),
        ("DELETE", f"{USERS}/absent", "admin"),
    ],
)
def test_roles(site: Site, tokens: dict[str, str], method: str, path: str, least: str) -> None:
    for who in ("nobody", "wrong", *ROLES):
        status = site.ask(method, path, tokens[who]).status_code
        if who in ("nobody", "wrong"):
            assert status == 401
        elif ROLES.index(who) < ROLES.index(least):
            assert status == 403, who
        else:
            assert status in (200, 202, 404, 422), who


@pytest.mark.parametrize(
    "path", ["/api/v1/cameras/{}", "/api/v1/cameras/{}/now.jpg", LIVE + "/hls/{0}/{0}.m3u8", LIVE + "/hls/{0}/x"]
)
def test_cameras_of_others_are_not_there(site: Site, tokens: dict[str, str], path: str) -> None:
    others, absent = (site.ask("GET", path.format(camera), tokens["guardian"]) for camera in ("cam2", "absent"))
    assert others.status_code == absent.status_code == 404
    assert {**others.json(), "instance": ""} == {**absent.json(), "instance": ""}
    assert set(others.headers) == set(absent.headers)


def test_everybody_sees_their_own_cameras(site: Site, tokens: dict[str, str]) -> None:
    seen = {who: site.ask("GET", "/api/v1/cameras", tokens[who]).json()["items"] for who in ROLES}
    assert {who: [one["camera_id"] for one in items] for who, items in seen.items()} == {
        "guardian": ["cam1"], "teacher": ["cam1"], "director": ["cam1", "cam2"], "admin": ["cam1", "cam2"],
    }  # fmt: skip
    me = {"user": "guardian", "role": "guardian", "cameras": ["cam1"], "open": False}
    assert site.ask("GET", SESSION, tokens["guardian"]).json() == me


def test_a_session_lasts_until_it_is_left(site: Site) -> None:
    with site.browser("guardian") as browser:
        cookie = browser.post(SESSION, json={"user": "guardian", "password": PASSWORD}).headers["Set-Cookie"]
        assert {part.strip() for part in cookie.split(";")[1:]} == {
            "HttpOnly", "Max-Age=604800", "Path=/", "SameSite=strict",
        }  # fmt: skip
        assert browser.get(SESSION).json()["user"] == "guardian"
        held = browser.cookies["dolbom"]
        assert browser.delete(SESSION).status_code == 204
        assert browser.get(SESSION).status_code == 401
    assert httpx.get(site.url + SESSION, headers={"Cookie": f"dolbom={held}"}).status_code == 401


def test_a_proxy_with_https_gets_a_secure_cookie(site: Site) -> None:
    headers = {"Host": "dolbom.example", "Origin": "https://dolbom.example", "X-Forwarded-For": "1.2.3.4"}
    answer = httpx.post(site.url + SESSION, json={"user": "guardian", "password": PASSWORD}, headers=headers)
    assert answer.status_code == 200
    assert "Secure" in answer.headers["Set-Cookie"].split("; ")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 202),
        ({"Origin": "{}", "Sec-Fetch-Site": "same-origin"}, 202),
        ({"Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Host": "evil.example", "Origin": "{}"}, 403),
    ],
)
def test_another_site_changes_nothing_by_cookie(site: Site, headers: dict[str, str], status: int) -> None:
    with site.browser("teacher") as browser:
        named = {name: value.format(site.url) for name, value in headers.items()}
        cookies = {"dolbom": browser.cookies["dolbom"]}
        answer = httpx.post(f"{site.url}{LIVE}/start-hls-stream/cam1", headers=named, cookies=cookies)
        assert answer.status_code == status


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_forms_change_nothing(site: Site, tokens: dict[str, str], kind: str) -> None:
    body = json.dumps({"user": "form", "password": PASSWORD, "role": "admin"})
    headers = {"Authorization": f"Bearer {tokens['admin']}", "Content-Type": kind}
    assert httpx.post(site.url + USERS, content=body, headers=headers).status_code == 415
    assert httpx.post(site.url + SESSION, content=body, headers={"Content-Type": kind}).status_code == 415


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (["Host: dolbom.example"], 200),
        (["Host: 10.0.0.1:8080", "X-Forwarded-For: 127.0.0.1", "Forwarded: for=127.0.0.1"], 200),
        (["Host: a b"], 400),
        (["Host: evil.example/x"], 400),
    ],
)
def test_hosts_are_free_and_proxies_are_not_believed(
    site: Site, tokens: dict[str, str], headers: list[str], status: int
) -> None:
    port, bearer = int(site.url.rsplit(":", 1)[1]), f"Authorization: Bearer {tokens['guardian']}"
    host = headers[0].removeprefix("Host: ")
    assert raw(port, "/api/v1/cameras", bearer, *headers[1:], host=host).status == status
    forged = ["X-Forwarded-For: 127.0.0.1", "X-Forwarded-User: admin", "X-Real-IP: 127.0.0.1"]
    assert raw(port, "/api/v1/cameras", *forged, host="localhost").status == 401


def test_a_token_in_the_address_is_no_token(site: Site, tokens: dict[str, str]) -> None:
    for key in ("token", "access_token", "authorization", "dolbom"):
        assert site.ask("GET", f"/api/v1/cameras?{key}={tokens['admin']}").status_code == 401


@pytest.mark.parametrize(
    "more",
    [
        {"role": "root"}, {"admin": True}, {"is_admin": True}, {"password_hash": "x"}, {"changed": 1},
        {"user": "Kim"}, {"user": "a" * 33}, {"user": "-a"}, {"user": "anyone"}, {"user": "site"}, {"user": "김"},
        {"password": "x" * 9}, {"password": "x" * 201}, {"password": None}, {"cameras": ["absent"]},
        {"role": "director", "cameras": ["cam1"]},
    ],
)  # fmt: skip
def test_accounts_that_cannot_be(site: Site, tokens: dict[str, str], more: dict[str, object]) -> None:
    body = {"user": "new", "password": PASSWORD, "role": "guardian", **more}
    answer = site.ask("POST", USERS, tokens["admin"], json=body)
    assert answer.status_code == 422
    assert PASSWORD not in answer.text
    assert "new" not in [one["user"] for one in site.ask("GET", USERS, tokens["admin"]).json()["items"]]


@pytest.mark.parametrize("body", [{}, {"user": "x"}, {"role": None}, {"cameras": ["absent"]}, {"roles": ["admin"]}])
def test_changes_that_cannot_be(site: Site, tokens: dict[str, str], body: dict[str, object]) -> None:
    assert site.ask("PATCH", f"{USERS}/guardian", tokens["admin"], json=body).status_code == 422


def test_nobody_makes_themselves_more(site: Site, tokens: dict[str, str]) -> None:
    body = {"name": "x", "role": "admin"}
    assert site.ask("POST", f"{SESSION}/tokens", tokens["guardian"], json=body).status_code == 422
    own = site.ask("POST", f"{SESSION}/tokens", tokens["guardian"], json={"name": "x"}).json()["token"]
    assert site.ask("GET", USERS, own).status_code == 403
    assert site.ask("PATCH", f"{USERS}/guardian", own, json={"role": "admin"}).status_code == 403
    body = {"user": "guardian", "password": PASSWORD, "role": "admin"}
    assert site.ask("POST", SESSION, json=body).status_code == 422


def test_there_is_always_an_admin(site: Site) -> None:
    for other in ("admin",):
        assert site.ask("PATCH", f"{USERS}/{other}", site.admin, json={"role": "teacher"}).status_code == 200
    last = site.ask("DELETE", f"{USERS}/boss", site.admin)
    assert (last.status_code, last.json()["type"]) == (409, "urn:dolbom:problem:last-admin")
    assert site.ask("PATCH", f"{USERS}/boss", site.admin, json={"role": "director"}).status_code == 409
    assert site.ask("PATCH", f"{USERS}/admin", site.admin, json={"role": "admin"}).status_code == 200


def test_rights_that_change_count_at_once(site: Site) -> None:
    assert site.add("moved", "guardian", "cam1").status_code == 201
    assert site.add("moved", "admin").status_code == 409
    token = site.token("moved")
    with site.browser("moved") as browser:
        wanted = {"role": "teacher", "cameras": ["cam2"]}
        assert site.ask("PATCH", f"{USERS}/moved", site.admin, json=wanted).json()["cameras"] == ["cam2"]
        for answer in (browser.get("/api/v1/cameras"), site.ask("GET", "/api/v1/cameras", token)):
            assert [one["camera_id"] for one in answer.json()["items"]] == ["cam2"]
        assert site.ask("PATCH", f"{USERS}/moved", site.admin, json={"role": "director"}).json()["cameras"] is None
        assert len(browser.get("/api/v1/cameras").json()["items"]) == 2
        assert site.ask("PATCH", f"{USERS}/moved", site.admin, json={"password": "another password"}).status_code == 200
        assert browser.get("/api/v1/cameras").status_code == 401
        assert site.ask("GET", "/api/v1/cameras", token).status_code == 401
    assert site.ask("POST", SESSION, json={"user": "moved", "password": PASSWORD}).status_code == 401
    assert site.ask("POST", SESSION, json={"user": "moved", "password": "another password"}).status_code == 200


def test_who_is_removed_is_nobody_at_once(site: Site) -> None:
    assert site.add("gone", "director").status_code == 201
    token = site.token("gone")
    with site.browser("gone") as browser:
        assert browser.get("/api/v1/cameras").status_code == site.ask("GET", ACCESSES, token).status_code == 200
        assert site.ask("DELETE", f"{USERS}/gone", site.admin).status_code == 204
        assert browser.get("/api/v1/cameras").status_code == site.ask("GET", ACCESSES, token).status_code == 401
    assert site.ask("DELETE", f"{USERS}/gone", site.admin).status_code == 404
    assert site.add("gone", "guardian").status_code == 201
    assert site.ask("GET", SESSION, token).status_code == 401  # another person of the same name


def test_tokens_are_told_once_and_can_be_removed(site: Site) -> None:
    assert site.add("player", "guardian", "cam1").status_code == 201
    token = site.token("player")
    (item,) = site.ask("GET", f"{USERS}/player/tokens", site.admin).json()["items"]
    assert (item["name"], item["expires_at"], "token" in item) == ("test", None, False)
    assert site.ask("DELETE", f"{USERS}/boss/tokens/{item['token_id']}", site.admin).status_code == 404
    assert site.ask("GET", SESSION, token).status_code == 200
    assert site.ask("DELETE", f"{USERS}/player/tokens/{item['token_id']}", site.admin).status_code == 204
    assert site.ask("GET", SESSION, token).status_code == 401
    for when in ("2020-01-01T00:00:00Z", "soon", "2030-01-01T00:00:00"):
        body = {"name": "x", "expires_at": when}
        assert site.ask("POST", f"{USERS}/player/tokens", site.admin, json=body).status_code == 422
    for _ in range(20):
        site.token("player")
    full = site.ask("POST", f"{USERS}/player/tokens", site.admin, json={"name": "x"})
    assert (full.status_code, full.json()["type"]) == (409, "urn:dolbom:problem:too-many-tokens")


def test_no_secret_is_kept_or_logged(site: Site, query: Query, tokens: dict[str, str]) -> None:
    with site.browser("guardian") as browser:
        secrets = [PASSWORD, tokens["guardian"], browser.cookies["dolbom"]]
    kept = [*query.folder.joinpath("query").iterdir(), query.folder / "query.log"]
    for file in kept:
        content = file.read_bytes()
        assert not [secret for secret in secrets if secret.encode() in content], file


def test_others_reach_nothing_before_there_is_an_account(server: NatsServer, tmp_path: Path) -> None:
    query = start_query(tmp_path, server.url, CAMERAS, {"HTTP_HOST": "0.0.0.0"})
    try:
        until("query is ready", query.is_ready, 10)
        url = query.url.replace("0.0.0.0", "127.0.0.1")
        for path in ("/api/v1/cameras", "/api/v1/session", "/openapi.json", f"{LIVE}/hls/cam1/cam1.m3u8"):
            answer = httpx.get(url + path)
            assert answer.status_code == 403
            assert "dolbom users add NAME --role admin" in answer.json()["detail"]
        body = {"user": "boss", "password": PASSWORD, "role": "admin"}
        assert httpx.post(url + USERS, json=body).status_code == 403
        assert httpx.get(url).status_code == 200
    finally:
        query.stop()
