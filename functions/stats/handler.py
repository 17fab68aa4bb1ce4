"""GET /stats/: the user's days, for charts. Days that the daily job has not settled are computed as they stand."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.event_handler.openapi.params import Query
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel, BeforeValidator

from rl_core.days.figures import ONE_DAY, TYPES, Figures, figures_of
from rl_core.edge.http import Rounded, answer_problems, caller, now_of, percent, plain_integer, resolve, responses
from rl_core.errors import ErasingError, InvalidRequestError, ProfileRequiredError
from rl_core.models import Mark, Profile
from rl_core.sessions.calendar import active_day, engagement_now, streak_now
from rl_core.store import Head, UserDay, open_days, open_store

app = APIGatewayHttpResolver(enable_validation=True)
answer_problems(app)
open_store()  # in init, where Lambda gives a whole processor, instead of in the first request
logger = Logger()
metrics = Metrics()

_STEADY = 0.1


class StatsPeriod(BaseModel):
    """The user's days from `first` to `last`, today, both included."""

    days: int
    first: date
    last: date
    timezone: str


class StatsTotals(BaseModel):
    """`avg_motivation_increase` in points, over the completed activities with both ratings; null if there are none."""

    active_days: int
    sessions: int
    assigned: int
    completed: int
    completion_rate: str | None
    minutes: int
    avg_motivation_increase: Rounded | None


class StatsType(BaseModel):
    type: str
    assigned: int
    completed: int
    minutes: int


class StatsDay(BaseModel):
    """One day of the period. Scores as they stood at its end, null on a day on which the user was not active."""

    date: date
    active: bool
    sessions: int
    assigned: int
    completed: int
    completion_rate: str | None
    minutes: int
    by_type: list[StatsType]
    avg_motivation_increase: Rounded | None
    engagement_score: Rounded | None
    motivation_score: Rounded | None
    streak_days: int | None


class StatsTrend(BaseModel):
    """From before the period's first active day to its last one: rising above +0.1, falling below -0.1."""

    start: Rounded
    end: Rounded
    change: Rounded
    direction: Literal["rising", "steady", "falling"]


class StatsResponse(BaseModel):
    period: StatsPeriod
    totals: StatsTotals
    by_type: list[StatsType]
    daily: list[StatsDay]
    motivation_trend: StatsTrend
    engagement_score: Rounded
    motivation_score: Rounded
    streak_days: int


@app.get("/stats", include_in_schema=False)
@app.get(
    "/stats/",
    operation_id="stats",
    summary="The user's last days",
    description="Totals, by type and day by day, today included. A session counts for the day it was first shown on.",
    responses=responses(StatsResponse, InvalidRequestError, ProfileRequiredError, ErasingError),
)
def stats(
    days: Annotated[Literal[7, 30, 90], BeforeValidator(plain_integer), Query()] = 7,
) -> StatsResponse:
    event = app.current_event.raw_event
    user, now = caller(event), now_of(event)
    head = open_store().head(user)
    if head.profile is None:
        raise ProfileRequiredError
    today = active_day(head.profile, now)
    first = today - timedelta(days=days - 1)
    found = _figures(open_days().days_of(user, first, today))
    return StatsResponse(
        period=StatsPeriod(days=days, first=first, last=today, timezone=head.profile.timezone),
        totals=_totals([figures for _, figures in found]),
        by_type=_types([figures for _, figures in found]),
        daily=_daily(first, days, {mark.day: figures for mark, figures in found}),
        motivation_trend=_trend(head.profile, found),
        **_now(head.profile, head, now),
    )


def _figures(days: Sequence[UserDay]) -> list[tuple[Mark, Figures]]:
    """Each active day's mark and figures, in order: those stored if settled, else from the sessions as they stand."""
    waiting = [d.mark for d in days if d.figures is None or not d.figures.settled]
    sessions = open_days().sessions_from(waiting[0].user, waiting[0].session) if waiting else []
    return [(d.mark, d.figures if d.figures and d.figures.settled else figures_of(d.mark, sessions)) for d in days]


def _now(profile: Profile, head: Head, now: datetime) -> dict[str, Any]:
    """The scores and the streak as GET /profile/ says them."""
    return {
        "engagement_score": engagement_now(profile, now),
        "motivation_score": profile.motivation,
        "streak_days": streak_now(profile, head.sessions, now),
    }


def _totals(days: Sequence[Figures]) -> StatsTotals:
    return StatsTotals(
        active_days=len(days),
        sessions=sum(d.sessions for d in days),
        assigned=sum(d.assigned for d in days),
        completed=sum(d.completed for d in days),
        completion_rate=_rate(days),
        minutes=sum(t.minutes for d in days for t in d.types),
        avg_motivation_increase=_increase(days),
    )


def _types(days: Sequence[Figures]) -> list[StatsType]:
    return [
        StatsType(
            type=kind,
            assigned=sum(d.types[n].assigned for d in days),
            completed=sum(d.types[n].completed for d in days),
            minutes=sum(d.types[n].minutes for d in days),
        )
        for n, kind in enumerate(TYPES)
    ]


def _daily(first: date, days: int, found: dict[date, Figures]) -> list[StatsDay]:
    """Every day of the period, oldest first."""
    return [_day(day, found.get(day)) for day in (first + ONE_DAY * n for n in range(days))]


def _day(day: date, figures: Figures | None) -> StatsDay:
    own = [figures] if figures else []
    totals = _totals(own)
    return StatsDay(
        date=day,
        active=bool(own),
        by_type=_types(own),
        engagement_score=figures.engagement if figures else None,
        motivation_score=figures.motivation if figures else None,
        streak_days=figures.streak_days if figures else None,
        **totals.model_dump(exclude={"active_days"}),
    )


def _rate(days: Sequence[Figures]) -> str | None:
    assigned = sum(d.assigned for d in days)
    return percent(sum(d.completed for d in days) / assigned) if assigned else None


def _increase(days: Sequence[Figures]) -> float | None:
    rated = sum(d.rated for d in days)
    return sum(d.lift_points for d in days) / rated if rated else None


def _trend(profile: Profile, found: Sequence[tuple[Mark, Figures]]) -> StatsTrend:
    start = found[0][0].motivation if found else profile.motivation
    end = found[-1][1].motivation if found else profile.motivation
    change = end - start
    direction: Literal["rising", "steady", "falling"] = "rising" if change > _STEADY else "steady"
    if change < -_STEADY:
        direction = "falling"
    return StatsTrend(start=start, end=end, change=change, direction=direction)


@metrics.log_metrics
@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return resolve(app, event, context)
