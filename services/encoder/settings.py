"""Settings of the encoder, read from the environment."""

from pydantic import Field

from libs.bus import BusSettings
from libs.observe import ObserveSettings


class Settings(BusSettings, ObserveSettings):
    """All that the encoder can be told."""

    media_url: str = Field(default="data/media", description="where media lives")
