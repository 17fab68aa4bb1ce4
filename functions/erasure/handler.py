"""The job that removes every item of users who asked to be erased: sessions first, the marker last."""

from contextlib import suppress
from datetime import datetime
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from rl_core.errors import ConflictError
from rl_core.store import Store, open_store

logger = Logger()
metrics = Metrics()

_PAGE = 90


def run(store: Store, now: datetime) -> int:
    """One run: how many users it erased. Cut off anywhere, the next run goes on: the marker goes last."""
    erased = 0
    for page in store.erasing(now, _PAGE):
        for due in page:
            with suppress(ConflictError):
                erased += store.erase(due.pk)
    return erased


@metrics.log_metrics
@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, int]:
    del context
    erased = run(open_store(), datetime.fromisoformat(event["time"]))
    metrics.add_metric(name="UsersErased", unit=MetricUnit.Count, value=erased)
    return {"erased": erased}
