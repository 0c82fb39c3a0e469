"""Requests that nobody thought of, made up from the API's document (schemathesis), against a running site.

Each operation is asked with data that fits the document and data that does not, by an admin of a site with accounts
and by anybody of an open one: no answer may be a failure of ours, or of a status, a kind or a shape that is not in the
document, and what does not fit is refused. DOLBOM_SEED makes the same requests again.
"""

import json
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.integration.query.furnished import EVENT, OTHER_EVENT, VIDEO, Furnished, furnish, kept_document
from tests.integration.query.harness import ROOT
from tests.integration.query.people import Site
from tests.nats_server import NatsServer

SEED = int(os.environ.get("DOLBOM_SEED") or random.SystemRandom().randrange(10**6))
FEW, MANY = 5, 300
"""Requests for each operation, beside those at the bounds of each value."""
THERE = {
    "camera_id": ["sun", "moon", "absent"],
    "event_id": [EVENT, OTHER_EVENT, "11111111-1111-4111-8111-111111111111"],
    "user": ["kim", "absent"],
    "filename": ["sun.m3u8", "sun_1.ts", "archive_20260302_000000Z.mp4", "sun_2.ts"],
    "name": [VIDEO, "absent.mp4"],
}
"""Values of path parameters: nearly all others would only be not there."""
TO_LOSE = {"remove_camera": {"camera_id": ["star", "absent"]}, "remove_user": {"user": ["park", "absent"]}}
"""The same for what is gone afterwards; everything else needs what the others name."""
NEVER_ASKED = {"stream": "it never ends; tests of its own ask it"}
NOT_ASKED_WHEN_OPEN = {"create_user": "the first account ends the open site"}
NOT_TOLD = {
    "register_camera": "which names are time zones",
    "change_camera": "which names are time zones, and which revision is the newest",
    "create_own_token": "what lies in the future",
    "create_token": "what lies in the future",
    "create_user": "which cameras there are, and that only some roles have some",
    "change_user": "which cameras there are, and that only some roles have some",
    "upload_video": "what is a film",
    "order_videos": "which files there are",
    "remove_video": "which revision is the newest",
    "remove_camera": "which revision is the newest",
    "review_event": "which keys were sent with another judgement",
    "get_hls_file": "which bytes a file has",
}
"""What the document does not tell of what an operation takes, so that it may refuse what seems to fit."""
REFUSED = ("400", "401", "403", "404", "405", "409", "412", "413", "415", "422", "428", "429")
TIMES = {"cursor", "from", "to", "day"}
"""Nor does it tell which text is a cursor, which times go together, nor of which times there can be something."""


@pytest.fixture(params=["open", "accounts"])
def site(
    request: pytest.FixtureRequest, make_server: Callable[[], NatsServer], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Furnished]:
    print(f"DOLBOM_SEED={SEED}")
    accounts = request.param == "accounts"
    site = furnish(make_server(), tmp_path_factory.mktemp("fuzz"), accounts=accounts, seed=SEED)
    site.with_video()
    if accounts:
        people = Site(site.url, site.admin)
        for user, role, cameras in (("kim", "guardian", ["sun"]), ("han", "admin", []), ("oh", "admin", [])):
            assert people.add(user, role, *cameras).status_code == 201
    yield site
    site.client.close()
    site.query.stop()


def narrowed() -> dict[str, Any]:
    """The document, where paths name what is on the site."""
    document = kept_document()
    for methods in document["paths"].values():
        for operation in methods.values():
            values = THERE | TO_LOSE.get(operation["operationId"], {})
            for parameter in operation.get("parameters", ()):
                if parameter["in"] == "path" and parameter["name"] in values:
                    parameter["schema"] = {"type": "string", "enum": values[parameter["name"]]}
                    del parameter["examples"]
    return document


def config(examples: int, document: dict[str, Any]) -> str:
    """The settings of schemathesis."""
    lines = [
        f"seed = {SEED}", "[generation]", f"max-examples = {examples}", "with-security-parameters = false",
        "[warnings]", 'fail-on = ["missing_auth"]',
        "[checks]", 'missing_required_header.expected-statuses = ["400", "401", "403", "415", "422", "428"]',
        f"negative_data_rejection.expected-statuses = {[*REFUSED]}",
    ]  # fmt: skip
    if examples == FEW:
        lines += ["[phases.coverage]", "unexpected-methods = []"]
    operations = [one for methods in document["paths"].values() for one in methods.values()]
    for operation in operations:
        name, queries = operation["operationId"], {one["name"] for one in operation.get("parameters", ())}
        off = ["positive_data_acceptance"] if name in NOT_TOLD or TIMES & queries else []
        off += ["not_a_server_error"] if name == "get_now_picture" else []  # there is no picture: 503
        off += ["unsupported_method"] if name == "upload_video" else []  # what is no JSON is refused before: 415
        if off:
            lines += ["[[operations]]", f'include-operation-id = "{name}"', "[operations.checks]"]
            lines += [f"{check}.enabled = false" for check in off]
    return "\n".join(lines) + "\n"


def ask_all(site: Furnished, folder: Path, phases: str, examples: int, without: Sequence[str] = ()) -> None:
    """Run schemathesis against the site."""
    document = narrowed()
    (folder / "openapi.json").write_text(json.dumps(document), encoding="utf-8")
    (folder / "schemathesis.toml").write_text(config(examples, document), encoding="utf-8")
    program = [str(Path(sys.executable).with_name("schemathesis")), "--config-file", "schemathesis.toml", "run"]
    words = ["openapi.json", "--url", site.url, "--phases", phases, "--continue-on-failure"]
    left_out = {*NEVER_ASKED, *without, *(() if site.admin else NOT_ASKED_WHEN_OPEN)}
    words += [word for name in sorted(left_out) for word in ("--exclude-operation-id", name)]
    words += [] if site.admin else ["--exclude-checks", "ignored_auth"]
    environment = {
        **os.environ,
        "SCHEMATHESIS_HOOKS": "tests.integration.query.fuzz_hooks", "PYTHONPATH": str(ROOT),
        "FUZZ_URL": site.url, "FUZZ_TOKEN": site.admin,
    }  # fmt: skip
    done = subprocess.run([*program, *words], cwd=folder, env=environment, capture_output=True, text=True, check=False)
    print(done.stdout)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert " 0 generated" not in done.stdout


def test_nothing_breaks(site: Furnished, tmp_path: Path) -> None:
    """For the sake of time, of the bounds of each value only a half that the seed chooses; the long one has all."""
    if site.admin:
        ask_all(site, tmp_path, "fuzzing", FEW)
    else:
        names = sorted(one["operationId"] for methods in narrowed()["paths"].values() for one in methods.values())
        ask_all(site, tmp_path, "coverage", FEW, random.Random(SEED).sample(names, len(names) // 2))


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_nothing_breaks_for_long(site: Furnished, tmp_path: Path) -> None:
    ask_all(site, tmp_path, "examples,coverage,fuzzing", MANY)
