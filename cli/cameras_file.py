"""Writes the list of cameras of a site that has one: `camera-1`, the demo or the person's videos. Pure."""

import json

from cli.videos import Videos

CAMERA = "camera-1"
_DEMO = "demo video 640x480 at 5 fps"
_NAMES_SHOWN = 3


def cameras_file(videos: Videos | None) -> str:
    """The text of `cameras.yaml`. A JSON string is a YAML string, so any name can stand there."""
    if videos is None:
        source = ["    kind: demo"]
    else:
        source = ["    kind: files", "    loop: true", "    files:"]
        source += [f"      - {json.dumps(name, ensure_ascii=False)}" for name in videos.names]
    return "\n".join(
        [
            "# Written by `dolbom up` at every start. For cameras of your own, name another file in DOLBOM_CAMERAS.",
            f"- id: {CAMERA}",
            '  name: "놀이방 Playroom"',
            '  room: ""',
            "  time_zone: Asia/Seoul",
            "  source:",
            *source,
            "",
        ]
    )


def shown(videos: Videos | None, folder: str) -> str:
    """What `dolbom up` says of the camera; `folder` as the person can type it."""
    if videos is None:
        return _DEMO
    names = ", ".join(videos.names[:_NAMES_SHOWN]) + (", …" if len(videos.names) > _NAMES_SHOWN else "")
    count = "1 video" if len(videos.names) == 1 else f"{len(videos.names)} videos"
    return f"{count} from {folder}, played in a loop: {names}"
