"""Settings of ingest, read from the environment."""

from pydantic import Field

from libs.bus import BusSettings
from libs.observe import ObserveSettings


class Settings(BusSettings, ObserveSettings):
    """All that ingest can be told."""

    media_url: str = Field(default="data/media", description="where media lives; queues stand in <camera>/videos")
    dolbom_videos: str = Field(default="", description="a folder outside the store with files that sources name")
    ffmpeg_bin: str = Field(default="", description="FFmpeg to use; empty = the one on PATH")
