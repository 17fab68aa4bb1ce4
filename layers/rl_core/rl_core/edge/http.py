"""The HTTP edge that the API's functions share: who asks, when, how an error answers, how a number is shown."""

import base64
import json
import re
import warnings
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

# A request that has nothing to count is no cause for a warning.
warnings.filterwarnings("ignore", "No application metrics to publish", UserWarning)

logger = Logger()

JSON = "application/json"
PROBLEM = "application/problem+json"
NO_STORE = {"Cache-Control": "no-store"}  # every answer is one person's, and of this moment
MAX_BODY = 200_000  # characters; a batch with seven full notes, escaped, stays below
MAX_NOTES = 2_000


def utc(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _no_nul(text: str) -> str:
    if "\x00" in text:
        raise ValueError("NUL is not text")
    return text


def _whole(value: Any) -> Any:
    """A JSON number without a fraction is an integer, also as 3.0: so says JSON Schema, and so write some clients."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Timestamp = Annotated[AwareDatetime, PlainSerializer(utc, return_type=str)]
Rounded = Annotated[float, PlainSerializer(lambda value: round(value, 4) + 0.0, return_type=float)]
Notes = Annotated[
    str, Field(max_length=MAX_NOTES, json_schema_extra={"pattern": r"^[^\u0000]*$"}), AfterValidator(_no_nul)
]
WHOLE = BeforeValidator(_whole)
Rating = Annotated[int, Field(ge=1, le=5), WHOLE]


class StrictRequest(BaseModel):
    """A request body: JSON types as they are, unknown fields refused."""

    model_config = ConfigDict(extra="forbid", strict=True)


class CompleteRequest(StrictRequest):
    """What a user says of one activity. A field left out keeps what is stored; null clears it."""

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
    """One definition assigned to one user in one session, with its tracking fields."""

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
    """RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[dict[str, str]] | None = None


def responses(answer: type[BaseModel] | None, *errors: type[RequestError]) -> dict[int, Any]:
    """A route's responses for its OpenAPI: what it answers (None: 204, nothing) and how it may refuse."""
    described: dict[int, Any] = {204: {"description": "Done"}}
    if answer is not None:
        described = {200: {"description": "OK", "content": {"application/json": {"model": answer}}}}
    refusals: tuple[type[RequestError], ...] = (*errors, UnauthorizedError, UnavailableError)
    for error in refusals:
        described[error.status] = {"description": error.title, "content": {PROBLEM: {"model": Problem}}}
    return described


BODY_ERRORS = (InvalidRequestError, PayloadTooLargeError, UnsupportedMediaTypeError)


def tracked_fields(session: Session, activity: Activity) -> dict[str, Any]:
    """The fields of TrackedActivity."""
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
    """Returns the activity's catalogue entry; a placeholder for one that only a newer release has."""
    return catalogue().entry(activity.slug)


def activity_id(session: Session, position: int) -> int:
    return session.number * 10 + position


def plain_integer(text: Any) -> int:
    """A parameter that is digits and nothing else, with a sign at most; a repeated one comes as a list, and is none."""
    if not isinstance(text, str) or not re.fullmatch("-?[0-9]{1,40}", text):
        raise ValueError("not an integer")
    return int(text)


def canonical_id(text: Any) -> int:
    """An activity's id in a path; one that is written otherwise, such as "011", names no activity: -1."""
    number = plain_integer(text)
    return number if str(number) == text else -1


def split_id(identifier: int) -> tuple[int, int]:
    """(session number, position from 1) of an activity id."""
    return divmod(identifier, 10)


def percent(share: float) -> str:
    """Half up, to a whole number."""
    return f"{Decimal(share * 100).quantize(Decimal(1), ROUND_HALF_UP)}%"


def caller(event: Mapping[str, Any]) -> str:
    """The verified token's subject. Raises UnauthorizedError when it has none that can be a key."""
    authorizer = event.get("requestContext", {}).get("authorizer") or {}
    subject = (authorizer.get("jwt") or {}).get("claims", {}).get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= 255:
        raise UnauthorizedError
    return subject


def now_of(event: Mapping[str, Any]) -> datetime:
    """The time of the request, in whole seconds: the event's, never the machine's."""
    return datetime.fromtimestamp(event["requestContext"]["timeEpoch"] // 1000, UTC)


def resolve(app: APIGatewayHttpResolver, event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """The app's answer, after refusing bodies that no route takes and that parsing might choke on."""
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
    return Problem(
        type=error.type,
        title=error.title,
        status=error.status,
        detail=error.detail,
        errors=error.errors,
    ).model_dump_json(exclude_none=True)


def answer_problems(app: APIGatewayHttpResolver) -> None:
    """Gives the app its error answers: problem+json, without internals and without an echo of what was sent."""

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
    """Where in the request, without pydantic's names for what it tried there."""
    parts = [str(p)[:64] for p in location[1:] if isinstance(p, int) or p.isidentifier()]
    return ".".join(parts)
