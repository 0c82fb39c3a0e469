"""Settings that every service has: how it shows itself."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class ObserveSettings(BaseSettings):
    """Read from the environment."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    health_port: int = Field(default=0, ge=0, le=65535, description="port of /healthz and its like; 0 = free one")
    log_level: str = Field(default="INFO", description="DEBUG, INFO, WARNING or ERROR")
    dolbom_member: str = Field(default="", description="name of this replica; empty = made up")
    dolbom_data: str = Field(default="", description="data directory of a one-machine site; empty = none")
    dolbom_clock: str = Field(default="", description="simulated site time: <start RFC3339>@<speed>[@<anchor unix ms>]")
