"""Every schedule and every queue of the template, seen to reach its function."""

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import httpx
import pytest

from local.clock import event_time
from local.facts import Schedule
from local.intrinsics import parse
from local.phone import ids
from local.schedules import event_for
from local.template import TEMPLATE, load
from rl_core.days import RULES
from tests.conftest import event_of
from tests.e2e.deployment import Deployment
from tests.integration.conftest import Phone, ok, problem

SCHEDULES = load().schedules
PATIENCE = 90.0  # a minute, and MiniStack looks every ten seconds


def fire(deployment: Deployment, schedules: tuple[Schedule, ...], moment: datetime) -> None:
    """Lets each schedule fire within a minute, as if it had been scheduled for that moment."""
    scheduler = deployment.client("scheduler")
    names = deployment.resources("AWS::Scheduler::Schedule")
    for schedule in schedules:
        name = names[schedule.name.replace(".", "")]
        found = scheduler.get_schedule(Name=name)
        target = found["Target"] | {"Input": json.dumps(event_for(schedule, moment))}
        window = found["FlexibleTimeWindow"]
        scheduler.update_schedule(
            Name=name, State="ENABLED", ScheduleExpression="rate(1 minute)", Target=target, FlexibleTimeWindow=window
        )


def log_of(deployment: Deployment, function: str) -> str:
    """Everything that the function has logged."""
    awslambda, logs = deployment.client("lambda"), deployment.client("logs")
    name = deployment.resources("AWS::Lambda::Function")[function]
    group = awslambda.get_function_configuration(FunctionName=name)["LoggingConfig"]["LogGroup"]
    streams = [it["logStreamName"] for it in logs.describe_log_streams(logGroupName=group)["logStreams"]]
    events = [logs.get_log_events(logGroupName=group, logStreamName=it)["events"] for it in streams]
    return "\n".join(event["message"] for stream in events for event in stream)


def eventually(question: Callable[[], Any]) -> Any:
    """The first true answer, within reason."""
    deadline = time.monotonic() + PATIENCE
    while not (answer := question()) and time.monotonic() < deadline:
        time.sleep(0.5)
    return answer


@pytest.fixture(scope="module")
def fired(deployment: Deployment, http: httpx.Client) -> dict[str, str]:
    """Ben has answered half a session, Cleo asked to be erased; then all schedules fire, as of in three days."""
    ben, cleo = (Phone.of(user, deployment, http) for user in ("ben", "cleo"))
    for phone in (ben, cleo):
        ok(phone.put_profile(segment="Low Anxiety, Low Activity"))
        ok(phone.complete(ids(phone.plan())[0]))
    assert cleo.delete_profile().status == 204
    fire(deployment, SCHEDULES, datetime.now(UTC) + timedelta(days=3))
    functions = {it.function for it in SCHEDULES}
    return {it: eventually(partial(_finished, deployment, it)) for it in functions}


def _finished(deployment: Deployment, function: str) -> str:
    """Its log once it has run, else nothing."""
    log = log_of(deployment, function)
    return log if "REPORT RequestId" in log else ""


@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda it: it.name)
def test_a_schedule_reaches_its_function_which_does_not_fail(fired: dict[str, str], schedule: Schedule) -> None:
    assert "START RequestId" in fired[schedule.function]
    assert "Traceback" not in fired[schedule.function]


def test_the_learner_closed_what_expired_and_learned_from_it(
    fired: dict[str, str], deployment: Deployment, http: httpx.Client
) -> None:
    (session,) = Phone.of("ben", deployment, http).sessions()
    assert session["status"] == "learned"


def test_the_eraser_removed_whoever_asked(fired: dict[str, str], deployment: Deployment, http: httpx.Client) -> None:
    cleo = Phone.of("cleo", deployment, http)
    assert problem(cleo.get_profile(), 404) == "profile-not-found"
    assert problem(cleo.recommend(), 409) == "profile-required"


def test_the_guard_keeps_how_the_lights_stand_and_counts_the_red_ones(
    fired: dict[str, str], deployment: Deployment
) -> None:
    key = {"pk": {"S": "GUARD"}, "sk": {"S": "STATE"}}
    item = deployment.dynamodb.get_item(TableName=deployment.table_name, Key=key)["Item"]
    assert item["lights"]["M"].keys() == {rule.name for rule in RULES}
    assert '"GuardrailsRed":[' in fired["Guard"].replace(" ", "")


def test_every_queue_feeds_a_worker_or_keeps_what_failed(deployment: Deployment) -> None:
    fed = {(function, queue) for function, queue in _fed()}
    queues = deployment.resources("AWS::SQS::Queue")
    assert {queue for _, queue in fed} | {"FailedJobs"} == queues.keys()
    for function, queue in fed:
        event = event_of(load().functions[function].folder.name)
        deployment.client("sqs").send_message(QueueUrl=queues[queue], MessageBody=event["Records"][0]["body"])
        assert eventually(partial(_finished, deployment, function))
        assert "Traceback" not in log_of(deployment, function)


def _fed() -> Iterator[tuple[str, str]]:
    """Each function that a queue feeds, and the queue."""
    for name, function in _of("AWS::Serverless::Function").items():
        for event in function["Events"].values():
            if event["Type"] == "SQS":
                yield name, event["Properties"]["Queue"].argument.split(".")[0]


def _of(kind: str) -> dict[str, Any]:
    resources = parse(TEMPLATE.read_text())["Resources"]
    return {name: it.get("Properties", {}) for name, it in resources.items() if it["Type"] == kind}


def test_a_run_that_fails_for_good_leaves_its_event_in_the_queue(fired: dict[str, str], deployment: Deployment) -> None:
    event = {"time": "no time", "seen": event_time(datetime.now(UTC))}
    awslambda, sqs = deployment.client("lambda"), deployment.client("sqs")
    name = deployment.resources("AWS::Lambda::Function")["Learn"]
    kept = ("MaximumRetryAttempts", "MaximumEventAgeInSeconds", "DestinationConfig")
    config = awslambda.get_function_event_invoke_config(FunctionName=name, Qualifier="live")
    # MiniStack looks at the function's own settings, never at the alias's.
    awslambda.put_function_event_invoke_config(FunctionName=name, **{key: config[key] for key in kept})
    awslambda.invoke(FunctionName=name, InvocationType="Event", Payload=json.dumps(event))
    queue = deployment.outputs["FailedJobsUrl"]
    messages = eventually(lambda: sqs.receive_message(QueueUrl=queue).get("Messages"))
    assert json.loads(messages[0]["Body"])["requestPayload"] == event
