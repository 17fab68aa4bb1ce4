"""What DynamoDB refuses, as one of our errors."""

from botocore.exceptions import ClientError

from rl_core.errors import ConflictError, FettleError, OversizeError, UnavailableError

_TOO_LARGE = {"ValidationError", "ValidationException", "ItemCollectionSizeLimitExceeded"}
_RACES = {"ConditionalCheckFailed", "ConditionalCheckFailedException"}
_BUSY = {"TransactionConflict", "TransactionConflictException", "TransactionInProgressException"}


def translated(error: ClientError) -> FettleError:
    """A lost condition, a race, a size that is refused; anything else is that the table is not there."""
    code = error.response["Error"]["Code"]
    reasons = [r.get("Code", "None") for r in error.response.get("CancellationReasons", [])]
    if code in _RACES:
        return ConflictError(frozenset({0}))
    if _TOO_LARGE & {code, *reasons}:
        return OversizeError(code)
    if lost := frozenset(i for i, reason in enumerate(reasons) if reason in _RACES):
        return ConflictError(lost)
    if _BUSY & {code, *reasons}:
        return ConflictError()
    return UnavailableError()
