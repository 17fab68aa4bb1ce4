"""The CloudFormation template that SAM makes of ours, as it goes to AWS: what no emulator would notice."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from graphlib import TopologicalSorter
from typing import Any

import pytest

from local.template import TEMPLATE, load
from tests.e2e.deployment import TRANSFORM
from tests.e2e.emulator import SAM
from tests.test_operations import writes

Resources = dict[str, Any]
FUNCTIONS, POLICIES = load().functions, load().policies
LIKE, LEADING_KEYS = "ForAllValues:StringLike", "dynamodb:LeadingKeys"
SELDOM = {"DailyDispatch", "DailyEngagement", "Guard"}  # hardly any canary sees them run


def transformed(**parameters: str) -> Resources:
    """Its resources, with these parameters."""
    command: list[Any] = [
        SAM / "bin" / "python",
        TRANSFORM,
        TEMPLATE,
        *(f"{name}={value}" for name, value in parameters.items()),
    ]
    environment = {"PATH": os.environ["PATH"], "AWS_DEFAULT_REGION": "eu-central-1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    resources: Resources = json.loads(done.stdout)["Resources"]
    return resources


@pytest.fixture(scope="module")
def resources() -> Resources:
    return transformed()


def named_in(value: Any) -> Iterator[str]:
    """Every name that a value refers to."""
    if isinstance(value, list):
        yield from (name for item in value for name in named_in(item))
    elif isinstance(value, dict):
        for key, item in value.items():
            if key in {"Ref", "Fn::GetAtt", "DependsOn"}:
                yield from (str(it).partition(".")[0] for it in ([item] if isinstance(item, str) else item))
            elif key == "Fn::Sub":
                text, more = (item, {}) if isinstance(item, str) else item
                yield from (name.partition(".")[0] for name in re.findall(r"\$\{([^}!]+)\}", text))
                yield from named_in(more)
            else:
                yield from named_in(item)


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def of(resources: Resources, kind: str) -> dict[str, Any]:
    return {name: it.get("Properties", {}) for name, it in resources.items() if it["Type"] == kind}


def test_no_resource_waits_for_itself(resources: Resources) -> None:
    assert of(resources, "AWS::CodeDeploy::DeploymentGroup").keys() == {f"{it}DeploymentGroup" for it in FUNCTIONS}
    waits = {name: {it for it in named_in(resource) if it in resources} for name, resource in resources.items()}
    assert set(TopologicalSorter(waits).static_order()) == resources.keys()


def test_the_alarms_that_roll_a_deployment_back_name_what_a_canary_sees_once_and_not_the_api(
    resources: Resources,
) -> None:
    for group in of(resources, "AWS::CodeDeploy::DeploymentGroup").values():
        alarms = [it["Name"]["Ref"] for it in group["AlarmConfiguration"]["Alarms"]]
        watched = [name for alarm in alarms for name in named_in(resources[alarm]["Properties"]["Metrics"])]
        reading = {route.function for route in load().routes if not writes(route.function)}
        assert sorted(watched) == sorted(FUNCTIONS.keys() - SELDOM - reading)


def test_a_key_of_ones_own_serves_every_function_and_schedule(resources: Resources) -> None:
    roles = set(named_in(resources["UseOfOwnKey"]["Properties"]["Roles"]))
    assert roles == of(resources, "AWS::IAM::Role").keys() - {"CodeDeployServiceRole"}
    assert roles > {f"{name}Role" for name in FUNCTIONS}


def test_a_role_allows_of_the_table_what_the_template_says_under_its_conditions(resources: Resources) -> None:
    """tests/test_permissions.py has the list of what that is."""
    for name, function in FUNCTIONS.items():
        policies = resources[f"{name}Role"]["Properties"]["Policies"]
        told = [its for policy in policies for its in policy["PolicyDocument"]["Statement"] if "dynamodb" in str(its)]
        keyed = [its for its in told if "Condition" in its]
        anywhere = [its["Action"] for its in told if "Condition" not in its]
        assert anywhere == (["dynamodb:PutItem"] if name == "Erasure" else [])  # to the table of whom was erased
        allowed = [
            tuple(map(frozenset, (listed(its["Action"]), its["Condition"][LIKE][LEADING_KEYS]))) for its in keyed
        ]
        assert allowed == [(its.actions, its.leading_keys) for its in function.statements if its.leading_keys]


def test_the_policies_for_people_are_the_stacks_own_and_name_its_tables_alone(resources: Resources) -> None:
    """tests/test_managed_policies.py has the list of what they allow."""
    policies = of(resources, "AWS::IAM::ManagedPolicy")
    assert policies.keys() == {"FettleObserver", "FettleOperator"}
    for name, policy in policies.items():
        assert "ManagedPolicyName" not in policy  # CloudFormation's own begins with the stack's name
        told = [its for its in policy["PolicyDocument"]["Statement"] if "dynamodb" in str(its)]
        assert len(told) == len([its for its in POLICIES[name] if "dynamodb" in str(its.actions)])
        assert "*" not in [resource for its in told for resource in listed(its["Resource"])]
        known = {"Table", "TableName", "Erasures", "ErasuresTableName", "AWS::StackName"}
        assert all(known & set(named_in(its["Resource"])) for its in told)


def test_every_queue_and_topic_takes_ones_own_key(resources: Resources) -> None:
    kept = of(resources, "AWS::SQS::Queue") | of(resources, "AWS::SNS::Topic")
    assert [name for name, it in kept.items() if "KmsKeyArn" not in set(named_in(it))] == []


def test_every_queue_of_failures_is_watched(resources: Resources) -> None:
    alarms = of(resources, "AWS::CloudWatch::Alarm").values()
    watched = {name for it in alarms if it.get("Namespace") == "AWS/SQS" for name in named_in(it["Dimensions"])}
    dead = {name for it in of(resources, "AWS::Scheduler::Schedule").values() for name in named_in(it["Target"])}
    dead |= {name for it in of(resources, "AWS::SQS::Queue").values() for name in named_in(it.get("RedrivePolicy"))}
    queues = of(resources, "AWS::SQS::Queue").keys()
    assert watched & queues == dead & queues != set()


def test_every_alarm_says_what_it_means_and_tells_the_topic(resources: Resources) -> None:
    for alarm in of(resources, "AWS::CloudWatch::Alarm").values():
        assert alarm["AlarmActions"] == [{"Ref": "Alarms"}]
        assert "docs/operations.md" in alarm["AlarmDescription"]


def test_a_job_that_fails_leaves_its_event_somewhere(resources: Resources) -> None:
    for schedule in of(resources, "AWS::Scheduler::Schedule").values():
        assert {"DeadLetterConfig", "RetryPolicy"} <= schedule["Target"].keys()
        assert "AWS::StackName" in set(named_in(schedule["Name"]))
    kept = of(resources, "AWS::Lambda::EventInvokeConfig").values()
    failing = {it["FunctionName"]["Ref"] for it in kept if it["DestinationConfig"]["OnFailure"]}
    assert failing >= {schedule.function for schedule in load().schedules}


def test_requests_are_throttled_and_logged_without_what_is_private(resources: Resources) -> None:
    (stage,) = of(resources, "AWS::ApiGatewayV2::Stage").values()
    assert stage["DefaultRouteSettings"].keys() == {"ThrottlingRateLimit", "ThrottlingBurstLimit"}
    said = set(re.findall(r"\$context\.([\w.]+)", stage["AccessLogSettings"]["Format"]))
    assert said & {"path", "identity.sourceIp", "identity.userAgent", "authorizer.claims.sub"} == set()
    assert {"routeKey", "status", "requestId", "responseLatency"} <= said


def test_every_log_group_forgets(resources: Resources) -> None:
    groups = of(resources, "AWS::Logs::LogGroup")
    assert len(groups) == len(FUNCTIONS) + 1
    assert all("LogRetentionDays" in set(named_in(it["RetentionInDays"])) for it in groups.values())


def test_data_outlives_the_stack_unless_told_otherwise(resources: Resources) -> None:
    for name in ("Table", "Erasures", "UserPool"):
        assert resources[name]["DeletionPolicy"] == {"Fn::If": ["Protected", "Retain", "Delete"]}
    assert resources["Table"]["Properties"]["DeletionProtectionEnabled"] == {"Fn::If": ["Protected", True, False]}
    assert resources["Table"]["Properties"]["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True


def test_every_function_publishes_a_new_version_with_the_release() -> None:
    first, second = (of(transformed(CodeSha256=its * 64), "AWS::Lambda::Version").keys() for its in "ab")
    assert len(first) == len(second) == len(FUNCTIONS)
    assert first & second == set()


def test_tracing_brings_its_permission_and_only_then(resources: Resources) -> None:
    assert "Xray" not in json.dumps(of(resources, "AWS::IAM::Role"))
    assert "Xray" in json.dumps(of(transformed(Tracing="Active"), "AWS::IAM::Role"))
