"""Sends to the queue of the daily job, which holds the shards of the days that are to be computed."""

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from rl_core.config import settings
from rl_core.errors import UnavailableError

_CONFIG = Config(connect_timeout=1, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 3})
_MOST = 10  # messages in one call


class Queue:
    """Sends to one SQS queue. Every method raises UnavailableError when not all messages went through."""

    def __init__(self, url: str, client: Any = None) -> None:
        self.url = url
        self.client: Any = client or boto3.client("sqs", config=_CONFIG)

    def send(self, messages: Sequence[dict[str, Any]]) -> None:
        """Puts all messages on the queue. Some of them may be on the queue when this raises."""
        for start in range(0, len(messages), _MOST):
            entries = [
                {"Id": str(n), "MessageBody": json.dumps(message)}
                for n, message in enumerate(messages[start : start + _MOST])
            ]
            try:
                answer = self.client.send_message_batch(QueueUrl=self.url, Entries=entries)
            except (ClientError, BotoCoreError) as error:
                raise UnavailableError from error
            if answer.get("Failed"):
                raise UnavailableError


@lru_cache(maxsize=1)
def open_queue() -> Queue:
    """Returns the process's queue."""
    return Queue(settings().daily_queue_url)
