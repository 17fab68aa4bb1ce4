"""GET /activity/recommended/ returns the user's open session, or issues the next one."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.event_handler.openapi.params import Query
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel

from rl_core.config import settings
from rl_core.edge import measures
from rl_core.edge.http import Timestamp, activity_id, answer_problems, caller, entry_of, now_of, resolve, responses
from rl_core.edge.support import Support, refusals_with_support, support_of
from rl_core.errors import (
    InvalidRequestError,
    PausedError,
    PolicyUnreadableError,
    ProfileRequiredError,
    TooManySessionsError,
    UnavailableError,
)
from rl_core.models import ACTIONS, Policy, Profile, Segment, Session
from rl_core.sessions import accepts_answers, admit, allowed, caught_up, issue, show, standing_of
from rl_core.store import mark_writes, open_store, profile_write, session_write
from rl_core.work import attempts

app = APIGatewayHttpResolver(enable_validation=True)
answer_problems(app)
open_store()  # called at init, when Lambda gives the sandbox a whole processor, instead of at the first request
logger = Logger()


class RecommendedActivity(BaseModel):
    id: int
    name: str
    type: str
    category: str
    duration_minutes: int
    intensity: str
    description: str
    instructions: list[str]
    motivation_tracking: bool
    completed: bool


class RecommendResponse(BaseModel):
    session_id: int
    rl_action: str
    rl_action_id: int
    reason: str
    expires_at: Timestamp
    activities: list[RecommendedActivity]
    support: Support | None


@app.get("/activity/recommended", include_in_schema=False)
@app.get(
    "/activity/recommended/",
    operation_id="recommend",
    summary="The activities recommended now",
    description="The open session, or a new one. Counts as shown to the user unless `prefetch` is true. `support` says "
    "where people with high anxiety find help, if the deployment does; problems 409 and 429 have it too.",
    responses=responses(
        RecommendResponse, InvalidRequestError, ProfileRequiredError, PausedError, TooManySessionsError
    ),
)
def recommend(prefetch: Annotated[bool, Query()] = False) -> RecommendResponse:
    event = app.current_event.raw_event
    user, now = caller(event), now_of(event)
    try:
        for attempt in attempts():
            with attempt:
                head = open_store().head(user)
                if head.profile is None:
                    raise ProfileRequiredError
                with refusals_with_support(head.profile):
                    session = _open_session(head.profile, head.sessions, now, shown=not prefetch)
                    return _response(session, support_of(head.profile))
    except TooManySessionsError:
        measures.session_refused()
        raise
    raise UnavailableError


def _open_session(profile: Profile, sessions: Sequence[Session], now: datetime, *, shown: bool) -> Session:
    """Returns the user's open session (marked as shown if `shown`), or a new one.

    `sessions` are the user's latest, newest first. Raises PausedError while the user wants no plan; a session that is
    open stays so.
    """
    if (until := allowed(profile, settings(), now).paused_until) is not None:
        raise PausedError(until)
    latest = sessions[0] if sessions else None
    if latest is None or not accepts_answers(latest, now):
        return _issued(caught_up(profile, sessions), latest, now, shown=shown)
    return _shown(profile, latest, now) if shown else latest


def _issued(profile: Profile, latest: Session | None, now: datetime, *, shown: bool) -> Session:
    """Issues and returns the next session, and closes the session that it replaces in the same transaction."""
    admit(profile, settings(), now)  # raises TooManySessionsError before the policy is read
    policy = _policy(profile.segment) if allowed(profile, settings(), now).personalise else None
    issued = issue(profile, latest, policy, settings(), now, shown=shown)
    sessions = [session_write(s, settings().index_shards) for s in (issued.session, issued.expired) if s]
    open_store().write(*sessions, profile_write(issued.profile), *mark_writes(issued.mark))
    measures.session_issued(issued.session)
    return issued.session


def _shown(profile: Profile, session: Session, now: datetime) -> Session:
    """Records that the open session was shown, if this is the first time for it or on this day, and returns it."""
    shown = show(session, profile, now)
    writes = [session_write(shown.session, settings().index_shards)] if shown.session != session else []
    if shown.mark:
        writes += [profile_write(shown.profile), *mark_writes(shown.mark)]
    if writes:
        open_store().write(*writes)
    return shown.session


def _policy(segment: Segment) -> Policy | None:
    """Returns the segment's policy, possibly a moment old; logs an error and returns None when it cannot be read.

    The line does not name the segment, as it is written at the moment of a person's request.
    """
    try:
        return open_store().policy(segment, consistent=False)
    except PolicyUnreadableError as error:
        logger.error("policy unreadable", extra={"reason": str(error)})
        return None


def _response(session: Session, support: Support | None) -> RecommendResponse:
    return RecommendResponse(
        session_id=session.number,
        rl_action=session.decision.action.title,
        rl_action_id=int(session.decision.action),
        reason=_reason(session),
        expires_at=session.expires_at,
        activities=[_activity(session, position) for position in range(1, len(session.activities) + 1)],
        support=support,
    )


def _activity(session: Session, position: int) -> RecommendedActivity:
    activity = session.activities[position - 1]
    entry = entry_of(activity)
    return RecommendedActivity(
        id=activity_id(session, position),
        name=entry.name,
        type=entry.type,
        category=entry.category,
        duration_minutes=entry.duration_minutes,
        intensity=entry.intensity.value,
        description=entry.description,
        instructions=list(entry.instructions),
        motivation_tracking=True,
        completed=bool(activity.completed),
    )


def _reason(session: Session) -> str:
    """Returns a sentence that says what the plan is based on, and whether it is the best known or a try."""
    decision = session.decision
    if decision.fallback:
        return "A plan drawn at random: what was learned cannot be read just now."
    if decision.impersonal:
        return "A plan drawn at random: you do not want personal plans."
    standing = standing_of(decision.state)
    basis = (
        f"Based on your engagement level ({standing.engagement}), your motivation "
        f"({standing.motivation}) and segment ({session.segment.value}): "
    )
    if len(decision.eligible) == 1:
        return basis + "the one kind of plan that you have not had lately."
    if not decision.explored:
        among = "" if len(decision.eligible) == len(ACTIONS) else ", among those that you may be given now"
        so_far = "so far, by what helped you" if decision.own else "known so far"
        return basis + f"the best kind of plan {so_far}{among}."
    return basis + "a try, to learn whether this kind of plan helps."


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return resolve(app, event, context)
