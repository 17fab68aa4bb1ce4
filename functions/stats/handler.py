"""GET /stats/ returns the user's days for charts; days that the daily job has not settled are computed on request."""

from collections.abc import Sequence
from dataclasses import asdict, replace
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
    closed_day,
    day_by_day,
    figures_of,
    totals_of,
    trend_of,
)
from rl_core.edge.http import Rounded, answer_problems, caller, now_of, percent, plain_integer, resolve, responses
from rl_core.errors import ErasingError, InvalidRequestError, ProfileRequiredError
from rl_core.models import Mark, Session
from rl_core.sessions import Course, active_day, course_of, engagement_now, streak_now
from rl_core.store import ReadBudget, UserDay, open_day_table, open_store

app = APIGatewayHttpResolver(enable_validation=True)
answer_problems(app)
open_store()  # called at init, when Lambda gives the sandbox a whole processor, instead of at the first request
logger = Logger()

_READ_UNITS = 200


class StatsPeriod(BaseModel):
    """Tells which of the user's days are counted: from `first` to `last` (today), both included."""

    days: int
    first: date
    last: date
    timezone: str


class StatsTotals(BaseModel):
    """Sums up the period.

    `avg_motivation_increase` is in points, over the completed activities with both ratings; null if there are none.
    """

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
    """Describes one day of the period. Scores are those at its end; null on a day on which the user was not active.

    `settled` says that the day is over and none of its sessions is open, so that its figures do not change any more.
    """

    date: date
    active: bool
    settled: bool
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
    """Compares the motivation score from before the period's first active day with that after its last one.

    The direction is rising for a change above +0.1, falling for one below -0.1, else steady.
    """

    start: Rounded
    end: Rounded
    change: Rounded
    direction: Direction


class StatsScore(BaseModel):
    date: date
    score: int


class StatsCourse(BaseModel):
    """Compares the latest assessment with the first one; `change` is the latest score less the first."""

    first: StatsScore
    latest: StatsScore
    change: int


class StatsAssessments(BaseModel):
    """Both are null until the user gave scores on two of their days."""

    gad7_score: StatsCourse | None
    active_minutes_per_week: StatsCourse | None


class StatsResponse(BaseModel):
    period: StatsPeriod
    totals: StatsTotals
    by_type: list[StatsType]
    daily: list[StatsDay]
    motivation_trend: StatsTrend
    engagement_score: Rounded
    motivation_score: Rounded
    streak_days: int
    assessments: StatsAssessments


@app.get("/stats", include_in_schema=False)
@app.get(
    "/stats/",
    operation_id="stats",
    summary="The user's last days",
    description="Totals, by type and day by day, today included. A session counts for the day it was first shown on. "
    "Of a user with very many sessions, older days that are not settled may show what the daily job counted last.",
    responses=responses(StatsResponse, InvalidRequestError, ProfileRequiredError, ErasingError),
)
def stats(
    days: Annotated[Literal[7, 30, 90], BeforeValidator(plain_integer), Query()] = 7,
) -> StatsResponse:
    event = app.current_event.raw_event
    user, now = caller(event), now_of(event)
    budget = ReadBudget(_READ_UNITS)
    head = open_store().head(user, budget)
    if head.profile is None:
        raise ProfileRequiredError
    today, closed = active_day(head.profile, now), closed_day(now)
    first = today - timedelta(days=days - 1)
    active = _active(user, first, today, closed, budget)
    totals = totals_of([figures for _, figures in active])
    return StatsResponse(
        period=StatsPeriod(days=days, first=first, last=today, timezone=head.profile.timezone),
        totals=StatsTotals(active_days=totals.active_days, **_counts(totals)),
        by_type=_by_type(totals),
        daily=[_day(day, closed) for day in day_by_day(first, today, {mark.day: figures for mark, figures in active})],
        motivation_trend=_trend(trend_of(active, head.profile.motivation)),
        engagement_score=engagement_now(head.profile, now),
        motivation_score=head.profile.motivation,
        streak_days=streak_now(head.profile, head.sessions, now),
        assessments=_assessments(course_of(head.profile.assessments)),
    )


def _active(user: str, first: date, last: date, closed: date, budget: ReadBudget) -> list[tuple[Mark, Figures]]:
    """Returns each active day's mark and figures, in order.

    Figures of settled days are read. Those of other days are computed from the sessions as they stand now, newest day
    first, until the budget ends; `closed` is the latest day that is over everywhere.
    """
    days = open_day_table().days_of(user, first, last, budget)
    waiting = [day.mark.session for day in days if not _is_settled(day)]
    sessions = open_store().newest_sessions(user, budget, first=waiting[0])[::-1] if waiting else []
    return [(day.mark, _figures(day, sessions, closed)) for day in days]


def _is_settled(day: UserDay) -> bool:
    return day.figures is not None and day.figures.settled


def _figures(day: UserDay, sessions: Sequence[Session], closed: date) -> Figures:
    """Returns the figures of a day, given the user's latest sessions in order.

    Where these do not reach back to the day's first one, the figures are those last stored, or without any what the
    sessions that are there come to; such a day is not settled.
    """
    if day.figures is not None and day.figures.settled:
        return day.figures
    computed = figures_of(day.mark, sessions)
    if sessions and sessions[0].number <= day.mark.session:
        return replace(computed, settled=computed.settled and day.mark.day <= closed)
    return replace(day.figures or computed, settled=False)


def _counts(totals: Totals) -> dict[str, Any]:
    """Returns the fields that the totals and each day have in common."""
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


def _day(day: PeriodDay, closed: date) -> StatsDay:
    return StatsDay(
        date=day.date,
        active=day.figures is not None,
        settled=day.figures.settled if day.figures else day.date <= closed,
        by_type=_by_type(day.totals),
        engagement_score=day.figures.engagement if day.figures else None,
        motivation_score=day.figures.motivation if day.figures else None,
        streak_days=day.figures.streak_days if day.figures else None,
        **_counts(day.totals),
    )


def _trend(trend: Trend) -> StatsTrend:
    return StatsTrend(start=trend.start, end=trend.end, change=trend.change, direction=trend.direction)


def _assessments(course: Course | None) -> StatsAssessments:
    if course is None:
        return StatsAssessments(gad7_score=None, active_minutes_per_week=None)
    pair = course.first, course.latest
    anxiety, minutes = (
        [StatsScore(date=its.day, score=getattr(its, name)) for its in pair]
        for name in ("gad7_score", "active_minutes_per_week")
    )
    return StatsAssessments(
        gad7_score=StatsCourse(first=anxiety[0], latest=anxiety[1], change=course.gad7_change),
        active_minutes_per_week=StatsCourse(first=minutes[0], latest=minutes[1], change=course.minutes_change),
    )


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return resolve(app, event, context)
