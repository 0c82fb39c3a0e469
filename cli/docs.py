"""Writes `docs/events.md`: every subject of the bus with a line to copy, from the contract itself; and
`docs/openapi.json`, the document of the REST API.
"""

import json
from collections.abc import Iterator
from pathlib import Path

from cli.event_lines import is_within
from cli.keeper import ROOT
from libs.contracts.catalogue import FACTS
from libs.contracts.ids import FACT_NAMESPACE
from libs.contracts.permissions import rights
from libs.contracts.streams import DAY, FACT_STREAMS, MIB, StreamSpec
from libs.contracts.subjects import FACT_SUBJECTS

PAGE, API = ROOT / "docs" / "events.md", ROOT / "docs" / "openapi.json"
GOLDEN = ROOT / "tests" / "contracts" / "golden"

_BY_REQUEST = "request id"
_BY_ACCESS = "user, camera, window (or the request id)"
ID_PARTS = {
    "camera.registered": _BY_REQUEST,
    "camera.updated": _BY_REQUEST,
    "camera.removed": _BY_REQUEST,
    "camera.desired": _BY_REQUEST,
    "camera.observed": "camera, epoch, ordinal",
    "segment.closed": "camera, first_slot",
    "segment.missed": "camera, first_slot",
    "segment.expired": "camera, first_slot",
    "segment.analysis_attempted": "segment_id, version, attempt",
    "segment.analyzed": "segment_id, version",
    "segment.analysis_failed": "segment_id, version",
    "look.started": "camera, epoch, last_slot",
    "look.completed": "look_id",
    "look.budget_changed": "camera, day, ordinal",
    "event.detected": "camera, code, first_slot, ordinal",
    "event.extended": "event_id, last_slot",
    "event.ended": "event_id, last_slot",
    "event.reviewed": _BY_REQUEST,
    "report.published": "camera, day, version",
    "fact.erased": _BY_REQUEST,
    "access.viewed": _BY_ACCESS,
    "access.exported": _BY_ACCESS,
    "access.denied": _BY_ACCESS,
    "access.granted": _BY_ACCESS,
    "access.revoked": _BY_ACCESS,
    "access.login": _BY_ACCESS,
}
"""Fact → the parts of its id after the type."""

_HEAD = """\
# Events on the bus

Written by `dolbom docs` from `libs/contracts`; change it there.

Everything that happens on a site is a fact on its NATS bus: UTF-8 JSON in a CloudEvents 1.0 envelope, with a
deterministic id, in the past tense. Facts never hold pictures. `make events` (or `dolbom events`) follows them one
line each; `dolbom events --json` prints them as they stand on the bus.

## Listen with the `nats` command

`make run` prints the address of the bus. People who watch are user `observer`, whose password stands in
`data/nats/observer.password`. In a terminal of its own (the variable also tells `make run` to use another bus):

```sh
export NATS_URL="nats://observer:$(cat data/nats/observer.password)@127.0.0.1:4222"
nats -s "$NATS_URL" sub 'event.>'
nats -s "$NATS_URL" --inbox-prefix=_INBOX_observer stream ls
```

"""

_RIGHTS = """\
The observer hears facts while they happen and may ask which streams there are. It may subscribe to
{kinds} and what lies within.
It may not publish a fact, read a stream's past, hear pictures (`frames.>`, `past.>`), nor subscribe to `>` or
`_INBOX.>`; answers come to `_INBOX_observer.>` only. The server refuses the rest with a permissions violation.

"""

_ENVELOPE = f"""\
## The envelope

| attribute | holds |
|---|---|
| `id` | uuid5 in `{FACT_NAMESPACE}` of the type without its version and the parts named below, joined by `\\|`, \
integers in decimal; also the header `Nats-Msg-Id` |
| `source` | who says it: `dolbom/ingest` |
| `type` | `dolbom.segment.closed.v1` |
| `subject` | the camera's id, or `site` |
| `time` | when it happened (UTC) |
| `recordedtime` | when it was written down |
| `epoch` | the lease of the writer, where one service at a time may write |
| `causationid` | the id of the fact it follows from, if any |
| `data` | what is said, by type |

A reader ignores fields it does not know, and keeps facts of newer versions for later.

"""


def write_docs(output: str | None = None) -> int:
    """The command: write the pages, or to `output` that of the events alone."""
    for path, text in ((Path(output), page),) if output else ((PAGE, page), (API, api_text)):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text(), encoding="utf-8")
        print(f"✔ docs      {path}")
    return 0


def api_text() -> str:
    """The document of the API, as it is kept in `docs`."""
    # The other commands need neither a web server nor a database.
    from services.query.rest.document import api_document
    from services.query.rest.routes import ROUTERS

    return json.dumps(api_document(ROUTERS), ensure_ascii=False, indent=2) + "\n"


def page() -> str:
    """The whole page."""
    heard = [subject for subject in rights("observer").subscribe if not subject.startswith("_INBOX")]
    kinds = ", ".join(f"`{subject}`" for subject in heard if subject.endswith(".>"))
    return _HEAD + _RIGHTS.format(kinds=kinds) + _ENVELOPE + "".join(_streams()).rstrip() + "\n"


def _streams() -> Iterator[str]:
    for stream in FACT_STREAMS:
        subjects = [subject for subject in FACT_SUBJECTS if is_within(subject, stream.subjects)]
        if not subjects:
            continue
        yield f"## Stream `{stream.name}`\n\n{_limits(stream)}\n\n"
        for subject in subjects:
            yield from _subject(subject, stream)


def _limits(stream: StreamSpec) -> str:
    age = (
        f"facts are kept for {stream.max_age / DAY:.0f} days"
        if stream.max_age
        else "facts are kept without limit of age"
    )
    kept = "; nothing can be deleted or purged" if stream.deny_delete else ""
    return f"{age.capitalize()}, up to {stream.max_bytes // MIB} MiB; when it is full, new facts are refused{kept}."


def _subject(subject: str, stream: StreamSpec) -> Iterator[str]:
    fact = ".".join(subject.split(".")[:2])
    yield f"### `{subject}`\n\n{FACT_SUBJECTS[subject].capitalize()}.\n\n"
    yield f"```sh\nnats -s \"$NATS_URL\" sub '{subject}'\n```\n\n"
    yield f"Stream `{stream.name}`; id of `dolbom.{fact}` and: {ID_PARTS[fact]}.\n\n"
    shape = FACTS.get(fact)
    golden = GOLDEN / f"{fact}.v{shape.type_version}.json" if shape else None
    if golden is not None and golden.is_file():
        example: object = json.loads(golden.read_text(encoding="utf-8"))
        yield f"```json\n{json.dumps(example, ensure_ascii=False, indent=2)}\n```\n\n"
