"""A service tells the machine it runs on where it can be asked how it is: `DATA/run/<service>.json`."""

import json
import os
from pathlib import Path


def announce(data: str, service: str, health_port: int, member: str) -> None:
    """Write pid, health port and member name, whole or not at all; nothing when `data` is empty."""
    if not data:
        return
    folder = Path(data, "run")
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f".{service}.json.{os.getpid()}.part"
    part.write_text(json.dumps({"pid": os.getpid(), "health_port": health_port, "member": member}), encoding="utf-8")
    part.replace(folder / f"{service}.json")
