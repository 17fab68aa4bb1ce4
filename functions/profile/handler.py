"""GET, PUT and DELETE /profile/ read, write and erase the user's segment, scores, time zone and tags to avoid.

A PUT with both scores of an assessment also keeps these.
"""

import secrets
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, Self

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.openapi.params import Body
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic.json_schema import SkipJsonSchema

from rl_core.config import MOST_WITHOUT, settings
from rl_core.edge.http import (
    BODY_ERRORS,
    WHOLE,
    Rounded,
    StrictRequest,
    answer_problems,
    caller,
    now_of,
    resolve,
    responses,
)
from rl_core.edge.support import Support, support_of
from rl_core.errors import ErasingError, InvalidRequestError, ProfileNotFoundError, UnavailableError
from rl_core.models import ACTIONS, Action, Profile, Segment
from rl_core.sessions import assessed, catalogue, engagement_now, erased, moved, segment_of, streak_now, timezones
from rl_core.store import Head, assessment_writes, marker_write, open_store, profile_write
from rl_core.work import attempts

app = APIGatewayHttpResolver(enable_validation=True)
answer_problems(app)
open_store()  # called at init, when Lambda gives the sandbox a whole processor, instead of at the first request
logger = Logger()
metrics = Metrics()

_MINUTES_A_WEEK = 7 * 24 * 60


def _known_timezone(name: str) -> str:
    if name not in timezones():
        raise ValueError("not an IANA time zone")
    return name


def _known_tags(tags: list[str]) -> list[str]:
    if unknown := set(tags) - catalogue().tags.keys():
        raise ValueError(f"{len(unknown)} unknown tags")
    return sorted(set(tags))


def _each_once(actions: list[int]) -> list[int]:
    if len(set(actions)) < len(actions):
        raise ValueError("an action twice")
    return sorted(actions)


def _describe_tags(schema: dict[str, Any]) -> None:
    """Adds the catalogue's tags to the API's description; `_known_tags` checks a request's tags."""
    schema["items"]["enum"] = sorted(catalogue().tags)


Zone = Annotated[
    str, Field(max_length=64, json_schema_extra={"format": "iana-time-zone"}), AfterValidator(_known_timezone)
]
Tags = Annotated[list[str], Field(max_length=100, json_schema_extra=_describe_tags), AfterValidator(_known_tags)]
Without = Annotated[
    list[Annotated[int, Field(ge=0, lt=len(ACTIONS)), WHOLE]],
    Field(max_length=MOST_WITHOUT, json_schema_extra={"uniqueItems": True}),
    AfterValidator(_each_once),
]
_FORMS: dict[str, Any] = {
    "dependentRequired": {
        "gad7_score": ["active_minutes_per_week"],
        "active_minutes_per_week": ["gad7_score"],
    },
    "not": {"required": ["segment", "gad7_score"]},
}


class ProfileRequest(StrictRequest):
    """Segment, or both scores of an assessment; the first PUT needs one of the two forms."""

    model_config = ConfigDict(json_schema_extra=_FORMS)

    segment: Annotated[Segment, Field(strict=False)] | SkipJsonSchema[None] = None
    gad7_score: Annotated[int, Field(ge=0, le=21), WHOLE] | SkipJsonSchema[None] = None
    active_minutes_per_week: Annotated[int, Field(ge=0, le=_MINUTES_A_WEEK), WHOLE] | SkipJsonSchema[None] = None
    timezone: Zone | SkipJsonSchema[None] = None
    avoid: Tags | SkipJsonSchema[None] = None
    without: Without | SkipJsonSchema[None] = None

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if any(getattr(self, name) is None for name in self.model_fields_set):
            raise ValueError("a field is left out, not null")
        scores = {"gad7_score", "active_minutes_per_week"} & self.model_fields_set
        if "segment" in self.model_fields_set and scores:
            raise ValueError("a segment or an assessment, not both")
        if len(scores) == 1:
            raise ValueError("an assessment needs both scores")
        return self

    def stated_segment(self) -> Segment | None:
        if self.gad7_score is not None and self.active_minutes_per_week is not None:
            return segment_of(self.gad7_score, self.active_minutes_per_week)
        return self.segment


