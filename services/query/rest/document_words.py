"""What the API's document says of parameters, headers, problems and kinds of routes."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from services.query.people.rules import USER_ID

Object = dict[str, object]
TITLE, VERSION, SUMMARY = "Dolbom", "0.1.0", "Live video of a place of care · 돌봄"
DESCRIPTION = """\
Everything that people see of a site, for programs. `docs/api.md` shows it in use.

* Bodies are JSON in UTF-8; moments are RFC 3339 in UTC with milliseconds, days are dates of the camera's time zone.
* Lists are `{"items": […], "next": …}`; give `next` as `cursor` to read on, until it is null.
* Answers with an `ETag` can be asked for again with `If-None-Match`: 304 when nothing has changed.
* Every error is a problem (RFC 9457) with one clear sentence. Query keys and fields that are not known are errors.
* What is not there and what is not yours answer alike: 404.
* `HEAD` is answered wherever `GET` is. `x-dolbom-role` is the least role that a route takes (null: none).
* `Idempotency-Key`: a request that is sent again with the same key is carried out once.
"""
BY_COOKIE = (
    "Set by signing in, for browsers: HttpOnly, SameSite=Strict. What changes something must come from this site."
)
BY_BEARER = "A token, for programs and players. Without accounts none is needed, and only this machine is served."

TAGS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("session", "Signing in, and who one is", (
        "create_session", "get_session", "delete_session", "create_own_token",
    )),
    ("cameras", "Cameras: what people decided, and how they stand", (
        "list_cameras", "get_camera", "register_camera", "change_camera", "remove_camera", "start_hls_stream",
        "stop_hls_stream",
    )),
    ("live", "Pictures and messages of the present", ("get_now_picture", "stream")),
    ("recordings", "Live video, archives, and times without a picture", (
        "get_hls_file", "list_segments", "list_gaps",
    )),
    ("events", "What was seen, and what people judged of it", (
        "list_events", "list_camera_events", "list_latest_events", "get_event", "get_event_picture", "review_event",
    )),
    ("analyses", "What archives and days were found to hold", (
        "list_segment_analyses", "list_analyses", "list_reports", "get_report",
    )),
    ("numbers", "What is known of each minute and each look, and what it cost", (
        "get_stats", "get_camera_stats", "list_coverage", "list_looks", "list_spend",
    )),
    ("videos", "The files that a camera plays", ("list_videos", "upload_video", "order_videos", "remove_video")),
    ("users", "Accounts and their tokens", (
        "list_users", "create_user", "change_user", "remove_user", "list_tokens", "create_token", "delete_token",
    )),
    ("records", "Who saw what, and the facts themselves", ("list_accesses", "list_facts")),
    ("document", "This document", ("get_document",)),
)  # fmt: skip
"""Name, what it holds, and its operations; in the order of the document."""

CONDITIONAL = frozenset((
    "list_events", "list_camera_events", "list_latest_events", "get_event", "list_segment_analyses", "list_analyses",
    "get_stats", "get_camera_stats", "list_coverage", "list_segments", "list_gaps", "list_looks", "list_spend",
    "list_reports", "get_report", "list_accesses", "list_facts", "get_hls_file", "get_document",
))  # fmt: skip
"""Operations that answer 304 when `If-None-Match` names what they would send."""
OF_A_CAMERA = frozenset(("list_events", "stream", "register_camera"))
"""Operations without a camera in their path that answer 404: of a camera in the query, or of one that was removed since
the same key registered it.
"""
GOOD = {200: "Here it is", 201: "It is made", 202: "It is recorded", 204: "Done", 206: "A part of it", 304: "Unchanged"}

_TEXT: Object = {"type": "string"}
HEADERS: Mapping[str, tuple[Object, str]] = {
    "ETag": (_TEXT, "names what was sent: for `If-None-Match`, and of cameras and their videos for `If-Match`"),
    "Location": (_TEXT, "where it is from now on"),
    "Retry-After": ({"type": "integer"}, "seconds after which it is worth trying again"),
    "WWW-Authenticate": (_TEXT, "`Bearer`"),
    "Set-Cookie": (_TEXT, "the cookie `dolbom`"),
    "Accept-Ranges": (_TEXT, "`bytes`, where parts may be asked for"),
    "Content-Range": (_TEXT, "which bytes these are, of how many"),
    "Dolbom-Now": ({"type": "integer"}, "the site's time, milliseconds since 1970"),
    "Dolbom-Speed": ({"type": "number"}, "how fast the site's time runs; 1 except in trials"),
    "Dolbom-Slot": ({"type": "integer"}, "the slot of the picture"),
    "Dolbom-At": ({"type": "string", "format": "date-time"}, "when the slot of the picture began"),
    "Dolbom-Age-Ms": ({"type": "integer"}, "how old the picture is"),
    "Dolbom-Kind": ({"type": "string", "enum": ["c", "h"]}, "captured, or held over from before"),
}
_NOW = ("Dolbom-Now", "Dolbom-Speed")
_HEADERS_OF: Mapping[tuple[str, int], tuple[str, ...]] = {
    ("list_cameras", 200): _NOW,
    ("get_camera", 200): (*_NOW, "ETag"),
    ("change_camera", 200): (*_NOW, "ETag"),
    ("register_camera", 201): (*_NOW, "ETag", "Location"),
    ("get_now_picture", 200): (*_NOW, "Dolbom-Slot", "Dolbom-At", "Dolbom-Age-Ms", "Dolbom-Kind"),
    ("get_hls_file", 200): ("ETag", "Accept-Ranges"),
    ("get_hls_file", 206): ("ETag", "Accept-Ranges", "Content-Range"),
    ("list_videos", 200): ("ETag",),
    ("order_videos", 200): ("ETag",),
    ("remove_video", 204): ("ETag",),
    ("create_session", 200): ("Set-Cookie",),
    ("delete_session", 204): ("Set-Cookie",),
}


def headers_of(operation: str, status: int) -> tuple[str, ...]:
    """The headers that matter of an answer."""
    listed = ("ETag",) if operation in CONDITIONAL and status in (200, 304) else ()
    return _HEADERS_OF.get((operation, status), listed)


@dataclass(frozen=True, slots=True)
class Told:
    """What is said of a parameter of some name, wherever it occurs."""

    text: str = ""
    schema: Object = field(default_factory=dict)
    examples: Object = field(default_factory=dict)


def _told(text: str, *examples: object, **schema: object) -> Told:
    return Told(text, schema, {str(one): {"value": one} for one in examples})


PARAMETERS: Mapping[str, Told] = {
    "camera_id": _told("the camera", "sun", pattern="^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$"),
    "camera": _told("only of this camera"),
    "event_id": _told("the event", "0f0a2f64-7a0c-5d0e-9c5e-4f7f0c1f6a11", format="uuid"),
    "filename": _told(
        "the name of a playlist, a segment or an archive",
        "sun.m3u8", "sun_1.ts", "archive_20260302_000000Z.mp4", minLength=1,
    ),
    "user": _told("the user", "kim", pattern=USER_ID),
    "token_id": _told("the token", "5f0c9e6d1b7a4c32", minLength=1),
    "day": _told("a date in the camera's time zone", "2026-03-02"),
    "name": _told("the name of the file", "소풍.mp4", minLength=1),
    "kind": _told("only of this kind"),
    "severity": _told("only of this severity"),
    "outcome": _told("only those that came to this"),
    "stream": _told("only those of this stream of the bus"),
    "type": _told("only of this type"),
    "code": _told("only of this code"),
    "limit": _told("how many at most", 20),
    "Idempotency-Key": _told("the same key asks for the same thing"),
    "If-Match": _told("the revision that was seen", "*"),
    "If-None-Match": _told("the ETag of what one has"),
    "If-Range": _told("`Range` counts only while this is the ETag"),
    "Range": _told("which bytes, such as `bytes=0-1023`: one range"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Trouble:
    """A status of a problem: its short name, when it comes, and an example."""

    title: str
    text: str
    detail: str
    kind: str = ""
    headers: tuple[str, ...] = ()


PROBLEMS: Mapping[int, Trouble] = {
    400: Trouble("Malformed", "The request is malformed", "The Host header names no host.", "bad-host"),
    401: Trouble("Not signed in", "Not signed in", "Sign in first.", "not-signed-in", ("WWW-Authenticate",)),
    403: Trouble("Not allowed", "Not allowed", "This takes the role director, or one with more rights.", "not-allowed"),
    404: Trouble("Not there", "Not there, or not yours", "There is nothing at this address."),
    408: Trouble("Too slow", "The body does not come", "The file does not come.", "too-slow"),
    409: Trouble("Conflict", "Something that stands is against it", "There is a file of this name.", "name-taken"),
    412: Trouble(
        "Other revision",
        "`If-Match` names another revision than the newest",
        "The camera was changed meanwhile: read it again.",
        "other-revision",
    ),
    413: Trouble("Too large", "The body is too large", "The body is too large."),
    415: Trouble("Other media", "Not a body of this kind", "Send the body as application/json.", "no-json"),
    416: Trouble("No such bytes", "The file has no such bytes", "The file has no such bytes.", "", ("Content-Range",)),
    421: Trouble(
        "Other host",
        "There are no accounts, so only this machine is served, under its own names",
        "There are no users yet: use http://localhost or http://127.0.0.1.",
        "not-this-host",
    ),
    422: Trouble("Not valid", "A value, a field or a query key is not valid", "query key 'page' is not known here"),
    428: Trouble(
        "No revision",
        "`If-Match` is missing",
        'Name the revision that you saw: If-Match: "3" (`revision` of the camera), or *.',
        "no-revision",
    ),
    429: Trouble("Too often", "Too often", "You start and stop too often.", "too-many", ("Retry-After",)),
    503: Trouble(
        "Not now",
        "Not now; worth trying again",
        "The database does not answer now; live video goes on.",
        "database-away",
        ("Retry-After",),
    ),
    507: Trouble("No space", "Not enough space", "The file would take space that recordings need.", "no-space"),
}
"""Every status of a problem that an operation may answer."""
OWN: Mapping[tuple[str, int], tuple[str, str]] = {
    ("create_session", 401): ("wrong-password", "User or password is wrong."),
    ("create_session", 429): ("too-many", "Too many tries to sign in."),
    ("create_session", 409): ("no-users", "There are no users yet."),
    ("create_own_token", 409): (
        "too-many-tokens", "The user has as many tokens as one may have: remove one first.",
    ),
    ("create_token", 409): ("too-many-tokens", "The user has as many tokens as one may have: remove one first."),
    ("create_user", 409): ("user-taken", "There is a user kim already."),
    ("change_user", 409): ("last-admin", "This is the last admin: make another one first."),
    ("remove_user", 409): ("last-admin", "This is the last admin: make another one first."),
    ("register_camera", 409): ("id-taken", "A camera of this id stands; change it, or take another id."),
    ("get_now_picture", 503): ("no-picture", "There is no picture of this camera now."),
    ("upload_video", 413): ("too-large", "The file is larger than a video may be here."),
    ("upload_video", 415): (
        "no-video", "Send the file itself, as video/mp4 (or its like) or application/octet-stream.",
    ),
}  # fmt: skip
"""Kind and sentence where an operation has a better example than its status."""
