"""The least that can answer with the latest events: no framework, the driver, orjson (peer P5 of the benchmarks).

`BARE_PORT` names the database's port, `BARE_SQL` holds the question.
"""

import os
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import asyncmy
import orjson
from asyncmy.cursors import DictCursor

SQL = os.environ["BARE_SQL"]
Message = MutableMapping[str, Any]
_pool: list[Any] = []


async def app(scope: Message, _receive: object, send: Callable[[Message], Awaitable[None]]) -> None:
    """Answers `/<camera>`."""
    if scope["type"] != "http":
        return
    if not _pool:
        where: dict[str, Any] = {"host": "127.0.0.1", "port": int(os.environ["BARE_PORT"]), "user": "root"}
        where |= {"db": "dolbom_views_1", "charset": "utf8mb4"}
        _pool.append(await asyncmy.create_pool(8, 8, autocommit=True, **where))
    async with _pool[0].acquire() as connection, connection.cursor(cursor=DictCursor) as cursor:
        await cursor.execute(SQL, (scope["path"].rpartition("/")[2],))
        found = await cursor.fetchall()
    body = orjson.dumps(found)
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
