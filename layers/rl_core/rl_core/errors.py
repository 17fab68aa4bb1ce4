"""Defines every error that this service raises; the tree shows which class derives from which.

FettleError
|-- RequestError                 answered to the caller, with an HTTP status, a stable type and one sentence
|   |-- InvalidRequestError      422  the values do not fit
|   |-- PayloadTooLargeError     413
|   |-- UnsupportedMediaTypeError 415
|   |-- UnauthorizedError        401  the verified token has no subject
|   |-- PathNotFoundError        404  the gateway lets the path through, but no route matches it
|   |-- ProfileNotFoundError     404
|   |-- ActivityNotFoundError    404
|   |-- SessionNotFoundError     404
|   |-- ProfileRequiredError     409
|   |-- SessionClosedError       409
|   |-- ErasingError             409
|   |-- PausedError              409  says until when the user wants no plans
|   |-- TryLaterError            says in Retry-After when
|   |   |-- TooManySessionsError 429  the user's day has used up its sessions
|   |   |-- TooManyGrantsError   429  the user's day has used up its grants of consent
|   |   |-- TooManyPausesError   429  the profile keeps as many pauses since the user's latest active day as it can
|   |   `-- WithdrawalError      503  more sessions wait to be learned from than one request drops: repeat it
|   |-- TooManyAnswersError      429  a session's answers were changed too often; a batch may still end it
|   `-- UnavailableError         503  the table cannot be reached, or a race was lost too often: try again
|-- ConflictError                a conditional write found another state; names what had changed
|-- OversizeError                a transaction is too large for the table
|-- UnreadableItemError          a stored item cannot be parsed; no code guesses its content or overwrites it
|-- VersionError                 a version of a policy cannot be rebuilt or restored
|   |-- TooMuchToReadError       to rebuild it takes more reading than the request may do
|   `-- UnknownFoldError         it was folded in a way that this code does not have
|-- ActedError                   somebody acted on a policy after the operator had looked at it
|-- SpentError                   a budget of reads is used up; what was not read is not known
|-- RefoldPendingError           a segment's past is being folded anew; try again when that is done
`-- PolicyUnreadableError        the policy item is unavailable, unparsable or of another format
"""

from datetime import datetime
from typing import Any


class FettleError(Exception):
    """Every error that this service raises derives from this class."""


class RequestError(FettleError):
    """The request cannot be served as it is.

    `detail` is safe to show; `headers` are added to the answer, `members` to the problem that it holds.
    """

    status = 400
    type = "bad-request"
    title = "Bad request"
    detail = "The request cannot be served."

    def __init__(self, detail: str | None = None, errors: list[dict[str, str]] | None = None) -> None:
        self.detail = detail or self.detail
        self.errors = errors
        self.headers: dict[str, str] = {}
        self.members: dict[str, Any] = {}
        super().__init__(self.detail)


class InvalidRequestError(RequestError):
    status = 422
    type = "invalid-request"
    title = "Invalid request"
    detail = "The request's values do not fit."


class PayloadTooLargeError(RequestError):
    status = 413
    type = "payload-too-large"
    title = "Payload too large"
    detail = "The request body is larger than this service takes."


class UnsupportedMediaTypeError(RequestError):
    status = 415
    type = "unsupported-media-type"
    title = "Unsupported media type"
    detail = "Send application/json."


class UnauthorizedError(RequestError):
    status = 401
    type = "unauthorized"
    title = "Unauthorized"
    detail = "The token names no subject."


class PathNotFoundError(RequestError):
    status = 404
    type = "not-found"
    title = "Not found"
    detail = "There is nothing at this path."


class ProfileNotFoundError(RequestError):
    status = 404
    type = "profile-not-found"
    title = "No profile"
    detail = "There is no profile yet: PUT /profile/ creates it."


class ActivityNotFoundError(RequestError):
    status = 404
    type = "activity-not-found"
    title = "Unknown activity"
    detail = "No activity of yours has this id."


