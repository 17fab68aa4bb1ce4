"""The template's queues: created with the stack, and read for their functions as Lambda's event sources do."""

import json
import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from local.background import Background
from local.facts import Queue
from local.intrinsics import ACCOUNT, REGION

IDLE_SECONDS = 1.0
AT_ONCE = 10  # messages that one call may receive or remove
WORKERS = 4  # invocations of a function at the same time

_log = logging.getLogger(__name__)

Invoke = Callable[[str, Any], Any]


def create(queues: Sequence[Queue], client: Any) -> None:
    """The queues and their dead-letter queues."""
    for queue in queues:
        attributes = {"VisibilityTimeout": "5400"}  # nobody else reads: a message comes again only when it failed
        if queue.dead_letters:
            client.create_queue(QueueName=queue.dead_letters)
            redrive = {"deadLetterTargetArn": _arn(queue.dead_letters), "maxReceiveCount": str(queue.most_receives)}
            attributes["RedrivePolicy"] = json.dumps(redrive)
        client.create_queue(QueueName=queue.name, Attributes=attributes)


class Poller:
    """Hands messages to the queues' functions, removes those that are done and leaves those that failed."""

    def __init__(self, queues: Sequence[Queue], client: Any, invoke: Invoke) -> None:
        self._queues, self._client, self._invoke = queues, client, invoke
        self._one_at_a_time = threading.Lock()

    def drain(self) -> int:
        """Until every queue is empty, what fails coming again until it is given up: how many messages were done."""
        done = 0
        with self._one_at_a_time:
            for queue in self._queues:
                while messages := self._receive(queue):
                    done += self._handle_all(queue, messages)
        return done

    def _receive(self, queue: Queue) -> list[Any]:
        answer = self._client.receive_message(
            QueueUrl=queue.url, MaxNumberOfMessages=AT_ONCE, MessageSystemAttributeNames=["All"]
        )
        return list(answer.get("Messages", []))

    def _handle_all(self, queue: Queue, messages: Sequence[Any]) -> int:
        """Invokes the function for each batch, some at once, and removes what is done: how many messages that is."""
        batches = [messages[at : at + queue.batch_size] for at in range(0, len(messages), queue.batch_size)]
        with ThreadPoolExecutor(WORKERS) as pool:
            failed = {identifier for each in pool.map(partial(self._failed, queue), batches) for identifier in each}
        done = []
        for message in messages:
            handle = message["ReceiptHandle"]
            if message["MessageId"] in failed:
                self._client.change_message_visibility(QueueUrl=queue.url, ReceiptHandle=handle, VisibilityTimeout=0)
            else:
                done.append({"Id": str(len(done)), "ReceiptHandle": handle})
        if done:
            self._client.delete_message_batch(QueueUrl=queue.url, Entries=done)
        return len(done)

    def _failed(self, queue: Queue, messages: Sequence[Any]) -> set[str]:
        """Makes one invocation for these messages: which of them it did not do."""
        try:
            said = self._invoke(queue.function, {"Records": [_record(queue, message) for message in messages]})
            return {failure["itemIdentifier"] for failure in said["batchItemFailures"]}
        except Exception:
            _log.exception("%s failed; its messages come again", queue.function)
            return {message["MessageId"] for message in messages}


class PollerThread(Background):
    """Drains the queues again and again, while the clock moves on its own."""

    name = "queues"

    def __init__(self, poller: Poller) -> None:
        super().__init__()
        self._poller = poller

    def run(self) -> None:
        while not self.stopping.wait(IDLE_SECONDS):
            try:
                self._poller.drain()
            except Exception:
                _log.exception("the queues could not be read; trying again")


def _record(queue: Queue, message: Any) -> dict[str, Any]:
    """A message as it stands in the event that Lambda makes of it."""
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message.get("Attributes", {}),
        "messageAttributes": {},
        "md5OfBody": message.get("MD5OfBody", ""),
        "eventSource": "aws:sqs",
        "eventSourceARN": _arn(queue.name),
        "awsRegion": REGION,
    }


def _arn(name: str) -> str:
    return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"
