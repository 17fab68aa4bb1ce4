"""POST /activity/feedback-batch/ takes all feedback of a session at once, ends the session and computes its reward."""

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
from rl_core.edge.http import (
    BODY_ERRORS,
    WHOLE,
    CompleteRequest,
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
from rl_core.errors import ActivityNotFoundError, InvalidRequestError, SessionClosedError, UnavailableError
from rl_core.models import MAX_ACTIVITIES, EndedBy, Learning, Profile, Session, Status, Why
from rl_core.sessions import Ending, accepts_answers, add_rating, caught_up, engagement_delta, record, with_answers
from rl_core.store import Store, mark_writes, open_store, profile_write, session_write
from rl_core.work import Closed, attempts, close_and_learn, training_figures

app = APIGatewayHttpResolver(enable_validation=True)
answer_problems(app)
open_store()  # called at init, when Lambda gives the sandbox a whole processor, instead of at the first request
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
    learning: Learning
    why: Why | None = Field(description="why nothing is learned from the session; null where something is")
    exploration_rate: Rounded | None = Field(
        description="1 - the probability of the actions held for best, under the policy as it now stands"
    )


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
    for attempt in attempts():
        with attempt:
            return _response(_record(user, number, batch, now), len(batch.activities))
    raise UnavailableError


def _response(closed: Closed, updated: int) -> FeedbackBatchResponse:
    if closed.session.closing is None:
        raise SessionClosedError
    figures = training_figures(open_store(), closed, settings())
    return FeedbackBatchResponse(
        status="success",
        activities_updated=updated,
        engagement_delta=engagement_delta(closed.session),
        rl_reward_signal=closed.session.closing.reward,
        training_metrics=TrainingMetrics(
            total_episodes=figures.episodes,
            epsilon=figures.epsilon,
            policy_version=figures.version,
            learning=figures.learning,
            why=figures.why,
            exploration_rate=figures.exploration_rate,
        ),
    )


def _session_number(items: Sequence[BatchItem]) -> int:
    """Returns the session number that all ids share.

    Raises InvalidRequestError for a repeated id or for ids of several sessions.
    """
    ids = [item.activity_id for item in items]
    if len(set(ids)) < len(ids):
        raise InvalidRequestError("An activity id is repeated.")
    numbers = {split_id(identifier)[0] for identifier in ids}
    if len(numbers) > 1:
        raise InvalidRequestError("The activities belong to more than one session.")
    return numbers.pop()


def _record(user: str, number: int, batch: FeedbackBatchRequest, now: datetime) -> Closed:
    """Ends the session with this feedback and returns it.

    Returns a session that is closed already if its answers equal the batch's. Raises SessionClosedError if they differ.
    """
    store = open_store()
    head = store.head(user)
    session = store.session(user, number, head)
    said = {split_id(item.activity_id)[1]: item.said() for item in batch.activities}
    if head.profile is None or session is None or not all(1 <= p <= len(session.activities) for p in said):
        raise ActivityNotFoundError
    if accepts_answers(session, now):
        ending = Ending(EndedBy.BATCH, batch.overall_session_rating, batch.notes or "")
        recorded = record(session, caught_up(head.profile, head.sessions), said, settings(), now, ending)
        mark = mark_writes(recorded.mark)
        closed = close_and_learn(store, recorded.session, recorded.profile, settings(), *mark)
        measures.session_closed(closed.session, closed.conflicts)
        return closed
    if with_answers(session, said, now) != session:
        raise SessionClosedError
    return Closed(_with_rating(store, session, head.profile, batch, now))


def _with_rating(
    store: Store, session: Session, profile: Profile, batch: FeedbackBatchRequest, now: datetime
) -> Session:
    """Returns the closed session, with the batch's rating and notes added if completions ended it and it has none.

    Raises SessionClosedError when the batch states another rating or other notes than the session has.
    """
    closing = session.closing
    if closing is None or session.status not in (Status.CLOSED, Status.LEARNED):
        raise SessionClosedError
    stated = batch.model_fields_set
    rating = batch.overall_session_rating if "overall_session_rating" in stated else closing.rating
    notes = (batch.notes or "") if "notes" in stated else closing.notes
    if (rating, notes) == (closing.rating, closing.notes):
        return session
    adds = closing.rating in (None, rating) and closing.notes in ("", notes)
    if not adds or session.ended_by is not EndedBy.COMPLETIONS:
        raise SessionClosedError
    rated, moved = add_rating(session, profile, rating, notes, now)
    moved_too = [profile_write(moved)] if moved != profile else []
    store.write(session_write(rated, settings().index_shards), *moved_too)
    return rated


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return resolve(app, event, context)
