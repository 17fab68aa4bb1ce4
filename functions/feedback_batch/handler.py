"""POST /activity/feedback-batch/: a session's feedback at once; it ends the session and becomes a reward."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.event_handler.openapi.params import Body
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel, Field

from rl_core.config import settings
from rl_core.edge import measures
from rl_core.edge.answers import CompleteRequest, find_session, served_user
from rl_core.edge.http import (
    BODY_ERRORS,
    WHOLE,
    Notes,
    Rating,
    Rounded,
    StrictRequest,
    answer_problems,
    caller,
    now_of,
    resolve,
    responses,
    split_id,
)
from rl_core.errors import ActivityNotFoundError, InvalidRequestError, SessionClosedError
from rl_core.models import MAX_ACTIVITIES, EndedBy, Profile, Session
from rl_core.sessions import lifecycle
from rl_core.store import Store, mark_writes, open_store, profile_write, session_write
from rl_core.work import train as trainer
from rl_core.work.retry import until_settled

app = APIGatewayHttpResolver(enable_validation=True)
answer_problems(app)
open_store()  # in init, where Lambda gives a whole processor, instead of in the first request
logger = Logger()


class BatchItem(CompleteRequest):
    activity_id: Annotated[int, WHOLE]


class FeedbackBatchRequest(StrictRequest):
    activities: list[BatchItem] = Field(min_length=1, max_length=MAX_ACTIVITIES)
    overall_session_rating: Rating | None = None
    notes: Notes | None = None


class TrainingMetrics(BaseModel):
    """The policy's figures; null where it could not be read."""

    total_episodes: int | None
    epsilon: Rounded | None = Field(
        description="max(epsilon_min, 0.3 x 0.993^episodes): epsilon-greedy's rate, whichever way actions are drawn"
    )
    policy_version: int | None
    learning: trainer.Learning


class FeedbackBatchResponse(BaseModel):
    status: str
    activities_updated: int
    engagement_delta: Rounded
    rl_reward_signal: Rounded
    training_metrics: TrainingMetrics


@app.post("/activity/feedback-batch", include_in_schema=False)
@app.post(
    "/activity/feedback-batch/",
    operation_id="feedback_batch",
    summary="Record a session's feedback and end it",
    description="What is not mentioned and was not answered counts as not completed.",
    responses=responses(FeedbackBatchResponse, ActivityNotFoundError, SessionClosedError, *BODY_ERRORS),
)
def feedback_batch(batch: Annotated[FeedbackBatchRequest, Body()]) -> FeedbackBatchResponse:
    event = app.current_event.raw_event
    user, now = caller(event), now_of(event)
    number = _session_number(batch.activities)
    session, figures = until_settled(lambda: _record(user, number, batch, now))
    if session.closing is None:
        raise SessionClosedError
    return FeedbackBatchResponse(
        status="success",
        activities_updated=len(batch.activities),
        engagement_delta=lifecycle.engagement_delta(session),
        rl_reward_signal=session.closing.reward,
        training_metrics=TrainingMetrics(
            total_episodes=figures.episodes,
            epsilon=figures.epsilon,
            policy_version=figures.version,
            learning=figures.learning,
        ),
    )


def _session_number(items: Sequence[BatchItem]) -> int:
    """The one session that all ids belong to. Raises InvalidRequestError for a repeated id or a mix."""
    ids = [item.activity_id for item in items]
    if len(set(ids)) < len(ids):
        raise InvalidRequestError("An activity id is repeated.")
    numbers = {split_id(identifier)[0] for identifier in ids}
    if len(numbers) > 1:
        raise InvalidRequestError("The activities belong to more than one session.")
    return numbers.pop()


def _record(user: str, number: int, batch: FeedbackBatchRequest, now: datetime) -> tuple[Session, trainer.Metrics]:
    """One attempt at ending the session with this feedback: the session as it then stands, and its figures."""
    store = open_store()
    head, profile = served_user(store, user)
    session = find_session(store, user, head, number)
    positions = [split_id(item.activity_id)[1] for item in batch.activities]
    if session is None or not all(1 <= p <= len(session.activities) for p in positions):
        raise ActivityNotFoundError
    answered = session
    for position, item in zip(positions, batch.activities, strict=True):
        answered = lifecycle.answer(answered, position, item.said(), now)

    if lifecycle.accepts_answers(session, now):
        rating, notes = batch.overall_session_rating, batch.notes or ""
        visited, mark = lifecycle.visit(profile, number, now)
        answered = lifecycle.on_day(answered, profile, now)
        closed, moved = lifecycle.close(answered, visited, settings(), now, EndedBy.BATCH, rating, notes)
        ended, figures = trainer.close_and_learn(store, closed, moved, settings(), *mark_writes(mark))
        measures.session_closed(ended, figures.learning.metric, figures.conflicts)
        return ended, figures
    if answered != session or session.closing is None:
        raise SessionClosedError
    rated = _with_rating(store, session, profile, batch, now)
    return rated, trainer.metrics_of(store, rated, settings())


def _with_rating(
    store: Store, session: Session, profile: Profile, batch: FeedbackBatchRequest, now: datetime
) -> Session:
    """A closed session that the batch agrees with; one that completions ended may still be given rating and notes."""
    closing = session.closing
    if closing is None:
        raise SessionClosedError
    stated = batch.model_fields_set
    rating = batch.overall_session_rating if "overall_session_rating" in stated else closing.rating
    notes = (batch.notes or "") if "notes" in stated else closing.notes
    if (rating, notes) == (closing.rating, closing.notes):
        return session
    adds = closing.rating in (None, rating) and closing.notes in ("", notes)
    if not adds or session.ended_by is not EndedBy.COMPLETIONS:
        raise SessionClosedError
    rated, moved = lifecycle.add_rating(session, profile, rating, notes, now)
    store.write(session_write(rated), *([profile_write(moved)] if moved != profile else []))
    return rated


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return resolve(app, event, context)
