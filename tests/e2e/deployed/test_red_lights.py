"""A light that turns red: from the deployed guard to the messages of the topic, as far as MiniStack goes.

MiniStack makes no metrics of log lines, so each line of the guard is published here as it says. It judges an alarm by
the values of the last period whenever a value comes, whatever their dimensions, and never judges missing data.
"""

import base64
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import httpx
import pytest

from local.clock import event_time
from rl_core.store import Store
from tests.e2e.deployment import Deployment
from tests.integration.conftest import Json, Phone, everything, ok

LEFT = 8.0  # seconds after which the hour of a red run is over
SENDS: Json = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage"}
PROTOCOL: Json = {"Protocol": "sqs", "Attributes": {"RawMessageDelivery": "true"}}


class Metric(NamedTuple):
    """What a line of a log says to CloudWatch."""

    namespace: str
    name: str
    unit: str
    dimensions: dict[str, str]
    value: float


def metric_in(log: str) -> Metric:
    """The one metric of the one line in the embedded metric format."""
    (line,) = (json.loads(it) for it in log.splitlines() if '"CloudWatchMetrics"' in it)
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    ((names,), (metric,)) = directive["Dimensions"], directive["Metrics"]
    (value,) = line[metric["Name"]]
    return Metric(directive["Namespace"], metric["Name"], metric["Unit"], {it: line[it] for it in names}, value)


class Watched:
    """The guard, the erasure's job, and the messages that the topic has sent of the guard's alarm."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._functions = deployment.resources("AWS::Lambda::Function")
        sqs, sns, topic = deployment.client("sqs"), deployment.client("sns"), deployment.outputs["AlarmTopic"]
        self._queue = sqs.create_queue(QueueName="red-lights")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=self._queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        policy = json.dumps({"Version": "2012-10-17", "Statement": [SENDS | {"Resource": arn}]})
        sqs.set_queue_attributes(QueueUrl=self._queue, Attributes={"Policy": policy})
        self._subscription = sns.subscribe(TopicArn=topic, Endpoint=arn, **PROTOCOL)["SubscriptionArn"]

    def close(self) -> None:
        """Takes the queue away."""
        self._deployment.client("sns").unsubscribe(SubscriptionArn=self._subscription)
        self._deployment.client("sqs").delete_queue(QueueUrl=self._queue)

    @property
    def alarm(self) -> Json:
        """The alarm as it is deployed, and as it stands."""
        name = self._deployment.resources("AWS::CloudWatch::Alarm")["GuardrailsRedAlarm"]
        (alarm,) = self._deployment.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"]
        return dict(alarm)

    def run(self, function: str, at: datetime) -> tuple[Any, str]:
        """Runs a job of the deployed stack as of a time; what it answers, and its log."""
        payload, name = json.dumps({"time": event_time(at)}), self._functions[function]
        its = self._deployment.client("lambda").invoke(
            FunctionName=name, Qualifier="live", Payload=payload, LogType="Tail"
        )
        assert "FunctionError" not in its
        return json.loads(its["Payload"].read()), base64.b64decode(its["LogResult"]).decode()

    def publish(self, metric: Metric, seconds_ago: float = 0) -> None:
        """Gives CloudWatch what a line of the log says, so many seconds ago."""
        datum = {
            "MetricName": metric.name,
            "Unit": metric.unit,
            "Dimensions": [{"Name": name, "Value": value} for name, value in metric.dimensions.items()],
            "Value": metric.value,
            "Timestamp": datetime.now(UTC) - timedelta(seconds=seconds_ago),
        }
        self._deployment.client("cloudwatch").put_metric_data(Namespace=metric.namespace, MetricData=[datum])

    def messages(self) -> list[str]:
        """The states of which the topic has told since this was asked last."""
        sqs, told = self._deployment.client("sqs"), list[str]()
        while found := sqs.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10).get("Messages"):
            for message in found:
                sqs.delete_message(QueueUrl=self._queue, ReceiptHandle=message["ReceiptHandle"])
                body = json.loads(message["Body"])
                told += [body["NewStateValue"]] if body["AlarmName"] == self.alarm["AlarmName"] else []
        return told


@pytest.fixture
def empty(deployment: Deployment) -> Iterator[None]:
    """Nobody but this test is at work on the table, and nothing is in it; afterwards it holds what it held."""
    deployment.stop_schedules()
    store = Store(deployment.table_name, deployment.dynamodb)
    before = everything(deployment)
    clear(store, before)
    yield
    clear(store, everything(deployment))
    for item in before:
        store.call("put_item", Item=item)


def clear(store: Store, items: list[Json]) -> None:
    """Deletes the items."""
    for item in items:
        store.call("delete_item", Key={"pk": item["pk"], "sk": item["sk"]})


@pytest.fixture
def watched(deployment: Deployment, empty: None) -> Iterator[Watched]:
    its = Watched(deployment)
    yield its
    its.close()


def test_one_message_when_a_light_turns_red_none_while_it_stays_so_and_one_when_it_ends(
    deployment: Deployment, http: httpx.Client, watched: Watched
) -> None:
    now, hour, period = datetime.now(UTC), timedelta(hours=1), watched.alarm["Period"]
    report, log = watched.run("Guard", now)
    assert (report["red"], metric_in(log).value) == ([], 0)
    watched.publish(metric_in(log))
    assert (watched.alarm["StateValue"], watched.messages()) == ("OK", ["OK"])  # before there was no state

    ivy = Phone.named("ivy", deployment, http)
    ok(ivy.put_profile(segment="Low Anxiety, Low Activity"))
    assert ivy.delete_profile().status == 204
    told = list[list[str]]()
    for hours in (25, 26, 27):  # the erasure's job does not run
        report, log = watched.run("Guard", now + hours * hour)
        assert (report["red"], metric_in(log).value) == (["erasures"], 1)
        watched.publish(metric_in(log), period - LEFT)
        told.append(watched.messages())
    assert (watched.alarm["StateValue"], told) == ("ALARM", [["ALARM"], [], []])

    watched.run("Erasure", now + 27 * hour)
    time.sleep(LEFT)
    for hours in (28, 29):
        report, log = watched.run("Guard", now + hours * hour)
        assert (report["red"], metric_in(log).value) == ([], 0)
        watched.publish(metric_in(log))
        told.append(watched.messages())
    assert (watched.alarm["StateValue"], told[3:]) == ("OK", [["OK"], []])


@pytest.mark.usefixtures("empty")
def test_the_alarm_reads_the_metric_that_the_guard_writes_and_takes_missing_data_for_red(watched: Watched) -> None:
    alarm, metric = watched.alarm, metric_in(watched.run("Guard", datetime.now(UTC))[1])
    assert (alarm["Namespace"], alarm["MetricName"]) == (metric.namespace, metric.name)
    assert {its["Name"]: its["Value"] for its in alarm["Dimensions"]} == metric.dimensions
    assert (alarm["Statistic"], alarm["ComparisonOperator"]) == ("Maximum", "GreaterThanOrEqualToThreshold")
    assert (alarm["Threshold"], alarm["Period"], alarm["EvaluationPeriods"]) == (1, 3600, 1)
    assert alarm["TreatMissingData"] == "breaching"


def test_it_tells_the_topic_of_each_change_and_of_nothing_else(deployment: Deployment, watched: Watched) -> None:
    alarm = watched.alarm
    assert alarm["AlarmActions"] == alarm["OKActions"] == [deployment.outputs["AlarmTopic"]]
    assert alarm.get("InsufficientDataActions", []) == []
