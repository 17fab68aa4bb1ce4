"""CloudWatch takes the alarms; docs/operations.md and docs/deploy.md say of template and metrics what is so."""

import re
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from local.intrinsics import Call, parse
from local.template import TEMPLATE, load
from operate.__main__ import _parser
from rl_core.config import Settings
from rl_core.days import RULES, Rule

ROOT = Path(__file__).parents[1]
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
DEPLOY = (ROOT / "docs" / "deploy.md").read_text()
DOCUMENT = parse(TEMPLATE.read_text())
ALARMS = {n: it["Properties"] for n, it in DOCUMENT["Resources"].items() if it["Type"] == "AWS::CloudWatch::Alarm"}
COMPUTED = {name: alarm["Metrics"] for name, alarm in ALARMS.items() if "Metrics" in alarm}
MOST_METRICS = 10  # of one alarm of metric math, expressions not counted; CloudWatch's quota, which cannot be raised
CODE = "\n".join(path.read_text() for folder in ("functions", "layers") for path in (ROOT / folder).rglob("*.py"))


def rows_of(text: str, heading: str) -> set[str]:
    """The backticked names in the first column of the table under a heading."""
    part = text.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    firsts = re.findall(r"(?m)^\| (`.*?) \|", part)
    return {name for first in firsts for name in re.findall(r"`(\w+)`", first)}


def stats_of(alarm: str) -> list[Any]:
    """The metrics that an alarm computes with."""
    return [it["MetricStat"] for it in COMPUTED[alarm] if "MetricStat" in it]


def watched_by(alarm: str) -> list[str]:
    """The functions whose errors the alarm adds up."""
    metrics = [it["Metric"] for it in stats_of(alarm) if it["Metric"]["MetricName"] == "Errors"]
    return [dimension["Value"].argument for metric in metrics for dimension in metric["Dimensions"]]


@pytest.mark.parametrize("alarm", COMPUTED)
def test_an_alarm_computes_with_no_more_metrics_than_cloudwatch_takes(alarm: str) -> None:
    assert 0 < len(stats_of(alarm)) <= MOST_METRICS
    assert len({it["Period"] for it in stats_of(alarm)}) == 1


@pytest.mark.parametrize("alarm", COMPUTED)
def test_an_alarm_that_computes_watches_one_expression(alarm: str) -> None:
    assert [it.get("ReturnData", True) for it in COMPUTED[alarm] if "Expression" in it] == [True]
    assert all(it["ReturnData"] is False for it in COMPUTED[alarm] if "MetricStat" in it)


def writes(function: str) -> bool:
    """Whether the function's own policies let it write."""
    policies = DOCUMENT["Resources"][function]["Properties"]["Policies"]
    return any("Item" in action and "Get" not in action for it in policies for action in allowed(it))


def allowed(policy: Any) -> list[str]:
    statements = policy["Statement"] if isinstance(policy, dict) and "Statement" in policy else []
    actions = [statement["Action"] for statement in statements]
    return [each for action in actions for each in ([action] if isinstance(action, str) else action)]


def test_functions_that_write_for_requests_and_jobs_of_each_minute_have_an_alarm_each() -> None:
    answering = [route.function for route in load().routes if writes(route.function)]
    minutely = [schedule.function for schedule in load().schedules if schedule.every <= timedelta(minutes=1)]
    assert Counter(watched_by("RequestFunctionErrorsAlarm")) == Counter(set(answering))
    assert Counter(watched_by("JobFunctionErrorsAlarm")) == Counter(minutely)


def test_what_any_other_function_cannot_do_lies_in_a_queue_that_is_watched() -> None:
    watched = {function for alarm in COMPUTED for function in watched_by(alarm)}
    fed = {queue.function: queue.dead_letters for queue in load().queues}
    for function in load().functions.keys() - watched - {route.function for route in load().routes}:
        config = DOCUMENT["Resources"][function]["Properties"].get("EventInvokeConfig", {})
        kept = config.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
        assert kept == Call("GetAtt", "FailedJobs.Arn") or fed[function] == "fettle-local-FailedJobs"


def test_silence_of_every_job_is_told_by_its_invocations_and_the_guards_by_its_metric() -> None:
    silent = {name: alarm for name, alarm in ALARMS.items() if alarm["TreatMissingData"] == "breaching"}
    del silent["GuardrailsRedAlarm"]
    for alarm in silent.values():
        its = (alarm["Namespace"], alarm["MetricName"], alarm["ComparisonOperator"], alarm["Threshold"])
        assert its == ("AWS/Lambda", "Invocations", "LessThanThreshold", 1)
    watched = {alarm["Dimensions"][0]["Value"].argument for alarm in silent.values()}
    fed = {"DailyDispatch": "DailyEngagement"}  # it sends shards each day, so its worker's silence is its own
    assert watched == {fed.get(its.function, its.function) for its in load().schedules if its.function != "Guard"}


def test_a_red_light_sends_one_message_when_it_turns_red_and_a_guard_that_does_not_run_sends_one_too() -> None:
    """CloudWatch acts on a change of the alarm's state alone; nothing of ours sends to the topic by itself."""
    alarm = ALARMS["GuardrailsRedAlarm"]
    assert (alarm["MetricName"], alarm["Statistic"], alarm["Threshold"]) == ("GuardrailsRed", "Maximum", 1)
    assert (alarm["ComparisonOperator"], alarm["TreatMissingData"]) == ("GreaterThanOrEqualToThreshold", "breaching")
    (every,) = [schedule.every for schedule in load().schedules if schedule.function == "Guard"]
    assert timedelta(seconds=alarm["Period"] * alarm["EvaluationPeriods"]) == every
    assert alarm["AlarmActions"] == alarm["OKActions"] == [Call("Ref", "Alarms")]
    rights = {action for function in load().functions.values() for its in function.statements for action in its.actions}
    assert [action for action in rights if action.startswith("sns:")] == []


