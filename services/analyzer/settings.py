"""Settings of the analyzer, read from the environment."""

from libs.bus import BusSettings
from libs.observe import ObserveSettings


class Settings(BusSettings, ObserveSettings):
    """All that the analyzer can be told."""
