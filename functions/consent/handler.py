"""GET and PUT /consent/ read and change what the user lets the service do: personal plans, and learning from them."""

from datetime import datetime
from itertools import zip_longest
from typing import Annotated, Any, Self

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.event_handler.openapi.params import Body
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.json_schema import SkipJsonSchema

from rl_core.config import settings
from rl_core.edge.http import (
    BODY_ERRORS,
    StrictRequest,
    Timestamp,
    answer_problems,
    caller,
    now_of,
    resolve,
    responses,
)
from rl_core.errors import (
    ErasingError,
    ProfileRequiredError,
    TooManyGrantsError,
    UnavailableError,
    WithdrawalError,
)
from rl_core.models import Choice, Profile, Statement, Unlearning
from rl_core.sessions import Wish, allowed
from rl_core.store import open_store
from rl_core.work import attempts, state_consent

app = APIGatewayHttpResolver(enable_validation=True)
answer_problems(app)
open_store()  # called at init, when Lambda gives the sandbox a whole processor, instead of at the first request
logger = Logger()

_HISTORY = 100  # statements shown; an answer stays far below what a gateway lets through

_BOTH: dict[str, Any] = {"learn": {"const": True}, "unlearn": {"const": True}}
_FORMS: dict[str, Any] = {"minProperties": 2, "not": {"required": list(_BOTH), "properties": _BOTH}}


class ConsentRequest(StrictRequest):
    """What the user says after reading a text: of one purpose or both, and whether what was learned is taken back."""

    model_config = ConfigDict(json_schema_extra=_FORMS)

    personalise: bool | SkipJsonSchema[None] = None
    learn: bool | SkipJsonSchema[None] = None
    text_version: Annotated[str, Field(min_length=1, max_length=64)]
    unlearn: bool | SkipJsonSchema[None] = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if any(getattr(self, name) is None for name in self.model_fields_set):
            raise ValueError("a field is left out, not null")
        if len(self.model_fields_set) == 1:
            raise ValueError("say something of personalise, learn or unlearn")
        if self.unlearn and self.learn:
            raise ValueError("unlearn goes with learn false")
        return self


class Purpose(BaseModel):
    """`since` and `text_version` are null where the user never said anything and the service's default holds."""

    granted: bool
    since: Timestamp | None
    text_version: str | None


class ConsentStatement(BaseModel):
    """What the user said at one moment; null where they said nothing new of a purpose."""

    at: Timestamp
    personalise: bool | None
    learn: bool | None
    unlearn: bool
    text_version: str


class ConsentResponse(BaseModel):
    personalise: Purpose
    learn: Purpose
    unlearning: Unlearning
    history: list[ConsentStatement]


@app.get("/consent", include_in_schema=False)
@app.get(
    "/consent/",
    operation_id="get_consent",
    summary="What the user consents to",
    description="`history` has the latest hundred statements, newest first.",
    responses=responses(ConsentResponse, ErasingError, ProfileRequiredError),
)
def get_consent() -> ConsentResponse:
    event = app.current_event.raw_event
    profile = open_store().profile(caller(event))
    if profile is None:
        raise ProfileRequiredError
    return _response(profile, now_of(event))


@app.put("/consent", include_in_schema=False)
@app.put(
    "/consent/",
    operation_id="put_consent",
    summary="Grant or withdraw consent",
    description="What is not mentioned stays. Saying the same again changes nothing. Withdrawing is never refused for "
    "its number; where much waits to be learned from, it takes several requests (503 with Retry-After).",
    responses=responses(
        ConsentResponse, ErasingError, ProfileRequiredError, TooManyGrantsError, WithdrawalError, *BODY_ERRORS
    ),
)
def put_consent(said: Annotated[ConsentRequest, Body()]) -> ConsentResponse:
    event = app.current_event.raw_event
    user, now = caller(event), now_of(event)
    wish = Wish(said.text_version, said.personalise, said.learn, bool(said.unlearn))
    return _response(_stated(user, wish, now), now)


def _stated(user: str, wish: Wish, now: datetime) -> Profile:
    for attempt in attempts():
        with attempt:
            return state_consent(open_store(), user, wish, settings(), now)
    raise UnavailableError


def _response(profile: Profile, now: datetime) -> ConsentResponse:
    statements = open_store().statements(profile.user, _HISTORY + 1) if profile.statements else []
    may = allowed(profile, settings(), now)
    personalise, learn = (statements[0].personalise, statements[0].learn) if statements else (None, None)
    return ConsentResponse(
        personalise=_purpose(may.personalise, personalise),
        learn=_purpose(may.learn, learn),
        unlearning=profile.unlearning,
        history=[_statement(*pair) for pair in zip_longest(statements, statements[1:])][:_HISTORY],
    )


def _purpose(granted: bool, choice: Choice | None) -> Purpose:
    return Purpose(granted=granted, since=choice and choice.since, text_version=choice and choice.text_version)


def _statement(its: Statement, before: Statement | None) -> ConsentStatement:
    return ConsentStatement(
        at=its.at,
        personalise=_new(its.personalise, before.personalise if before else None),
        learn=_new(its.learn, before.learn if before else None),
        unlearn=its.unlearn,
        text_version=its.text_version,
    )


def _new(choice: Choice | None, before: Choice | None) -> bool | None:
    """Returns what a statement said of a purpose; None if what holds of it held before, or nothing was ever said."""
    return choice.granted if choice and choice != before else None


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return resolve(app, event, context)
