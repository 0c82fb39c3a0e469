"""Events as a person reads them, from what the API says of them, in the person's language. Pure."""

from collections.abc import Mapping, Sequence
from datetime import tzinfo

from cli.camera_lines import named
from cli.event_lines import at_path
from cli.said import Language, in_language, length, moment, plain, read_moment, table, zone_of

Item = dict[str, object]
GLYPHS = {"danger": "!", "warning": "▲", "info": "•"}
_PLACES = {
    "expired": "the recording of that time is deleted already",
    "missed": "there was no picture to record",
    "awaited": "the recording of that time is not closed yet",
}


def event_lines(items: Sequence[Item], zones: Mapping[str, object], wanted: Language) -> list[str]:
    """One aligned line for each event, in the time of its camera (`zones`: camera → name of its zone)."""
    return table([_cells(item, zone_of(zones.get(str(item.get("camera_id")))), wanted) for item in items])


def event_details(item: Item, camera: Mapping[str, object], url: str, wanted: Language) -> list[str]:
    """All of an event; `camera` is its camera as the API tells of it, `url` the site's."""
    zone = zone_of(camera.get("time_zone"))
    begun = moment(item.get("started_at"), zone)
    picture = item.get("picture_url")
    rows = [
        ("what", f"{item.get('severity')}, {item.get('kind')}, {item.get('code')}"),
        ("seen", in_language(item.get("description"), wanted)),
        ("camera", named(camera)),
        ("when", f"{begun}, {_span(item)}"),
        ("sure", _sure(item)),
        ("found by", _found_by(item)),
        ("archive", _place(item.get("archive"), url)),
        ("picture", f"{url}{picture}" if picture else "none was kept"),
        *(("review", _review(review, zone)) for review in _reviews(item)),
        ("id", str(item.get("event_id"))),
    ]
    if item.get("continues"):
        rows.insert(-1, ("continues", str(item["continues"])))
    title = in_language(item.get("title"), wanted)
    return [plain(f"{_glyph(item)} {title}"), *(f"  {line}" for line in table([row for row in rows if row[1]]))]


def _cells(item: Item, zone: tzinfo | None, wanted: Language) -> tuple[str, ...]:
    return (
        f"{_glyph(item)} {moment(item.get('started_at'), zone)}",
        _span(item),
        str(item.get("severity")),
        str(item.get("camera_id")),
        str(item.get("code")),
        str(item.get("reviewed") or "-").replace("_", " "),
        str(item.get("event_id")),
        in_language(item.get("title"), wanted),
    )


def _glyph(item: Item) -> str:
    return GLYPHS.get(str(item.get("severity")), "•")


def _span(item: Item) -> str:
    begun, last = read_moment(item.get("started_at")), read_moment(item.get("last_at"))
    seconds = (last - begun).total_seconds() if begun and last else 0
    return length(seconds) if item.get("ended") else f"{length(seconds)}, goes on"


def _sure(item: Item) -> str:
    late = ", found later" if item.get("late") else ""
    return f"{item.get('confidence')}, {'confirmed' if item.get('confirmed') else 'unconfirmed'}{late}"


def _found_by(item: Item) -> str:
    price = item.get("cost_usd")
    return f"{item.get('source')}" + (f", ${price:g}" if isinstance(price, int | float) else "")


def _place(archive: object, url: str) -> str:
    address, offset = at_path(archive, "url"), at_path(archive, "offset_s")
    if not address:
        return _PLACES.get(str(at_path(archive, "state")), str(at_path(archive, "state")))
    return f"{url}{address}, {offset} s after its begin"


def _reviews(item: Item) -> list[object]:
    reviews = item.get("reviews")
    return reviews if isinstance(reviews, list) else []


def _review(review: object, zone: tzinfo | None) -> str:
    verdict, by, note = (str(at_path(review, name) or "") for name in ("verdict", "by", "note"))
    said = f"{verdict.replace('_', ' ')} by {by}, {moment(at_path(review, 'at'), zone)}"
    return f"{said}: {note}" if note else said
