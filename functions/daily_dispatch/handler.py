"""Puts the shards of all days that are not final on the queue, each day at 12:30 UTC; the event carries the time."""

from datetime import datetime
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from rl_core.store import open_day_table
from rl_core.store.queue import open_queue
from rl_core.work import dispatch

logger = Logger()
metrics = Metrics()


@metrics.log_metrics
@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    del context
    done = dispatch(open_day_table(), datetime.fromisoformat(event["time"]), open_queue().send)
    metrics.add_metric(name="DaysNotFinal", unit=MetricUnit.Count, value=done.not_final)
    logger.info("dispatched", extra={"final": done.final.isoformat(), "messages": done.messages})
    return {"final": done.final.isoformat(), "messages": done.messages, "days": done.not_final}
