"""Loaded by schemathesis itself: what is done before and after each of its requests, so that later ones find a site."""

import os
from typing import Any

import httpx
import schemathesis

URL, TOKEN = os.environ.get("FUZZ_URL", ""), os.environ.get("FUZZ_TOKEN", "")
CLIENT = httpx.Client(base_url=URL, timeout=30, headers={"Authorization": f"Bearer {TOKEN}"} if TOKEN else {})
OTHERS: dict[str, str] = {}
"""Tokens of other people."""
CAMERAS, USERS = "/api/v1/cameras", "/api/v1/users"
STAR = {"id": "star", "name": "별빛반"}
PARK = {"user": "park", "password": "넷이서 소풍 가는 날", "role": "teacher"}
ANY = {"If-Match": "*"}
schemathesis.serializer.alias("video/*", "application/octet-stream")


def _token(user: str) -> str:
    """A new token; one has twenty at most, so the old ones go when there are so many."""
    answer = CLIENT.post(f"{USERS}/{user}/tokens", json={"name": "fuzz"})
    if answer.status_code == 409:
        for item in CLIENT.get(f"{USERS}/{user}/tokens").json()["items"]:
            CLIENT.delete(f"{USERS}/{user}/tokens/{item['token_id']}")
        answer = CLIENT.post(f"{USERS}/{user}/tokens", json={"name": "fuzz"})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["token"])


@schemathesis.auth(refresh_interval=None)
class Bearer:
    """Who signs out, or wishes much, is not the one who asks all else."""

    def get(self, case: "schemathesis.Case[Any]", context: object) -> str:
        """The token for a request; empty while there are no accounts."""
        match case.operation.definition.raw["operationId"]:
            case "delete_session" if TOKEN:
                return _token("oh")
            case "stop_hls_stream" if TOKEN:
                OTHERS["han"] = OTHERS.get("han") or _token("han")
                return OTHERS["han"]
        return TOKEN

    def set(self, case: "schemathesis.Case[Any]", data: str, context: object) -> None:
        """Show it."""
        if data:
            case.headers["Authorization"] = f"Bearer {data}"


@schemathesis.hook
def before_call(context: object, case: "schemathesis.Case[Any]", kwargs: dict[str, Any]) -> None:
    """What the operation takes away is there."""
    match case.operation.definition.raw["operationId"]:
        case "remove_camera":
            CLIENT.post(CAMERAS, json=STAR)
        case "remove_user" if TOKEN:
            CLIENT.post(USERS, json=PARK)


@schemathesis.hook
def after_call(context: object, case: "schemathesis.Case[Any]", response: schemathesis.Response) -> None:
    """What was made has names that later requests take for names of nothing."""
    if response.status_code != 201:
        return
    match case.operation.definition.raw["operationId"]:
        case "register_camera":
            CLIENT.delete(response.headers["location"][0], headers=ANY)
        case "create_user":
            CLIENT.delete(f"{USERS}/{response.json()['user']}")
