"""Settings of the encoder, read from the environment."""

from pydantic import Field

from libs.bus import BusSettings
from libs.observe import ObserveSettings
from services.encoder.retention_plan import Limits


class Settings(BusSettings, ObserveSettings):
    """All that the encoder can be told."""

    media_url: str = Field(default="data/media", description="where media lives")
    min_free_bytes: int = Field(
        default=2 << 30,
        ge=0,
        description="free space below which the oldest archives go; at most a tenth of the volume",
    )
    retention_archives_per_pass: int = Field(default=20, ge=1, description="archives deleted in a minute at most")
    retention_segments_per_pass: int = Field(default=2000, ge=1, description="HLS segments deleted in a minute at most")

    @property
    def limits(self) -> Limits:
        """What retention keeps to."""
        return Limits(self.min_free_bytes, self.retention_archives_per_pass, self.retention_segments_per_pass)
