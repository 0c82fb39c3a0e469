"""Which time is asked for: a day of the camera's time zone, or from one moment to another."""

from datetime import date, datetime
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from libs.contracts.facts import CameraConfig
from libs.contracts.slots import moment
from services.query.days import bounds, day_of
from services.query.rest.lists import CursorText, Since, Until


def _year(day: date | None) -> date | None:
    if day is not None and not 1970 < day.year < 9000:
        raise ValueError("is no day that a camera can have seen")
    return day


Day = Annotated[
    date | None, AfterValidator(_year), Field(description="a date in the camera's time zone, such as 2026-03-02")
]


class InTime(BaseModel):
    """Which rows are asked for: those of a day, or of `[from, to)`."""

    model_config = ConfigDict(extra="forbid")

    day: Day = None
    since: Since = None
    until: Until = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.day is not None and (self.since is not None or self.until is not None):
            raise ValueError("day and from/to both say which time: give one of them")
        return self

    def span(self, config: CameraConfig) -> tuple[datetime | None, datetime | None]:
        """Begin and end; None where no bound was given."""
        return bounds(self.day, config.time_zone) if self.day else (self.since, self.until)


class InTimePaged(InTime):
    """A page of them."""

    limit: int = Field(default=144, ge=1, le=1000)
    cursor: CursorText = None


class OnDay(BaseModel):
    """Which day is asked for; today when none is named."""

    model_config = ConfigDict(extra="forbid")

    day: Day = None

    def of(self, config: CameraConfig, now_ms: int) -> date:
        """The day, in the camera's time zone."""
        return self.day or day_of(moment(now_ms), config.time_zone)
