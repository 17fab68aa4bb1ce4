"""GET /stats/: the user's days, for charts. Days that the daily job has not settled are computed as they stand."""

from dataclasses import asdict
from datetime import date, timedelta
from typing import Annotated, Any, Literal

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.event_handler.openapi.params import Query
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel, BeforeValidator

from rl_core.days import (
    TYPES,
    Direction,
    Figures,
    PeriodDay,
    Totals,
    Trend,
    day_by_day,
    figures_of,
    totals_of,
    trend_of,
)
from rl_core.edge.http import Rounded, answer_problems, caller, now_of, percent, plain_integer, resolve, responses
from rl_core.errors import ErasingError, InvalidRequestError, ProfileRequiredError
from rl_core.models import Mark
from rl_core.sessions import active_day, engagement_now, streak_now
from rl_core.store import open_day_table, open_store

app = APIGatewayHttpResolver(enable_validation=True)
answer_problems(app)
open_store()  # in init, where Lambda gives a whole processor, instead of in the first request
logger = Logger()


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
    direction: Direction


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
    active = _active(user, first, today)
    totals = totals_of([figures for _, figures in active])
    return StatsResponse(
        period=StatsPeriod(days=days, first=first, last=today, timezone=head.profile.timezone),
        totals=StatsTotals(active_days=totals.active_days, **_counts(totals)),
        by_type=_by_type(totals),
        daily=[_day(day) for day in day_by_day(first, today, {mark.day: figures for mark, figures in active})],
        motivation_trend=_trend(trend_of(active, head.profile.motivation)),
        engagement_score=engagement_now(head.profile, now),
        motivation_score=head.profile.motivation,
        streak_days=streak_now(head.profile, head.sessions, now),
    )


def _active(user: str, first: date, last: date) -> list[tuple[Mark, Figures]]:
    """Each active day's mark and figures, in order: those stored if settled, else from the sessions as they stand."""
    days = open_day_table().days_of(user, first, last)
    waiting = [d.mark for d in days if d.figures is None or not d.figures.settled]
    sessions = open_day_table().sessions_from(user, waiting[0].session) if waiting else []
    return [(d.mark, d.figures if d.figures and d.figures.settled else figures_of(d.mark, sessions)) for d in days]


def _counts(totals: Totals) -> dict[str, Any]:
    """The fields that the totals and each day have in common."""
    return {
        "sessions": totals.sessions,
        "assigned": totals.assigned,
        "completed": totals.completed,
        "completion_rate": None if totals.completion_rate is None else percent(totals.completion_rate),
        "minutes": totals.minutes,
        "avg_motivation_increase": totals.average_lift,
    }


def _by_type(totals: Totals) -> list[StatsType]:
    return [StatsType(type=kind, **asdict(its)) for kind, its in zip(TYPES, totals.types, strict=True)]


def _day(day: PeriodDay) -> StatsDay:
    return StatsDay(
        date=day.date,
        active=day.figures is not None,
        by_type=_by_type(day.totals),
        engagement_score=day.figures.engagement if day.figures else None,
        motivation_score=day.figures.motivation if day.figures else None,
        streak_days=day.figures.streak_days if day.figures else None,
        **_counts(day.totals),
    )


def _trend(trend: Trend) -> StatsTrend:
    return StatsTrend(start=trend.start, end=trend.end, change=trend.change, direction=trend.direction)


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return resolve(app, event, context)
