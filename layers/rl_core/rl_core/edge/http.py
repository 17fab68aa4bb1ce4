"""Reads a request's caller, time and ids, and formats errors, fields and numbers, for all functions of the API."""

import base64
import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Annotated, Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer
from pydantic.json_schema import SkipJsonSchema

from rl_core.errors import (
    FettleError,
    InvalidRequestError,
    PathNotFoundError,
    PayloadTooLargeError,
    RequestError,
    UnauthorizedError,
    UnavailableError,
    UnsupportedMediaTypeError,
)
from rl_core.models import Activity, Session
from rl_core.sessions import Answer, Entry, catalogue

logger = Logger()

JSON = "application/json"
PROBLEM = "application/problem+json"
NO_STORE = {"Cache-Control": "no-store"}  # an answer is meant for one person at one moment
MAX_BODY = 200_000  # characters; a batch with seven full notes is smaller, even when they are escaped
MAX_NOTES = 2_000
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.0{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})", re.I)


def utc(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _no_nul(text: str) -> str:
    if "\x00" in text:
        raise ValueError("NUL is not text")
    return text


def _whole(value: Any) -> Any:
    """Returns a float without a fraction as an integer, and any other value unchanged.

    JSON Schema calls 3.0 an integer, and some clients send integers in this form.
    """
    return int(value) if isinstance(value, float) and value.is_integer() else value


def whole_second(value: Any) -> datetime:
    """Returns the moment in UTC that a text of RFC 3339 names. Raises ValueError for any other value.

    The text has an offset, and no fraction of a second other than zero.
    """
    if not isinstance(value, str) or not _MOMENT.fullmatch(value):
        raise ValueError("not a time of RFC 3339 in whole seconds")
    try:
        return datetime.fromisoformat(value.upper()).astimezone(UTC)
    except OverflowError as error:
        raise ValueError("out of the calendar") from error


Timestamp = Annotated[AwareDatetime, PlainSerializer(utc, return_type=str)]
Rounded = Annotated[float, PlainSerializer(lambda value: round(value, 4) + 0.0, return_type=float)]
Notes = Annotated[
    str, Field(max_length=MAX_NOTES, json_schema_extra={"pattern": r"^[^\u0000]*$"}), AfterValidator(_no_nul)
]
WHOLE = BeforeValidator(_whole)
Rating = Annotated[int, Field(ge=1, le=5), WHOLE]


class StrictRequest(BaseModel):
    """Validates a request body: it converts no JSON type into another and refuses unknown fields."""

    model_config = ConfigDict(extra="forbid", strict=True)


class CompleteRequest(StrictRequest):
    """Holds what a user says of one activity. A field that is left out keeps what is stored; null clears the field."""

    completed: bool
    motivation_before: Rating | None = None
    motivation_after: Rating | None = None
    difficulty_rating: Rating | None = None
    notes: Notes | None = Field(default=None)

    def said(self) -> Answer:
        """Returns the fields that were stated."""
        stated: Any = self.model_dump(exclude_unset=True, include=set(CompleteRequest.model_fields))
        if "notes" in stated:
            stated["notes"] = stated["notes"] or ""
        said: Answer = stated
        return said


class TrackedActivity(BaseModel):
    """Holds one definition assigned to one user in one session, with its tracking fields."""

    user: str
    activity_type: str
    activity_name: str
    segment: str
    rl_action_id: int
    description: str
    duration_minutes: int
    intensity: str
    assigned_date: Timestamp
    completion_date: Timestamp | None
    completed: bool
    motivation_before: int | None
    motivation_after: int | None
    difficulty_rating: int | None
    notes: str
    created_at: Timestamp


class Problem(BaseModel):
    """Describes an error as RFC 9457 does; some errors have members of their own besides."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    errors: list[dict[str, str]] | None = None
    until: Timestamp | SkipJsonSchema[None] = Field(None, description="when a pause ends, of a 409 `paused`")


def responses(answer: type[BaseModel] | None, *errors: type[RequestError]) -> dict[int, Any]:
    """Returns a route's responses for OpenAPI: its answer (None: status 204 without a body) and its errors.

    UnauthorizedError and UnavailableError are always among the errors.
    """
    described: dict[int, Any] = {204: {"description": "Done"}}
    if answer is not None:
        described = {200: {"description": "OK", "content": {"application/json": {"model": answer}}}}
    refusals: tuple[type[RequestError], ...] = (*errors, UnauthorizedError, UnavailableError)
    for error in refusals:
        described[error.status] = {"description": error.title, "content": {PROBLEM: {"model": Problem}}}
    return described


BODY_ERRORS = (InvalidRequestError, PayloadTooLargeError, UnsupportedMediaTypeError)


def tracked_fields(session: Session, activity: Activity) -> dict[str, Any]:
    """Returns the fields of TrackedActivity for one activity of a session."""
    entry = entry_of(activity)
    return {
        "user": session.user,
        "activity_type": entry.type,
        "activity_name": entry.name,
        "segment": session.segment.value,
        "rl_action_id": int(session.decision.action),
        "description": entry.description,
        "duration_minutes": entry.duration_minutes,
        "intensity": entry.intensity.value,
        "assigned_date": session.issued_at,
        "completion_date": activity.completed_at,
        "completed": bool(activity.completed),
        "motivation_before": activity.motivation_before,
        "motivation_after": activity.motivation_after,
        "difficulty_rating": activity.difficulty_rating,
        "notes": activity.notes,
        "created_at": session.issued_at,
    }


def entry_of(activity: Activity) -> Entry:
    """Returns the activity's catalogue entry, or a placeholder when only a newer release has the entry."""
    return catalogue().entry(activity.slug)


def activity_id(session: Session, position: int) -> int:
    return session.number * 10 + position


def plain_integer(text: Any) -> int:
    """Returns the integer of a parameter that has only digits, with or without a minus sign.

    Raises ValueError for any other parameter, also for a repeated one, which comes as a list.
    """
    if not isinstance(text, str) or not re.fullmatch("-?[0-9]{1,40}", text):
        raise ValueError("not an integer")
    return int(text)


def canonical_id(text: Any) -> int:
    """Returns the id in a path, or -1, which no activity or session has, for another spelling such as "011".

    Raises ValueError when the text is not an integer.
    """
    number = plain_integer(text)
    return number if str(number) == text else -1


def split_id(identifier: int) -> tuple[int, int]:
    """Returns (session number, position from 1) of an activity id."""
    return divmod(identifier, 10)


def percent(share: float) -> str:
    """Returns a share as text, rounded half up to whole percent: "50%" for 0.5."""
    return f"{Decimal(share * 100).quantize(Decimal(1), ROUND_HALF_UP)}%"


def caller(event: Mapping[str, Any]) -> str:
    """Returns the verified token's subject. Raises UnauthorizedError when the token has none that can be a key."""
    authorizer = event.get("requestContext", {}).get("authorizer") or {}
    subject = (authorizer.get("jwt") or {}).get("claims", {}).get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= 255:
        raise UnauthorizedError
    return subject


def now_of(event: Mapping[str, Any]) -> datetime:
    """Returns the time of the request in whole seconds. It comes from the event, never from the machine's clock."""
    return datetime.fromtimestamp(event["requestContext"]["timeEpoch"] // 1000, UTC)


def resolve(app: APIGatewayHttpResolver, event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Returns the app's answer; refuses a body that no route takes or that cannot be parsed before the app sees it."""
    try:
        _check_body(event)
    except RequestError as error:
        headers = {"Content-Type": PROBLEM, **NO_STORE}
        return {"statusCode": error.status, "headers": headers, "body": _problem(error)}
    answer = app.resolve({**event, "headers": {**(event.get("headers") or {}), "content-type": JSON}}, context)
    return {**answer, "headers": {**(answer.get("headers") or {}), **NO_STORE}}


def _check_body(event: Mapping[str, Any]) -> None:
    body = event.get("body") or ""
    if len(body) > MAX_BODY:
        raise PayloadTooLargeError
    kind = (event.get("headers") or {}).get("content-type", JSON)
    takes_body = bool(body) or event["requestContext"]["http"]["method"] in {"POST", "PUT"}
    if takes_body and kind.partition(";")[0].strip().lower() != JSON:
        raise UnsupportedMediaTypeError
    try:
        json.loads(base64.b64decode(body).decode() if event.get("isBase64Encoded") else body or "null")
    except (ValueError, RecursionError) as error:
        raise InvalidRequestError("The body is not JSON that this service can read.") from error


def _problem(error: RequestError) -> str:
    its = Problem(
        type=error.type, title=error.title, status=error.status, detail=error.detail, errors=error.errors
    ).model_dump(exclude_none=True)
    return json.dumps(its | error.members, default=utc, ensure_ascii=False, separators=(",", ":"))


def answer_problems(app: APIGatewayHttpResolver) -> None:
    """Registers the app's error handlers; they answer problem+json without internals and without echoing the input."""

    def refused(error: RequestError) -> Response[str]:
        return Response(error.status, PROBLEM, _problem(error), headers=dict(error.headers))

    def invalid(error: RequestValidationError) -> Response[str]:
        errors = [{"field": _field(e["loc"]), "error": str(e["type"])} for e in error.errors()]
        return refused(InvalidRequestError(errors=[e for e in errors if e["error"] != "none_required"]))

    def unreadable(_: RecursionError) -> Response[str]:
        return refused(InvalidRequestError("The body is nested too deeply."))

    def failed(error: FettleError) -> Response[str]:
        logger.error("request failed", extra={"error": type(error).__name__, "reason": str(error)})
        return refused(UnavailableError())

    def unknown(_: NotFoundError) -> Response[str]:
        return refused(PathNotFoundError())

    app.exception_handler(RequestError)(refused)
    app.exception_handler(RequestValidationError)(invalid)
    app.exception_handler(FettleError)(failed)
    app.exception_handler(RecursionError)(unreadable)
    app.exception_handler(NotFoundError)(unknown)


def _field(location: Sequence[int | str]) -> str:
    """Returns where in the request the error is, without pydantic's names for the types that it tried there."""
    parts = [str(p)[:64] for p in location[1:] if isinstance(p, int) or p.isidentifier()]
    return ".".join(parts)
