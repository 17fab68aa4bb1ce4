"""GET, PUT and DELETE /pause/ read, begin, move and end a time in which the user wants no plans."""

from collections.abc import Callable
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.openapi.params import Body
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import AwareDatetime, BaseModel, BeforeValidator, Field

from rl_core.edge.http import (
    BODY_ERRORS,
    StrictRequest,
    Timestamp,
    answer_problems,
    caller,
    now_of,
    resolve,
    responses,
    whole_second,
)
from rl_core.errors import ErasingError, ProfileRequiredError, TooManyPausesError, UnavailableError
from rl_core.models import Profile
from rl_core.sessions import pause_at, pause_ended, pause_until
from rl_core.store import open_store, profile_write
from rl_core.work import attempts

app = APIGatewayHttpResolver(enable_validation=True)
answer_problems(app)
open_store()  # called at init, when Lambda gives the sandbox a whole processor, instead of at the first request
logger = Logger()


class PauseRequest(StrictRequest):
    """`until` is the first moment at which plans are wanted again."""

    until: Annotated[
        AwareDatetime,
        BeforeValidator(whole_second),
        Field(description="in whole seconds, with an offset from UTC; in the future, at most 180 days away"),
    ]


class PauseResponse(BaseModel):
    """`until` is null when no pause holds."""

    until: Timestamp | None


@app.get("/pause", include_in_schema=False)
@app.get(
    "/pause/",
    operation_id="get_pause",
    summary="Until when the user is paused",
    responses=responses(PauseResponse, ErasingError, ProfileRequiredError),
)
def get_pause() -> PauseResponse:
    event = app.current_event.raw_event
    return _response(_profile(caller(event)), now_of(event))


@app.put("/pause", include_in_schema=False)
@app.put(
    "/pause/",
    operation_id="put_pause",
    summary="Pause, or change until when",
    description="Until then no plan is given, the engagement score does not fall for a day without the app, and the "
    "streak goes on over such days. A session that is open may still be answered.",
    responses=responses(PauseResponse, ErasingError, ProfileRequiredError, TooManyPausesError, *BODY_ERRORS),
)
def put_pause(wanted: Annotated[PauseRequest, Body()]) -> PauseResponse:
    event = app.current_event.raw_event
    now = now_of(event)
    return _response(_changed(caller(event), lambda profile: pause_until(profile, wanted.until, now)), now)


@app.delete("/pause", include_in_schema=False)
@app.delete(
    "/pause/",
    operation_id="delete_pause",
    summary="End the pause now",
    description="Safe to repeat.",
    status_code=HTTPStatus.NO_CONTENT,
    responses=responses(None, ErasingError, ProfileRequiredError),
)
def delete_pause() -> Response[str]:
    event = app.current_event.raw_event
    now = now_of(event)
    _changed(caller(event), lambda profile: pause_ended(profile, now))
    return Response(HTTPStatus.NO_CONTENT, body="")  # not null: a gateway may fail on a null body


def _profile(user: str) -> Profile:
    profile = open_store().profile(user)
    if profile is None:
        raise ProfileRequiredError
    return profile


def _changed(user: str, change: Callable[[Profile], Profile]) -> Profile:
    """Writes the changed profile, if anything changes, and returns it."""
    for attempt in attempts():
        with attempt:
            profile = _profile(user)
            changed = change(profile)
            if changed != profile:
                open_store().write(profile_write(changed))
            return changed
    raise UnavailableError


def _response(profile: Profile, now: datetime) -> PauseResponse:
    pause = pause_at(profile.pauses, now)
    return PauseResponse(until=pause.until if pause else None)


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return resolve(app, event, context)
