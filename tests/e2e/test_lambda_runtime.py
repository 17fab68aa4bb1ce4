"""Every sample event, through its handler, under Lambda's own runtime; MiniStack holds the table."""

import json
import os
from collections.abc import Iterator, Mapping
from typing import Any

import boto3
import pytest

from local import ministack, queues
from local.intrinsics import REGION
from local.template import load
from tests.conftest import JOURNEY, ROOT, event_of
from tests.e2e.emulator import Served, alive, link_runtime_client, listens, serve

TEMPLATE = load()
FUNCTIONS = {function.folder.name: function for function in TEMPLATE.functions.values()}


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The variables of an AWS that is MiniStack, with the template's table in it."""
    with ministack.running(tmp_path_factory.mktemp("stack")) as endpoint:
        client = boto3.client("dynamodb", endpoint_url=endpoint, region_name=REGION)
        TEMPLATE.create_tables(client)
        client.close()
        sqs = boto3.client("sqs", endpoint_url=endpoint, region_name=REGION)
        queues.create(TEMPLATE.queues, sqs)
        sqs.close()
        yield {
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_REGION": REGION,
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
        }


@pytest.fixture(scope="module")
def journey(aws: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Served]:
    """The user's morning, one function and one sandbox after the other."""
    client, logs = tmp_path_factory.mktemp("client"), tmp_path_factory.mktemp("logs")
    link_runtime_client(client)
    return {name: serve(FUNCTIONS[name], event_of(name), aws, client, logs / name) for name in JOURNEY}


def body_of(served: Served) -> Any:
    """The JSON body of an API function's 200."""
    assert served.answer.get("statusCode") == 200, (served.answer, served.log)
    return json.loads(served.answer["body"])


def test_every_sample_event_is_part_of_the_journey() -> None:
    assert {path.stem for path in (ROOT / "events").iterdir()} == set(JOURNEY) == FUNCTIONS.keys()


def test_the_profile_is_created_with_the_segment_of_the_assessment(journey: dict[str, Served]) -> None:
    body = body_of(journey["profile"])
    assert (body["segment"], body["engagement_score"]) == ("High Anxiety, Low Activity", 0)


def test_five_to_seven_activities_are_recommended(journey: dict[str, Served]) -> None:
    body = body_of(journey["recommend"])
    assert body["session_id"] == 1
    assert 5 <= len(body["activities"]) <= 7


def test_a_completion_is_recorded(journey: dict[str, Served]) -> None:
    body = body_of(journey["complete"])
    assert body["activity"]["completion_date"] == "2026-11-23T08:25:10Z"
    assert body["stats"]["total_completed_today"] == 1


def test_the_feedback_is_learned_from_at_once(journey: dict[str, Served]) -> None:
    body = body_of(journey["feedback_batch"])
    assert body["activities_updated"] == 4
    training = body["training_metrics"]
    assert 0 < training.pop("exploration_rate") < 1
    assert training == {
        "total_episodes": 1,
        "epsilon": 0.2979,
        "policy_version": 1,
        "learning": "applied",
        "why": None,
    }


def test_the_history_shows_the_session_as_learned(journey: dict[str, Served]) -> None:
    (session,) = body_of(journey["history"])["sessions"]
    assert (session["session_id"], session["status"]) == (1, "learned")


def test_the_learning_job_finds_nothing_left_to_learn(journey: dict[str, Served]) -> None:
    counts = journey["learn"].answer
    assert counts == {"closed": 0, "learned": 0, "dropped": 0, "parked": 0, "conflicts": 0}


def test_the_erasure_job_unlearns_who_asked(journey: dict[str, Served]) -> None:
    assert body_of(journey["pause"]) == {"until": "2026-12-04T23:00:00Z"}
    assert body_of(journey["consent"])["unlearning"] == "pending"
    assert journey["erasure"].answer == {"done": 1}


@pytest.mark.parametrize("name", JOURNEY)
def test_the_lambda_runtime_served_it_once(name: str, journey: dict[str, Served]) -> None:
    log = journey[name].log
    assert [log.count(mark) for mark in ("INIT RTDONE(status: success)", "START RequestId", "END RequestId")] == [1] * 3
    assert "[ERROR]" not in log, log


def test_metrics_leave_the_function_through_its_log(journey: dict[str, Served]) -> None:
    lines = [json.loads(line) for line in journey["recommend"].log.splitlines() if line.startswith("{")]
    (issued,) = (line for line in lines if "SessionsIssued" in line)
    assert issued["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "Fettle"


def test_no_log_says_what_the_user_wrote(journey: dict[str, Served]) -> None:
    assert not [name for name, served in journey.items() if "Felt great" in served.log or "tired now" in served.log]


@pytest.mark.parametrize("name", JOURNEY)
def test_nothing_is_left_running(name: str, journey: dict[str, Served]) -> None:
    assert len(journey[name].processes) == 2, "the emulator and its runtime"
    assert not any(map(alive, journey[name].processes))
    assert not any(map(listens, journey[name].ports))


def test_the_days_statistics_are_told(journey: dict[str, Served]) -> None:
    assert body_of(journey["stats"])["totals"]["completed"] == 3


def test_the_daily_job_is_dispatched_and_done(journey: dict[str, Served]) -> None:
    assert journey["daily_dispatch"].answer == {"final": "2026-11-19", "messages": 112, "days": 7}
    assert journey["daily_engagement"].answer == {"batchItemFailures": []}