class SessionNotFoundError(RequestError):
    status = 404
    type = "session-not-found"
    title = "Unknown session"
    detail = "No session of yours has this id."


class ProfileRequiredError(RequestError):
    status = 409
    type = "profile-required"
    title = "Profile required"
    detail = "PUT /profile/ with a segment or an assessment first."


class SessionClosedError(RequestError):
    status = 409
    type = "session-closed"
    title = "Session closed"
    detail = "The session has ended; its answers can no longer change."


class ErasingError(RequestError):
    status = 409
    type = "erasing"
    title = "Being erased"
    detail = "This user's data is being erased; try again when that is done."


class PausedError(RequestError):
    status = 409
    type = "paused"
    title = "Paused"
    detail = "You wanted no plans for a while; DELETE /pause/ ends that."

    def __init__(self, until: datetime) -> None:
        """Sets the member `until`: the first moment after the pause."""
        super().__init__()
        self.members = {"until": until}


class TryLaterError(RequestError):
    def __init__(self, retry_after: int) -> None:
        """Sets the header Retry-After; `retry_after` is a number of whole seconds."""
        super().__init__()
        self.headers = {"Retry-After": str(retry_after)}


class TooManySessionsError(TryLaterError):
    status = 429
    type = "too-many-sessions"
    title = "Too many sessions"
    detail = "No more plans today; the next one comes tomorrow."


class TooManyGrantsError(TryLaterError):
    status = 429
    type = "too-many-grants"
    title = "Too many grants"
    detail = "Consent was granted too often today. To refuse it is possible at any time."


class TooManyPausesError(TryLaterError):
    status = 429
    type = "too-many-pauses"
    title = "Too many pauses"
    detail = "You began too many pauses since your latest plan; a pause that holds can still be changed or ended."


class WithdrawalError(TryLaterError):
    status = 503
    type = "withdrawal-unfinished"
    title = "Not finished"
    detail = "A part was done, and stays done: repeat the request until it succeeds."


class TooManyAnswersError(RequestError):
    status = 429
    type = "too-many-answers"
    title = "Too many answers"
    detail = "This session's answers were changed too often; a feedback batch can still end it."


class UnavailableError(RequestError):
    status = 503
    type = "unavailable"
    title = "Try again"
    detail = "Nothing was changed by this request as far as is known; repeating it is safe."


class ConflictError(FettleError):
    """The conditions of a write or a transaction did not hold.

    `lost` names what had changed: "session", "profile", "policy", ...; `keys` holds the keys of the sessions that had
    changed. Both are empty when another transaction was at work on the same items.
    """

    def __init__(self, lost: frozenset[str] = frozenset(), keys: frozenset[bytes] = frozenset()) -> None:
        self.lost = lost
        self.keys = keys
        super().__init__(f"changed meanwhile: {', '.join(sorted(lost)) or 'another transaction is at work'}")


class OversizeError(FettleError):
    """The table refused a transaction for its size or shape.

    `keys` holds the keys of the sessions whose own writes were refused. It is empty when the transaction was refused
    as a whole.
    """

    def __init__(self, code: str, keys: frozenset[bytes] = frozenset()) -> None:
        self.keys = keys
        super().__init__(code)


class UnreadableItemError(FettleError):
    """A stored item cannot be parsed."""


class VersionError(FettleError):
    """A version of a policy cannot be rebuilt or restored."""


class TooMuchToReadError(VersionError):
    """To rebuild a version takes more reading than the request may do."""


class UnknownFoldError(VersionError):
    """A version was folded by a learner, with constants or from an action that this code does not have."""


class ActedError(FettleError):
    """Somebody acted on a policy after the operator had looked at it; nothing was done."""

    def __init__(self, version: int) -> None:
        super().__init__(f"somebody else has acted since, in version {version}; look again before you act")


class SpentError(FettleError):
    """A budget of reads is used up."""


class RefoldPendingError(FettleError):
    """A segment's past is being folded anew; this cannot be done until that is finished."""


class PolicyUnreadableError(FettleError):
    """A segment's policy cannot be read; nothing may be written over it."""
