"""What looking at a camera and analysing its archives cost, day by day. Sums are made when they are asked for."""

from datetime import date, timedelta
from typing import Annotated, Self

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import BindParameter, String, bindparam, func, select

from libs.contracts.slots import moment
from services.query.days import bounds, day_of
from services.query.records.columns import UtcDateTime
from services.query.records.keeping import Databases
from services.query.records.rows import compiled
from services.query.records.tables import TABLES
from services.query.rest.asked import PROBLEMS, Registered, SiteNow, cameras_read
from services.query.rest.lists import answer_page
from services.query.rest.spans import Day

router = APIRouter(dependencies=[Depends(cameras_read)], responses=PROBLEMS)
MOST_DAYS = 31


class SpendItem(BaseModel):
    """What a day cost in US dollars. `step` and `budget_usd` as the detector said them last, or null."""

    day: date
    looks_usd: float
    analyses_usd: float
    cost_usd: float
    step: str | None
    budget_usd: float | None


class SpendList(BaseModel):
    """Days, newest first."""

    items: list[SpendItem]
    next: str | None = None


class Days(BaseModel):
    """Which days are asked for, both included; the seven up to today when none is named."""

    model_config = ConfigDict(extra="forbid")

    since: Day = Field(default=None, alias="from")
    until: Day = Field(default=None, alias="to")

    @model_validator(mode="after")
    def _few(self) -> Self:
        if self.since and self.until and not 0 <= (self.until - self.since).days < MOST_DAYS:
            raise ValueError(f"from and to may name up to {MOST_DAYS} days, the older one first")
        return self

    def of(self, today: date) -> list[date]:
        """The days, newest first."""
        last = self.until or (self.since + timedelta(days=6) if self.since else today)
        first = self.since or last - timedelta(days=6)
        return [last - timedelta(days=back) for back in range((last - first).days + 1)]


_L, _C, _D = TABLES["looks"], TABLES["analysis_costs"], TABLES["spend_daily"]
_CAMERA: BindParameter[str] = bindparam("camera", type_=String)
_SINCE, _UNTIL = bindparam("since", type_=UtcDateTime), bindparam("until", type_=UtcDateTime)
_LOOKS, _ANALYSES = (
    compiled(
        select(func.coalesce(func.sum(table.c.cost_usd), 0.0)).where(
            table.c.camera_id == _CAMERA, table.c.at >= _SINCE, table.c.at < _UNTIL
        )
    )
    for table in (_L, _C)
)
_BUDGET = compiled(select(_D.c.step, _D.c.budget_usd).where(_D.c.camera_id == _CAMERA, _D.c.day == bindparam("day")))


async def spend_of(now: Databases, camera: str, day: date, time_zone: str) -> dict[str, object]:
    """The item of a day. Raises Away."""
    since, until = bounds(day, time_zone)
    looks, analyses = [
        round(float(str((await now.rows.fetch(asked, camera=camera, since=since, until=until))[0][0])), 6)
        for asked in (_LOOKS, _ANALYSES)
    ]
    budget = await now.rows.fetch(_BUDGET, camera=camera, day=day.isoformat())
    step, limit = budget[0] if budget else (None, None)
    cost = round(looks + analyses, 6)
    sums = {"looks_usd": looks, "analyses_usd": analyses, "cost_usd": cost}
    return {"day": day, **sums, "step": step, "budget_usd": limit}


@router.head("/api/v1/cameras/{camera_id}/spend", include_in_schema=False)
@router.get("/api/v1/cameras/{camera_id}/spend", summary="What a camera costs a day", response_model=SpendList)
async def list_spend(request: Request, camera: Registered, site: SiteNow, asked: Annotated[Days, Query()]) -> Response:
    """Looks and analyses, in US dollars, by days of the camera's time zone."""
    known, config = camera
    days = asked.of(day_of(moment(site.clock.now_ms()), config.time_zone))
    camera_id, time_zone = known.camera.id, config.time_zone

    async def make(now: Databases) -> object:
        return {"items": [await spend_of(now, camera_id, day, time_zone) for day in days], "next": None}

    return await answer_page(site, request, ("spend", camera_id, time_zone, days[0], days[-1]), make)
