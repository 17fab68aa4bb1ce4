"""POST /activity/{id}/complete/: what the user did of one activity; the last answer ends the session."""

from datetime import datetime, timedelta
from itertools import takewhile
from typing import Annotated, Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.event_handler.openapi.params import Body, Path
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel, BeforeValidator

from rl_core.config import settings
from rl_core.edge import measures
from rl_core.edge.http import (
    BODY_ERRORS,
    CompleteRequest,
    Rounded,
    TrackedActivity,
    answer_problems,
    caller,
    now_of,
    percent,
    plain_integer,
    resolve,
    responses,
    split_id,
    tracked_fields,
)
from rl_core.errors import ActivityNotFoundError, SessionClosedError, UnavailableError
from rl_core.models import Profile, Session
from rl_core.sessions import (
    Answer,
    accepts_answers,
    active_day,
    completed_on,
    days_completed,
    engagement_delta,
    outcome_of,
    record,
    with_answers,
)
from rl_core.store import Head, mark_writes, open_store, profile_write, session_write
from rl_core.work import attempts, close_and_learn

app = APIGatewayHttpResolver(enable_validation=True)
answer_problems(app)
open_store()  # in init, where Lambda gives a whole processor, instead of in the first request
logger = Logger()

_PAGE = 10


class CompleteStats(BaseModel):
    total_completed_today: int
    completion_rate: str
    avg_motivation_increase: Rounded
    engagement_delta: Rounded


class CompleteResponse(BaseModel):
    status: str
    activity: TrackedActivity
    stats: CompleteStats


@app.post("/activity/<id>/complete", include_in_schema=False)
@app.post(
    "/activity/<id>/complete/",
    operation_id="complete",
    summary="Record one activity",
    description="Answers may change while the session is open. The last answer ends the session, as a batch would.",
    responses=responses(CompleteResponse, ActivityNotFoundError, SessionClosedError, *BODY_ERRORS),
)
def complete(
    id: Annotated[int, BeforeValidator(plain_integer), Path()],  # noqa: A002 - the route's own name
    answer: Annotated[CompleteRequest, Body()],
) -> CompleteResponse:
    event = app.current_event.raw_event
    user, now = caller(event), now_of(event)
    number, position = split_id(id)
    for attempt in attempts():
        with attempt:
            session, today = _record(user, number, position, answer, now)
            return _response(session, position, today)
    raise UnavailableError


def _response(session: Session, position: int, today: int) -> CompleteResponse:
    outcome = outcome_of(session.activities, session.closing.rating if session.closing else None)
    return CompleteResponse(
        status="success",
        activity=TrackedActivity(**tracked_fields(session, session.activities[position - 1])),
        stats=CompleteStats(
            total_completed_today=today,
            completion_rate=percent(outcome.completion_rate),
            avg_motivation_increase=outcome.average_lift,
            engagement_delta=engagement_delta(session),
        ),
    )


def _record(user: str, number: int, position: int, answer: CompleteRequest, now: datetime) -> tuple[Session, int]:
    """Stores the answer, and returns the session as it then stands and the completions of today."""
    store = open_store()
    head = store.head(user)
    session = store.session(user, number, head)
    if head.profile is None or session is None or not 1 <= position <= len(session.activities):
        raise ActivityNotFoundError
    said = {position: answer.said()}
    if with_answers(session, said, now) == session:
        return session, _completed_today(head.profile, head, session, now)
    if not accepts_answers(session, now):
        raise SessionClosedError
    session = _stored(session, head.profile, said, now)
    return session, _completed_today(head.profile, head, session, now)


def _stored(session: Session, profile: Profile, said: dict[int, Answer], now: datetime) -> Session:
    """Writes the answer down; the last one closes the session and teaches."""
    recorded = record(session, profile, said, settings(), now)
    mark = mark_writes(recorded.mark)
    if recorded.session.closing is None:
        seen = [profile_write(recorded.profile)] if mark else []
        open_store().write(session_write(recorded.session, settings().index_shards), *seen, *mark)
        return recorded.session
    closed = close_and_learn(open_store(), recorded.session, recorded.profile, settings(), *mark)
    measures.session_closed(closed.session, closed.conflicts)
    return closed.session


def _completed_today(profile: Profile, head: Head, current: Session, now: datetime) -> int:
    """Returns how many activities were completed in the user's day, over all sessions; `current` just changed.

    Sessions follow one another: before one whose last completion is of an earlier day, or that was closed before today
    began in the easternmost zone, none can hold a completion of today.
    """
    today = active_day(profile, now)

    def touches_today(session: Session) -> bool:
        if done := days_completed(session.activities):
            return done[-1] >= today
        return session.closed_at is None or session.closed_at.date() >= today - timedelta(days=1)

    page = tuple(current if s.number == current.number else s for s in head.sessions)
    total = 0
    while page:
        recent = tuple(takewhile(touches_today, page))
        total += completed_on(today, recent)
        if len(recent) < len(page):
            break
        page = open_store().sessions_before(profile.user, page[-1].number, _PAGE)
    return total


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return resolve(app, event, context)
