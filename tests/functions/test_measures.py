"""What the functions tell CloudWatch: the embedded metric format as it leaves them, with nothing of the user in it."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from aws_lambda_powertools import Metrics

from rl_core.models import ACTIONS, Segment
from rl_core.store import Store, session_write
from tests.conftest import event_of
from tests.functions.conftest import NOW, World
from tests.functions.test_events import USER, answer, live_until
from tests.functions.test_learning_job import spoil_policy

SEGMENT = Segment.HIGH_LOW.value
Line = dict[str, Any]


@pytest.fixture
def measured(store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Line]:
    """The line that holds a metric, of all that was printed since the last look."""
    monkeypatch.setenv("POWERTOOLS_METRICS_DISABLED", "false")
    Metrics().clear_metrics()  # all of a process share them; jobs that a test runs by hand flush none

    def line_with(metric: str) -> Line:
        printed = capsys.readouterr().out
        assert USER not in printed
        assert "Felt great" not in printed
        lines = [json.loads(line) for line in printed.splitlines() if '"_aws"' in line]
        (found,) = [line for line in lines if metric in line]
        return dict(found)

    return line_with


def dimensions_of(line: Line) -> list[set[str]]:
    return [set(its) for its in line["_aws"]["CloudWatchMetrics"][0]["Dimensions"]]


def figures_of(line: Line) -> dict[str, float]:
    """The line's metrics, each of which it holds once."""
    names = [metric["Name"] for metric in line["_aws"]["CloudWatchMetrics"][0]["Metrics"]]
    return {name: line[name][0] for name in names if len(line[name]) == 1}


def test_an_issued_session_counts_for_its_segment_and_for_the_service(measured: Callable[..., Line]) -> None:
    live_until("recommend")
    line = measured("SessionsIssued")
    assert dimensions_of(line) == [{"segment", "service"}, {"service"}]
    assert (line["segment"], line["service"]) == (SEGMENT, "fettle-local")
    assert line["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "Fettle"
    assert figures_of(line) | {"SessionsExplored": 0} == {
        "SessionsIssued": 1,
        "SessionsExplored": 0,
        "Epsilon": 0.002,
        "Episodes": 0,
    }


def test_the_chosen_action_counts_for_the_segment_alone(measured: Callable[..., Line]) -> None:
    live_until("recommend")
    line = measured("ActionsChosen")
    assert dimensions_of(line) == [{"segment", "action", "service"}]
    assert line["action"] in {action.title for action in ACTIONS}


def test_a_plan_without_a_policy_is_a_fallback_and_no_try(measured: Callable[..., Line]) -> None:
    spoil_policy()
    live_until("recommend")
    assert figures_of(measured("PolicyFallbacks")) == {"SessionsIssued": 1, "SessionsExplored": 0, "PolicyFallbacks": 1}


def test_a_session_that_a_batch_ends_tells_reward_and_completion(measured: Callable[..., Line]) -> None:
    body = live_until("feedback_batch")
    line = measured("SessionsLearned")
    assert dimensions_of(line) == [{"segment", "service"}, {"service"}]
    assert figures_of(line).keys() == {"SessionsLearned", "Reward", "CompletionRate"}
    assert round(line["Reward"][0], 4) == body["rl_reward_signal"]
    assert 0 < line["CompletionRate"][0] < 1


def test_the_last_completion_tells_the_same(measured: Callable[..., Line]) -> None:
    for activity in live_until("recommend")["activities"]:
        event = event_of("complete")
        event["pathParameters"] = {"id": str(activity["id"])}
        event["rawPath"] = event["requestContext"]["http"]["path"] = f"/activity/{activity['id']}/complete/"
        assert answer("complete", event)["statusCode"] == 200
    assert figures_of(measured("SessionsLearned"))["CompletionRate"] == 1


def test_an_expired_session_is_counted_by_the_job(measured: Callable[..., Line]) -> None:
    live_until("complete")
    late = datetime.fromisoformat(event_of("learn")["time"]) + timedelta(days=2)
    answer("learn", {"time": late.isoformat()})
    assert figures_of(measured("SessionsExpired")).keys() == {"SessionsExpired", "Reward", "CompletionRate"}


def test_the_job_tells_how_long_the_oldest_has_waited(store: Store, measured: Callable[..., Line]) -> None:
    live_until("complete")
    session = store.session(USER, 1)
    assert session is not None
    answer("learn", {"time": (session.expires_at + timedelta(minutes=20)).isoformat()})
    assert max(measured("OldestDueAge")["OldestDueAge"]) == 1200


def test_the_hour_until_what_waits_under_a_greater_number_is_asked_for_is_not_counted(
    world: World, measured: Callable[..., Line]
) -> None:
    session = world.due("u1", at=NOW.replace(minute=20))
    world.store.write(session_write(session, 16))
    found = {hours: oldest_at(NOW.replace(hour=NOW.hour + hours, minute=0), measured) for hours in (1, 3)}
    assert found == {1: 0, 3: 100 * 60}


def oldest_at(now: datetime, measured: Callable[..., Line]) -> float:
    """The age that the job measures at that time, of what it cannot learn from since the policy cannot be read."""
    spoil_policy()
    answer("learn", {"time": now.isoformat()})
    ages: list[float] = measured("OldestDueAge")["OldestDueAge"]
    return max(ages)


def test_the_job_reports_when_nothing_waits(measured: Callable[..., Line]) -> None:
    answer("learn")
    line = measured("OldestDueAge")
    assert dimensions_of(line) == [{"service"}]
    assert line["OldestDueAge"] == [0.0]
