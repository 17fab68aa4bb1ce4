"""GET /explanation/{session_id}/ says why the user was given a session's plan, in figures and in one sentence."""

from typing import Annotated, Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.openapi.params import Header, Path
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel, BeforeValidator

from rl_core.config import settings
from rl_core.edge.http import JSON, Rounded, answer_problems, caller, canonical_id, resolve, responses
from rl_core.edge.languages import chosen_language
from rl_core.errors import ErasingError, InvalidRequestError, ProfileRequiredError, SessionNotFoundError
from rl_core.models import Decision, Learning, Session, Status, Why
from rl_core.sessions import (
    PRODUCT,
    Drawn,
    EngagementLevel,
    Language,
    MotivationLevel,
    case_of,
    drawn_of,
    languages,
    learning_of,
    standing_of,
    why_not,
)
from rl_core.store import FrugalStore, ReadBudget, open_store
from rl_core.work import READ_UNITS, Because, Recomputed, recompute

app = APIGatewayHttpResolver(enable_validation=True)
answer_problems(app)
open_store()  # called at init, when Lambda gives the sandbox a whole processor, instead of at the first request
languages()
logger = Logger()


class ExplainedState(BaseModel):
    """How the user stood when the session was issued."""

    engagement: EngagementLevel
    motivation: MotivationLevel


class ExplainedAction(BaseModel):
    """One of the actions that could be drawn, with the probability of that.

    `estimate` is how good the action was held to be for the user, `visits` from how many sessions with the same state
    and action it was estimated. Both are null where no policy was read, and where `exact` is false.
    """

    rl_action_id: int
    rl_action: str
    probability: Rounded
    estimate: Rounded | None
    visits: int | None


class ExplanationResponse(BaseModel):
    """Explains a session's plan; `rl_action` is what was drawn from `actions`.

    `exact` is false where estimates and visits cannot be told, for the reason in `because`; the probabilities are
    always those of the draw. `learning` is null while the session is open. `policy_version` and `total_episodes` are
    those of the version that learned from the session.
    """

    session_id: int
    state: ExplainedState
    rl_action: str
    rl_action_id: int
    actions: list[ExplainedAction]
    drawn: Drawn
    exact: bool
    because: Because | None
    learning: Learning | None
    why: Why | None
    policy_version: int | None
    total_episodes: int | None
    sentence: str
    language: str


_RESPONSES = responses(
    ExplanationResponse, ErasingError, InvalidRequestError, ProfileRequiredError, SessionNotFoundError
)
_RESPONSES[200]["headers"] = {
    "Content-Language": {"description": "the language of `sentence`", "schema": {"type": "string"}}
}


@app.get("/explanation/<session_id>", include_in_schema=False)
@app.get(
    "/explanation/<session_id>/",
    operation_id="explanation",
    summary="Why this plan?",
    description="What the plan of one of the user's sessions was drawn from, how, and what became of it. The sentence "
    "is in the first language of Accept-Language that there is, else in English; Content-Language says which.",
    responses=_RESPONSES,
)
def explanation(
    session_id: Annotated[int, BeforeValidator(canonical_id), Path()],
    accept_language: Annotated[str, Header(alias="Accept-Language")] = PRODUCT,
) -> Response[ExplanationResponse]:
    store = FrugalStore(open_store(), ReadBudget(READ_UNITS))
    session = _session(store, caller(app.current_event.raw_event), session_id)
    spoken = languages()
    language = spoken[chosen_language(accept_language, spoken, PRODUCT)]
    body = _response(session, recompute(store, session, settings()), language)
    return Response(200, JSON, body, headers={"Content-Language": language.language})


def _session(store: FrugalStore, user: str, number: int) -> Session:
    """Returns the user's session of this number. Raises ProfileRequiredError or SessionNotFoundError."""
    if store.profile(user) is None:
        raise ProfileRequiredError
    session = store.session(user, number)
    if session is None:
        raise SessionNotFoundError
    return session


def _response(session: Session, found: Recomputed, language: Language) -> ExplanationResponse:
    decision = session.decision
    standing = standing_of(decision.state)
    return ExplanationResponse(
        session_id=session.number,
        state=ExplainedState(engagement=standing.engagement, motivation=standing.motivation),
        rl_action=decision.action.title,
        rl_action_id=int(decision.action),
        actions=_actions(decision, found),
        drawn=drawn_of(decision),
        exact=found.because is None,
        because=found.because,
        learning=None if session.status is Status.OPEN else learning_of(session),
        why=why_not(session),
        policy_version=session.learned_version,
        total_episodes=session.learned_episodes,
        sentence=language.sentence(case_of(decision), standing),
        language=language.language,
    )


def _actions(decision: Decision, found: Recomputed) -> list[ExplainedAction]:
    return [
        ExplainedAction(
            rl_action_id=int(action),
            rl_action=action.title,
            probability=probability,
            estimate=None if found.estimates is None else found.estimates[action],
            visits=None if found.visits is None else found.visits[action],
        )
        for action, probability in zip(decision.eligible, decision.chances, strict=True)
    ]


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return resolve(app, event, context)