class ProfileResponse(BaseModel):
    segment: str
    engagement_score: Rounded
    motivation_score: Rounded
    timezone: str
    avoid: list[str]
    without: list[int]
    streak_days: int
    support: Support | None


@app.get("/profile", include_in_schema=False)
@app.get(
    "/profile/",
    operation_id="get_profile",
    summary="The user's profile",
    responses=responses(ProfileResponse, ProfileNotFoundError),
)
def get_profile() -> ProfileResponse:
    event = app.current_event.raw_event
    try:
        head = open_store().head(caller(event))
    except ErasingError as error:
        raise ProfileNotFoundError from error
    if head.profile is None:
        raise ProfileNotFoundError
    return _response(head.profile, head, now_of(event))


@app.put("/profile", include_in_schema=False)
@app.put(
    "/profile/",
    operation_id="put_profile",
    summary="Create or change the profile",
    description="Changes what it names and keeps the scores; an open session keeps its segment.",
    responses=responses(ProfileResponse, ErasingError, *BODY_ERRORS),
)
def put_profile(wanted: Annotated[ProfileRequest, Body()]) -> ProfileResponse:
    event = app.current_event.raw_event
    user, now = caller(event), now_of(event)
    for attempt in attempts():
        with attempt:
            return _put(user, wanted, now)
    raise UnavailableError


def new_key(user: str, now: datetime) -> bytes:
    """Returns the key of a new life: 16 random bytes. The local stack replaces this by a function of user and time."""
    del user, now
    return secrets.token_bytes(16)


def _put(user: str, wanted: ProfileRequest, now: datetime) -> ProfileResponse:
    """Writes the wanted fields into the profile, or makes the first one, and returns it as it then stands.

    Raises InvalidRequestError when the first profile has neither a segment nor both scores.
    """
    store, assessment = open_store(), None
    head = store.head(user)
    if head.profile is None:
        segment = wanted.stated_segment()
        if segment is None:
            raise InvalidRequestError("The first profile needs a segment, or both scores of an assessment.")
        old = Profile(user, new_key(user, now), segment, now)
    else:
        old = head.profile
    profile = moved(old, wanted.stated_segment() or old.segment)
    if wanted.timezone is not None:
        profile = replace(profile, timezone=wanted.timezone)
    if wanted.avoid is not None:
        profile = replace(profile, avoid=tuple(wanted.avoid))
    if wanted.without is not None:
        profile = replace(profile, without=tuple(map(Action, wanted.without)))
    if wanted.gad7_score is not None and wanted.active_minutes_per_week is not None:
        scores = wanted.gad7_score, wanted.active_minutes_per_week
        profile, assessment = assessed(profile, *scores, settings(), now)
    if profile != head.profile:
        store.write(profile_write(profile), *assessment_writes(user, assessment))
    return _response(profile, head, now)


@app.delete("/profile", include_in_schema=False)
@app.delete(
    "/profile/",
    operation_id="delete_profile",
    summary="Erase the user",
    description="Safe to repeat. A job removes every item; until then the API answers 409 `erasing`.",
    status_code=HTTPStatus.NO_CONTENT,
    responses=responses(None),
)
def delete_profile() -> Response[str]:
    event = app.current_event.raw_event
    user, now = caller(event), now_of(event)
    for attempt in attempts():
        with attempt:
            _erase(user, now)
            return Response(HTTPStatus.NO_CONTENT, body="")  # not null: a gateway may fail on a null body
    raise UnavailableError


def _erase(user: str, now: datetime) -> None:
    """Replaces the profile by an erasure's marker; does nothing without a profile, or if the marker is there."""
    store = open_store()
    with suppress(ErasingError):
        if (found := store.profile(user)) is None:
            return
        store.write(marker_write(erased(found, settings(), now), settings().index_shards))
        metrics.add_metric(name="ErasuresRequested", unit=MetricUnit.Count, value=1)


def _response(profile: Profile, head: Head, now: datetime) -> ProfileResponse:
    return ProfileResponse(
        segment=profile.segment.value,
        engagement_score=engagement_now(profile, now),
        motivation_score=profile.motivation,
        timezone=profile.timezone,
        avoid=list(profile.avoid),
        without=list(map(int, profile.without)),
        streak_days=streak_now(profile, head.sessions, now),
        support=support_of(profile),
    )


@metrics.log_metrics
@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return resolve(app, event, context)
