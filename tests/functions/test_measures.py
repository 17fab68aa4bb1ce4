"""What requests and jobs tell CloudWatch, in the embedded metric format as it leaves them: nothing of a user."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from local.functions import Functions
from rl_core.store import Store, session_write
from tests.conftest import TEMPLATE, event_of
from tests.functions.conftest import NOW, World
from tests.functions.test_events import USER, answer, live_until
from tests.functions.test_learning_job import OF_A_LATER_RELEASE, spoil_policy

Line = dict[str, Any]


@pytest.fixture(scope="module")
def jobs() -> Functions:
    """The functions as they are where metrics are not disabled; Powertools decides that when they are loaded."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("POWERTOOLS_METRICS_DISABLED", "false")
        return Functions(TEMPLATE, fresh=False)


@pytest.fixture
def printed(
    store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[[], list[Line]]:
    """The lines of metrics of all that was printed since the last look."""
    monkeypatch.setenv("POWERTOOLS_METRICS_DISABLED", "false")

    def lines() -> list[Line]:
        text = capsys.readouterr().out
        assert USER not in text
        assert "Felt great" not in text
        return [json.loads(line) for line in text.splitlines() if '"_aws"' in line]

    return lines


@pytest.fixture
def measured(printed: Callable[[], list[Line]]) -> Callable[[str], Line]:
    """The line that holds a metric."""

    def line_with(metric: str) -> Line:
        (found,) = [line for line in printed() if metric in line]
        return found

    return line_with


def dimensions_of(line: Line) -> list[set[str]]:
    return [set(its) for its in line["_aws"]["CloudWatchMetrics"][0]["Dimensions"]]


def figures_of(line: Line) -> dict[str, float]:
    """The line's metrics, each of which it holds once."""
    names = [metric["Name"] for metric in line["_aws"]["CloudWatchMetrics"][0]["Metrics"]]
    return {name: line[name][0] for name in names if len(line[name]) == 1}


def test_an_issued_session_is_counted_for_the_service_alone(measured: Callable[[str], Line]) -> None:
    live_until("recommend")
    line = measured("SessionsIssued")
    assert dimensions_of(line) == [{"service"}]
    assert line["service"] == "fettle-local"
    assert line["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "Fettle"
    assert figures_of(line) | {"SessionsExplored": 0} == {"SessionsIssued": 1, "SessionsExplored": 0}


def test_a_plan_without_a_policy_is_a_fallback_and_no_try(measured: Callable[[str], Line]) -> None:
    spoil_policy()
    live_until("recommend")
    assert figures_of(measured("PolicyFallbacks")) == {"SessionsIssued": 1, "SessionsExplored": 0, "PolicyFallbacks": 1}


def test_a_session_that_a_batch_ends_is_counted_and_no_more(measured: Callable[[str], Line]) -> None:
    live_until("feedback_batch")
    line = measured("SessionsLearned")
    assert (dimensions_of(line), figures_of(line)) == ([{"service"}], {"SessionsLearned": 1})


def test_the_last_completion_tells_the_same(measured: Callable[[str], Line]) -> None:
    for activity in live_until("recommend")["activities"]:
        event = event_of("complete")
        event["pathParameters"] = {"id": str(activity["id"])}
        event["rawPath"] = event["requestContext"]["http"]["path"] = f"/activity/{activity['id']}/complete/"
        assert answer("complete", event)["statusCode"] == 200
    assert figures_of(measured("SessionsLearned")) == {"SessionsLearned": 1}


def test_an_expired_session_is_counted_by_the_job(measured: Callable[[str], Line]) -> None:
    live_until("complete")
    late = datetime.fromisoformat(event_of("learn")["time"]) + timedelta(days=2)
    answer("learn", {"time": late.isoformat()})
    assert figures_of(measured("SessionsExpired")) == {"SessionsExpired": 1}


@pytest.mark.usefixtures("queue")
@pytest.mark.parametrize("job", [schedule.function for schedule in TEMPLATE.schedules])
def test_a_run_that_finds_nothing_to_do_counts_no_zero(
    printed: Callable[[], list[Line]], jobs: Functions, job: str
) -> None:
    jobs.invoke(job, event_of(TEMPLATE.functions[job].folder.name))
    counted = {name: value for line in printed() for name, value in figures_of(line).items()}
    each_run = {"DailyDispatch": {"DaysNotFinal": 7}, "Guard": {"GuardrailsRed": 0}}
    assert counted == each_run.get(job, {})


def test_the_guard_tells_how_many_lights_are_red(
    world: World, jobs: Functions, measured: Callable[[str], Line]
) -> None:
    world.due("ana")
    spoil_policy(**OF_A_LATER_RELEASE)
    jobs.invoke("Guard", {"time": NOW.isoformat()})
    assert figures_of(measured("GuardrailsRed")) == {"GuardrailsRed": 1}


def test_the_job_tells_how_long_the_oldest_has_waited(
    store: Store, jobs: Functions, measured: Callable[[str], Line]
) -> None:
    live_until("complete")
    session = store.session(USER, 1)
    assert session is not None
    jobs.invoke("Learn", {"time": (session.expires_at + timedelta(minutes=20)).isoformat()})
    assert max(measured("OldestDueAge")["OldestDueAge"]) == 1200


def test_the_hour_until_what_waits_under_a_greater_number_is_asked_for_is_not_counted(
    world: World, jobs: Functions, printed: Callable[[], list[Line]]
) -> None:
    session = world.due("u1", at=NOW.replace(minute=20))
    world.store.write(session_write(session, 16))
    spoil_policy()  # so that the job measures the age of what it cannot learn from
    found = {}
    for hours in (1, 3):
        jobs.invoke("Learn", {"time": NOW.replace(hour=NOW.hour + hours, minute=0).isoformat()})
        found[hours] = [age for line in printed() for age in line.get("OldestDueAge", [])]
    assert found == {1: [], 3: [100 * 60]}
