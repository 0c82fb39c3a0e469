"""Settings of the detector, read from the environment."""

from libs.bus import BusSettings
from libs.observe import ObserveSettings


class Settings(BusSettings, ObserveSettings):
    """All that the detector can be told."""
