"""How long a video file says it is, from its container alone: nothing is decoded."""

from pathlib import Path

import av


class NoVideo(ValueError):
    """The file is no video; the text says why."""


def seconds_of(path: Path) -> float:
    """Length of the first video stream in seconds; raises NoVideo."""
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise NoVideo("it holds no video stream")
            stream = container.streams.video[0]
            if stream.duration is not None and stream.time_base is not None:
                return float(stream.duration * stream.time_base)
            if container.duration is not None:
                return container.duration / av.time_base
            return _last_stamp(container)
    except (av.FFmpegError, OSError) as problem:
        raise NoVideo(problem.strerror or type(problem).__name__) from problem


def _last_stamp(container: "av.container.InputContainer") -> float:
    """The end of the last packet, where neither stream nor container knows (raw streams, broken indexes)."""
    seconds = 0.0
    for packet in container.demux(video=0):
        if packet.pts is not None and packet.time_base is not None:
            seconds = max(seconds, float((packet.pts + (packet.duration or 0)) * packet.time_base))
    if not seconds:
        raise NoVideo("it does not say how long it is")
    return seconds
