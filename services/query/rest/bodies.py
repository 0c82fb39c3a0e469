"""What a JSON body may not hold, though Python's reader takes it: a key that stands twice, and what is no number."""

import json
from collections import Counter
from collections.abc import Sequence

from fastapi import Request
from fastapi.routing import APIRoute

from services.query.rest.problems import Problem


async def plain_json(request: Request) -> None:
    """A dependency of every route: whoever reads the same body elsewhere reads the same in it (RFC 8259, 4 and 6)."""
    route = request.scope.get("route")
    if not isinstance(route, APIRoute) or route.body_field is None:
        return
    body = await request.body()  # it was read before, and its size is bounded
    if body:
        json.loads(body, object_pairs_hook=_once, parse_constant=_no_number)


def _once(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    for key, times in Counter(key for key, _ in pairs).items():
        if times > 1:
            raise Problem(422, f"body: the key {key[:40]!r} stands there twice")
    return dict(pairs)


def _no_number(text: str) -> None:
    raise Problem(422, f"body: {text} is no number")
