"""Cameras as a person reads them, from what the API says of them. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from cli.event_lines import at_path
from cli.said import length, line, moment, plain, table, zone_of
from cli.status_lines import camera_shown, is_well

Item = Mapping[str, object]


def camera_lines(items: Sequence[Item]) -> list[str]:
    """One aligned line for each camera."""
    return table([_cells(item) for item in items])


def camera_details(item: Item, url: str) -> str:
    """All of a camera; `url` is the site's."""
    zone = zone_of(item.get("time_zone"))
    at = moment(at_path(item, "picture.at"), zone)
    seconds = at_path(item, "hls.seconds")
    watched = f"  ({length(seconds)} in it)" if isinstance(seconds, int | float) else ""
    rows = [
        ("state", ", ".join(filter(None, (_state(item), _since(item, "%Y-%m-%d %H:%M:%S %Z"), _wished(item))))),
        ("picture", "none" if at == "?" else f"{_picture(item).removeprefix('picture ')}, of {at}"),
        ("source", _source(item)),
        ("zone", str(item.get("time_zone"))),
        ("live", f"{url}{item.get('hls_url')}{watched}"),
        ("now", f"{url}{item.get('now_url')}"),
        ("revision", str(item.get("revision"))),
    ]
    return "\n".join([f"{_glyph(item)} {named(item)}", *(f"  {text}" for text in table(rows))])


def added(item: Item) -> str:
    """A camera that was registered."""
    told = line("✔", "added", f"{named(item)}: {_source(item)}, {_wished(item)}")
    empty = item.get("source") == "files"
    return told + "\n" + line("!", "videos", "it has none yet: add them on the page") if empty else told


def changed(item: Item, before: Item) -> str:
    """A camera that was changed; what is so already is no change."""
    if item.get("revision") == before.get("revision"):
        return line("•", "unchanged", f"{named(item)} is so already")
    return line("✔", "changed", f"{named(item)}: {_source(item)}, revision {item.get('revision')}")


def wished(item: Item) -> str:
    """The wish is recorded; that it is carried out is seen a moment later."""
    state, wish = camera_shown(item).observed or "not seen yet", camera_shown(item).desired
    now = "" if state == {"running": "online"}.get(wish, wish) else f"; it is {state} for now"
    return plain(line("✔", "wished", f"{item.get('camera_id')} {wish}{now}"))


def named(item: Item) -> str:
    """What people call it: id, name and room."""
    room = f", {item['room']}" if item.get("room") else ""
    return plain(f"{item.get('camera_id')} ({item.get('name')}{room})")


def _source(item: Item) -> str:
    width, height, fps = (at_path(item, f"profile.{name}") for name in ("width", "height", "fps"))
    return f"{item.get('source')}, {width}x{height} at {fps} fps"


def _cells(item: Item) -> tuple[str, ...]:
    since = _since(item, "%m-%d %H:%M:%S %Z")
    called = str(item.get("name") or "")
    return f"{_glyph(item)} {item.get('camera_id')}", _state(item), since, _wished(item), _picture(item), called


def _glyph(item: Item) -> str:
    """The site says itself whether a picture is young enough: its time may run faster than here."""
    live = at_path(item, "picture.live") is True
    return "✔" if is_well(replace(camera_shown(item), age_ms=0 if live else None)) else "!"


def _state(item: Item) -> str:
    shown = camera_shown(item)
    return f"{shown.observed or 'not seen yet'}" + (f" ({shown.cause})" if shown.cause else "")


def _since(item: Item, form: str) -> str:
    since = camera_shown(item).since
    return f"since {moment(since, zone_of(item.get('time_zone')), form)}" if since else ""


def _wished(item: Item) -> str:
    return f"wished {item.get('desired')}"


def _picture(item: Item) -> str:
    age = camera_shown(item).age_ms
    return "no picture" if age is None else f"picture {length(max(age, 0) // 100 / 10)} old"
