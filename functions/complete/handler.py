"""POST /activity/{id}/complete/ records what the user did of one activity; the last answer ends the session."""

from datetime import datetime
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
    canonical_id,
    now_of,
    percent,
    resolve,
    responses,
    split_id,
    tracked_fields,
)
from rl_core.errors import ActivityNotFoundError, SessionClosedError, TooManyAnswersError, UnavailableError
from rl_core.models import Profile, Session
from rl_core.sessions import (
    Answer,
    accepts_answers,
    active_day,
    caught_up,
    completed_today,
    engagement_delta,
    outcome_of,
    record,
    with_answers,
)
from rl_core.store import mark_writes, open_store, profile_write, session_write
from rl_core.work import attempts, close_and_learn

app = APIGatewayHttpResolver(enable_validation=True)
answer_problems(app)
open_store()  # called at init, when Lambda gives the sandbox a whole processor, instead of at the first request
logger = Logger()


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
    responses=responses(CompleteResponse, ActivityNotFoundError, SessionClosedError, TooManyAnswersError, *BODY_ERRORS),
)
def complete(
    id: Annotated[int, BeforeValidator(canonical_id), Path()],  # noqa: A002 - the route's parameter is called "id"
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
    """Stores the answer; returns the session with it, and how many activities the user completed today."""
    store = open_store()
    head = store.head(user)
    session = store.session(user, number, head)
    if head.profile is None or session is None or not 1 <= position <= len(session.activities):
        raise ActivityNotFoundError
    said = {position: answer.said()}
    if with_answers(session, said, now) != session:
        if not accepts_answers(session, now):
            raise SessionClosedError
        session = _stored(session, caught_up(head.profile, head.sessions), said, now)
    latest = session if session.number == head.profile.sessions else head.sessions[0]
    return session, completed_today(latest, active_day(head.profile, now))


def _stored(session: Session, profile: Profile, said: dict[int, Answer], now: datetime) -> Session:
    """Writes the answer and returns the session; the last answer also closes the session and trains the policy."""
    recorded = record(session, profile, said, settings(), now)
    mark = mark_writes(recorded.mark)
    if recorded.session.closing is None:
        seen = [profile_write(recorded.profile)] if mark else []
        open_store().write(session_write(recorded.session, settings().index_shards), *seen, *mark)
        return recorded.session
    closed = close_and_learn(open_store(), recorded.session, recorded.profile, settings(), *mark)
    measures.session_closed(closed.session, closed.conflicts)
    return closed.session


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return resolve(app, event, context)
