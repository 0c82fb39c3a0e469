"""The configuration of the embedded bus, from the rights and streams of the contract. Pure."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from libs.contracts.permissions import USERS, rights
from libs.contracts.streams import BUCKETS, FACT_STREAMS, FRAME_STREAMS

_ROOM = 2
"""Streams may be widened to this multiple of what the contract asks for."""


def limits() -> tuple[int, int]:
    """Bytes of file and of memory that the server may promise to streams (a promise takes no room on disk)."""
    streams = (*FACT_STREAMS, *FRAME_STREAMS)
    files = sum(spec.max_bytes for spec in streams if spec.storage == "file") + sum(spec.max_bytes for spec in BUCKETS)
    memory = sum(spec.max_bytes for spec in streams if spec.storage == "memory")
    return _ROOM * files, _ROOM * memory


def server_config(port: int, store: Path, passwords: Mapping[str, str]) -> str:
    """The file that nats-server reads; `passwords` by user."""
    files, memory = limits()
    users = "".join(_user(user, passwords[user]) for user in USERS)
    return f"""\
# Written by `dolbom up` at every start. Holds passwords.
server_name: dolbom
listen: "127.0.0.1:{port}"
jetstream {{
  store_dir: {_quoted(str(store))}
  sync_interval: always
  max_file_store: {files}
  max_memory_store: {memory}
}}
accounts {{
  site {{
    jetstream: enabled
    users: [
{users}    ]
  }}
}}
"""


def _user(user: str, password: str) -> str:
    granted = rights(user)
    return f"""\
      {{
        user: {_quoted(user)}
        password: {_quoted(password)}
        permissions {{
          publish {{ allow: {_listed(granted.publish)} }}
          subscribe {{ allow: {_listed(granted.subscribe)} }}
        }}
      }}
"""


def _listed(subjects: Iterable[str]) -> str:
    return "[" + ", ".join(map(_quoted, subjects)) + "]"


def _quoted(text: str) -> str:
    """A string of the server's configuration; its escapes are a subset of JSON's."""
    return json.dumps(text, ensure_ascii=False)
