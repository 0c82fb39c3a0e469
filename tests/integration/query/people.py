"""Accounts of a running query, as a program makes and uses them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx

SESSION, USERS, ACCESSES = "/api/v1/session", "/api/v1/users", "/api/v1/accesses"
PASSWORD = "넷이서 소풍 가는 날"
LIVE = "/api/live-monitoring"


@dataclass
class Site:
    """Where it is, and the token of its first admin."""

    url: str
    admin: str = ""

    def ask(self, method: str, path: str, token: str = "", **more: object) -> httpx.Response:
        """Ask with a token, or with none."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return httpx.request(method, self.url + path, headers=headers, timeout=10, **more)  # type: ignore[arg-type]

    def add(self, user: str, role: str, *cameras: str) -> httpx.Response:
        """As the admin."""
        body = {"user": user, "password": PASSWORD, "role": role, "cameras": cameras}
        return self.ask("POST", USERS, self.admin, json=body)

    def token(self, user: str) -> str:
        """A new token for a user, made by the admin."""
        answer = self.ask("POST", f"{USERS}/{user}/tokens", self.admin, json={"name": "test"})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["token"])

    def close(self) -> None:
        """Add the first admin, `boss`: nothing is open from then on."""
        assert self.add("boss", "admin").status_code == 201
        with self.browser("boss") as boss:
            self.admin = boss.post(f"{SESSION}/tokens", json={"name": "first"}).json()["token"]

    @contextmanager
    def browser(self, user: str, password: str = PASSWORD) -> Iterator[httpx.Client]:
        """Signed in, as the page is."""
        headers = {"Origin": self.url, "Sec-Fetch-Site": "same-origin"}
        with httpx.Client(base_url=self.url, headers=headers, timeout=10) as client:
            answer = client.post(SESSION, json={"user": user, "password": password})
            assert answer.status_code == 200, answer.text
            yield client
