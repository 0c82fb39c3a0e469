"""The configuration of the embedded bus."""

import json
from pathlib import Path

from cli.nats_config import limits, server_config
from libs.contracts.permissions import USERS, rights
from libs.contracts.streams import BUCKETS, FACT_STREAMS, FRAME_STREAMS

TEXT = server_config(4222, Path("/tmp/a b"), {user: f"password of {user}" for user in USERS})


def test_every_user_has_its_rights_and_no_more() -> None:
    for user in USERS:
        block = TEXT.split(f'user: "{user}"')[1].split("}\n      }")[0]
        lists = [
            json.loads(line.split("allow: ")[1].removesuffix(" }")) for line in block.splitlines() if "allow" in line
        ]
        assert lists == [list(rights(user).publish), list(rights(user).subscribe)]
        assert f'password: "password of {user}"' in block


def test_facts_are_synced_and_only_this_machine_is_served() -> None:
    lines = [line.strip() for line in TEXT.splitlines()]
    assert "sync_interval: always" in lines
    assert 'listen: "127.0.0.1:4222"' in lines
    assert 'store_dir: "/tmp/a b"' in lines
    assert TEXT.count("user: ") == len(USERS)


def test_every_stream_fits() -> None:
    files, memory = limits()
    streams = (*FACT_STREAMS, *FRAME_STREAMS)
    assert files >= sum(s.max_bytes for s in streams if s.storage == "file") + sum(b.max_bytes for b in BUCKETS)
    assert memory >= sum(s.max_bytes for s in streams if s.storage == "memory")
