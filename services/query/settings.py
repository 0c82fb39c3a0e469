"""Settings of query, read from the environment."""

import ipaddress
from typing import Literal

from pydantic import Field, field_validator, model_validator

from libs.bus import BusSettings
from libs.observe import ObserveSettings


class Settings(BusSettings, ObserveSettings):
    """All that query can be told."""

    media_url: str = Field(default="data/media", description="where media lives")
    dolbom_cameras: str = Field(default="", description="path of a cameras.yaml; empty = none")
    http_host: str = Field(default="127.0.0.1", description="IP address that the page and the API are served on")
    http_port: int = Field(default=8080, ge=0, le=65535, description="port of the page and the API; 0 = free one")
    dolbom_videos: str = Field(default="", description="a folder outside the store with files that sources name")
    upload_max_bytes: int = Field(default=2 << 30, ge=1, description="the largest video that may be uploaded")
    upload_reserve_bytes: int = Field(
        default=2 << 30, ge=0, description="space that uploads leave free for recordings; at most a tenth of the volume"
    )
    database_url: str = Field(
        default="",
        repr=False,
        description="the control database: mysql+asyncmy://user:password@host/dolbom; empty = a SQLite file",
    )
    query_role: Literal["all", "api", "projector"] = Field(
        default="all", description="what this process does: serve (`api`), keep the database (`projector`), or both"
    )

    @property
    def control_url(self) -> str:
        """Where the control database is."""
        return self.database_url or f"sqlite+aiosqlite:///{self.dolbom_data or 'data'}/query/control.db"

    @model_validator(mode="after")
    def _one_process(self) -> "Settings":
        if self.query_role != "all" and self.control_url.startswith("sqlite"):
            raise ValueError(f"QUERY_ROLE {self.query_role} takes a MySQL or MariaDB: SQLite is for one process")
        return self

    @field_validator("http_host")
    @classmethod
    def _address(cls, host: str) -> str:
        """Whoever reaches the port has to sign in, unless only this machine does."""
        if host == "localhost":
            return "127.0.0.1"
        try:
            return str(ipaddress.ip_address(host))
        except ValueError:
            raise ValueError(f"{host[:40]!r} is no IP address: take 127.0.0.1, or 0.0.0.0 for all of them") from None