def test_the_address_of_alarm_email_is_subscribed_to_the_topic_of_the_alarms_and_nothing_else_is() -> None:
    subscriptions = [it for it in DOCUMENT["Resources"].values() if it["Type"] == "AWS::SNS::Subscription"]
    its = {"TopicArn": Call("Ref", "Alarms"), "Protocol": "email", "Endpoint": Call("Ref", "AlarmEmail")}
    assert [it["Properties"] for it in subscriptions] == [its]


def test_where_nothing_happened_no_other_alarm_goes_off() -> None:
    assert {alarm["TreatMissingData"] for alarm in ALARMS.values()} == {"breaching", "notBreaching"}
    counts = [it for name, it in ALARMS.items() if it.get("Namespace") == "Fettle" and name != "GuardrailsRedAlarm"]
    assert {(it["ComparisonOperator"], it["TreatMissingData"]) for it in counts} == {
        ("GreaterThanThreshold", "notBreaching")
    }


def test_a_deployment_is_rolled_back_by_the_errors_of_any_function() -> None:
    alarms = DOCUMENT["Globals"]["Function"]["DeploymentPreference"]["Alarms"]
    assert alarms == [Call("Ref", alarm) for alarm in COMPUTED if watched_by(alarm)] != []


def test_a_parameter_reserves_concurrency_for_each_function_that_answers_requests_and_by_default_none() -> None:
    reserved = {n: it["Properties"].get("ReservedConcurrentExecutions") for n, it in DOCUMENT["Resources"].items()}
    by_parameter = Call("If", ["ReservesApi", Call("Ref", "ApiConcurrency"), Call("Ref", "AWS::NoValue")])
    answering = {route.function for route in load().routes}
    assert {name for name, its in reserved.items() if its == by_parameter} == answering
    assert DOCUMENT["Parameters"]["ApiConcurrency"]["Default"] == 0
    assert DOCUMENT["Conditions"]["ReservesApi"] == Call("Not", [Call("Equals", [Call("Ref", "ApiConcurrency"), 0])])


def test_every_alarm_is_explained() -> None:
    assert rows_of(OPERATIONS, "Alarms") == ALARMS.keys()


def test_the_table_of_lights_has_each_rule_with_its_thresholds_and_what_to_do() -> None:
    part = OPERATIONS.partition("## Lights\n")[2].partition("\n## ")[0]
    told = [line for line in part.splitlines() if line.startswith("| `")]
    assert told == [
        f"| `{its.name}` | {its.measures} | {its.thresholds()[0]} | {its.thresholds()[1]} | {its.grey} | {its.do}: "
        f"`operate {its.command}` |"
        for its in RULES
    ]


@pytest.mark.parametrize("rule", RULES, ids=lambda its: its.name)
def test_what_to_do_about_a_light_names_a_command_and_alarms_that_there_are(rule: Rule) -> None:
    filled = rule.command.replace("<segment>", "HIGH_LOW").replace("<version>", "7").replace("<words>", "why")
    assert _parser().parse_args(filled.split()).command
    assert set(re.findall(r"`(\w+Alarm)`", rule.do)) <= ALARMS.keys()
    assert set(re.findall(r"`([A-Z]\w+)`", rule.do)) <= ALARMS.keys() | DOCUMENT["Parameters"].keys()


def test_every_parameter_is_explained() -> None:
    assert rows_of(DEPLOY, "Parameters") == DOCUMENT["Parameters"].keys()


def test_the_template_names_only_metrics_that_the_table_explains() -> None:
    text = TEMPLATE.read_text()
    ours = re.findall(r"Namespace: Fettle\n\s+MetricName: (\w+)", text)
    ours += re.findall(r'\{Fettle[^}]*\} MetricName=\\"(\w+)\\"', text)
    for group in re.findall(r'\["Fettle", .*?\]\]', text, re.DOTALL):
        ours += re.findall(r'\[(?:"Fettle"|"\."), "(\w+)"', group)
    assert len(set(ours)) > 10
    assert set(ours) <= rows_of(OPERATIONS, "Metrics")


def test_the_table_explains_every_metric_and_no_other() -> None:
    counted = set(re.findall(r'add_metric\(name="(\w+)"', CODE))
    counted |= set(re.findall(r'"((?:Sessions|Policy|Fallback|UserDays)[A-Z]\w+|UserDays)"', CODE))
    counted |= {"DayUsers", "DaySessions", "DayReward", "DayCompletionRate"}
    assert rows_of(OPERATIONS, "Metrics") == counted
    assert all(f'"{name}"' in CODE for name in counted)


def test_a_deployment_that_sets_nothing_has_the_defaults_of_the_settings() -> None:
    fields = Settings.model_fields.keys() - {"table_name", "erasures_name", "daily_queue_url"}
    given = {k.lower(): v for k, v in load().environment.items() if k.lower() in fields}
    read = Settings.model_validate({"table_name": "any", **given})
    assert {k: getattr(read, k) for k in given} == {k: Settings.model_fields[k].get_default() for k in given}
    assert len(given) >= 6
