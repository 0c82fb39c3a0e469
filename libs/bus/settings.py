"""Settings that every service has: how it reaches the bus."""

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class BusSettings(BaseSettings):
    """Read from the environment."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    nats_url: str = Field(default="nats://127.0.0.1:4222", description="address of the NATS server")
    nats_user: str = Field(default="", description="user on the bus; empty = the service's own name")
    nats_password: SecretStr = Field(default=SecretStr(""), description="password of that user")
