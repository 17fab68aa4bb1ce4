"""GET /activity/history/ returns the user's sessions with their activities, newest first, page by page."""

from collections.abc import Sequence
from typing import Annotated, Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.event_handler.openapi.params import Query
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel

from rl_core.edge.http import (
    Rounded,
    Timestamp,
    TrackedActivity,
    activity_id,
    answer_problems,
    caller,
    resolve,
    responses,
    tracked_fields,
)
from rl_core.errors import ErasingError, InvalidRequestError
from rl_core.models import Session
from rl_core.store import ReadBudget, open_store

app = APIGatewayHttpResolver(enable_validation=True)
answer_problems(app)
open_store()  # called at init, when Lambda gives the sandbox a whole processor, instead of at the first request
logger = Logger()

_READ_UNITS = 128  # the largest page, 512 KB, fits into a Lambda answer (6 MB) however its notes are escaped
_LAST = 10**8  # larger than any session number


class HistoryActivity(TrackedActivity):
    id: int


class HistorySession(BaseModel):
    session_id: int
    status: str
    rl_action: str
    rl_action_id: int
    segment: str
    issued_at: Timestamp
    closed_at: Timestamp | None
    reward: Rounded | None
    activities: list[HistoryActivity]


class HistoryResponse(BaseModel):
    sessions: list[HistorySession]
    next_token: str | None


@app.get("/activity/history", include_in_schema=False)
@app.get(
    "/activity/history/",
    operation_id="history",
    summary="The user's sessions, newest first",
    description="A page has up to `limit` sessions, fewer if they are large; `next_token` is null on the last page.",
    responses=responses(HistoryResponse, ErasingError, InvalidRequestError),
)
def history(
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    next_token: Annotated[str | None, Query(pattern=r"^[0-9]{1,8}$")] = None,
) -> HistoryResponse:
    user = caller(app.current_event.raw_event)
    found = _sessions(user, int(next_token) if next_token else _LAST, limit)
    more = bool(found) and found[-1].number > 1
    return HistoryResponse(
        sessions=[_history_session(s) for s in found], next_token=str(found[-1].number) if more else None
    )


def _sessions(user: str, before: int, limit: int) -> Sequence[Session]:
    """Returns the user's sessions with numbers below `before`, newest first: up to `limit`, within the page's units.

    Raises ErasingError when the user is being erased.
    """
    store = open_store()
    store.profile(user)
    return store.newest_sessions(user, ReadBudget(_READ_UNITS), before=before, most=limit)


def _history_session(session: Session) -> HistorySession:
    return HistorySession(
        session_id=session.number,
        status=session.status,
        rl_action=session.decision.action.title,
        rl_action_id=int(session.decision.action),
        segment=session.segment.value,
        issued_at=session.issued_at,
        closed_at=session.closed_at,
        reward=session.closing.reward if session.closing else None,
        activities=[
            HistoryActivity(id=activity_id(session, position), **tracked_fields(session, activity))
            for position, activity in enumerate(session.activities, 1)
        ],
    )


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return resolve(app, event, context)
