"""POST /activity/{id}/complete/: what the user did of one activity; the last answer ends the session."""

from datetime import datetime
from typing import Annotated, Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.event_handler.openapi.params import Body, Path
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel, BeforeValidator

from rl_core.config import settings
from rl_core.edge import measures
from rl_core.edge.answers import CompleteRequest, completed_today, find_session, served_user
from rl_core.edge.http import (
    BODY_ERRORS,
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
from rl_core.errors import ActivityNotFoundError, SessionClosedError
from rl_core.models import EndedBy, Session
from rl_core.sessions import lifecycle
from rl_core.sessions.outcome import outcome_of
from rl_core.store import mark_writes, open_store, profile_write, session_write
from rl_core.work import train as trainer
from rl_core.work.retry import until_settled

app = APIGatewayHttpResolver(enable_validation=True)
answer_problems(app)
open_store()  # in init, where Lambda gives a whole processor, instead of in the first request
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
    responses=responses(CompleteResponse, ActivityNotFoundError, SessionClosedError, *BODY_ERRORS),
)
def complete(
    id: Annotated[int, BeforeValidator(plain_integer), Path()],  # noqa: A002 - the route's own name
    answer: Annotated[CompleteRequest, Body()],
) -> CompleteResponse:
    event = app.current_event.raw_event
    user, now = caller(event), now_of(event)
    number, position = split_id(id)
    session, today = until_settled(lambda: _record(user, number, position, answer, now))
    outcome = outcome_of(session.activities, session.closing.rating if session.closing else None)
    return CompleteResponse(
        status="success",
        activity=TrackedActivity(**tracked_fields(session, session.activities[position - 1])),
        stats=CompleteStats(
            total_completed_today=today,
            completion_rate=percent(outcome.completion_rate),
            avg_motivation_increase=outcome.average_lift,
            engagement_delta=lifecycle.engagement_delta(session),
        ),
    )


def _record(user: str, number: int, position: int, answer: CompleteRequest, now: datetime) -> tuple[Session, int]:
    """One attempt at storing the answer: the session as it then stands, and completions today."""
    store = open_store()
    head, profile = served_user(store, user)
    session = find_session(store, user, head, number)
    if session is None or not 1 <= position <= len(session.activities):
        raise ActivityNotFoundError
    answered = lifecycle.answer(session, position, answer.said(), now)
    if answered != session:
        if not lifecycle.accepts_answers(session, now):
            raise SessionClosedError
        visited, mark = lifecycle.visit(profile, number, now)
        answered = lifecycle.on_day(answered, profile, now)
        if answered.fully_answered:
            closed, moved = lifecycle.close(answered, visited, settings(), now, EndedBy.COMPLETIONS)
            answered, figures = trainer.close_and_learn(store, closed, moved, settings(), *mark_writes(mark))
            measures.session_closed(answered, figures.learning.metric, figures.conflicts)
        else:
            store.write(session_write(answered), *([profile_write(visited)] if mark else []), *mark_writes(mark))
    return answered, completed_today(store, profile, head, answered, now)


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return resolve(app, event, context)
