"""Computes shards of days from the queue: first the users' days, then the segments' days.

The worker that makes a day's last shard final publishes the day's figures. SQS delivers a message that failed again,
without the others of its batch.
"""

from datetime import date
from typing import Annotated, Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import AwareDatetime, BaseModel, Field

from rl_core.config import settings
from rl_core.edge import measures
from rl_core.store import DAY_SHARDS, open_day_table
from rl_core.work import final_segments, run_shard

processor = BatchProcessor(event_type=EventType.SQS)
logger = Logger()
metrics = Metrics()

_METRICS = {"users": "UserDays", "written": "UserDaysWritten", "unreadable": "UserDaysUnreadable"}


class ShardMessage(BaseModel):
    """Names one shard of one day, and the time for which the run that asked for it was scheduled."""

    date: date
    shard: Annotated[int, Field(ge=0, lt=DAY_SHARDS)]
    time: AwareDatetime


def run(record: SQSRecord) -> None:
    message = ShardMessage.model_validate_json(record.body)
    report = run_shard(open_day_table(), message.date, message.shard, message.time, settings())
    for name, metric in _METRICS.items():
        if report[name]:
            metrics.add_metric(name=metric, unit=MetricUnit.Count, value=report[name])
    if report["users"] or report["unreadable"]:
        logger.info("shard", extra={"date": message.date.isoformat(), "shard": message.shard, **report})
    if (segments := final_segments(open_day_table(), message.date)) is not None:
        by_segment = settings().segment_metrics
        measures.day_final(message.date, segments, message.time, by_segment=by_segment)


@metrics.log_metrics
@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    return process_partial_response(event, run, processor, context)
