"""Every route as it was deployed: with a token of the stack's user pool, and without one."""

import json
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError

from local.facts import Route
from local.phone import ids
from local.template import load
from tests.e2e.deployment import ORIGIN, Deployment
from tests.integration.conftest import Phone, done, ok

ROUTES = load().routes


def ask(http: httpx.Client, route: Route, **headers: str) -> httpx.Response:
    body: Any = {} if route.method in {"POST", "PUT"} else None
    return http.request(route.method, route.path.replace("{id}", "11"), headers=headers, json=body)


@pytest.mark.parametrize("route", [it for it in ROUTES if it.authorised], ids=lambda it: it.key)
@pytest.mark.parametrize("authorization", ["", "Bearer nonsense", "Bearer a.b.c"], ids=["none", "nonsense", "forged"])
def test_a_route_is_closed_without_a_token(http: httpx.Client, route: Route, authorization: str) -> None:
    headers = {"authorization": authorization} if authorization else {}
    assert ask(http, route, **headers).status_code == 401


@pytest.mark.parametrize("route", ROUTES, ids=lambda it: it.key)
def test_a_route_with_a_token_is_answered_by_its_function(
    http: httpx.Client, deployment: Deployment, route: Route
) -> None:
    answer = ask(http, route, authorization=f"Bearer {deployment.token('everyman')}")
    ours = answer.headers.get("content-type") == "application/problem+json"
    assert answer.status_code in {200, 204} or (ours and answer.status_code in {404, 409, 422}), answer.text


def test_a_user_lives_from_profile_to_the_next_plan(http: httpx.Client, deployment: Deployment) -> None:
    ana = Phone.of("ana", deployment, http)
    ok(ana.put_profile(gad7_score=16, active_minutes_per_week=30))
    plan = ana.plan()
    ok(ana.complete(ids(plan)[0], motivation_before=2, motivation_after=4))
    answer = ok(ana.batch(done(plan)[1:], overall_session_rating=4))
    assert answer["training_metrics"]["learning"] == "applied"
    assert ana.plan()["rl_action_id"] != plan["rl_action_id"]
    (latest,) = ana.sessions(limit=2)[1:]
    assert (latest["status"], len(latest["activities"])) == ("learned", len(plan["activities"]))


def test_a_page_of_the_allowed_origin_may_call_and_no_other(http: httpx.Client) -> None:
    asked = {"access-control-request-method": "PUT", "access-control-request-headers": "authorization"}
    allowed = http.options("/profile/", headers=asked | {"origin": ORIGIN})
    other = http.options("/profile/", headers=asked | {"origin": "https://evil.example"})
    assert allowed.headers["access-control-allow-origin"] == ORIGIN
    assert "access-control-allow-origin" not in other.headers


def test_the_app_deletes_the_account_with_the_access_token_of_its_sign_in(
    http: httpx.Client, deployment: Deployment
) -> None:
    """As docs/deploy.md says: first the person, then the account."""
    assert Phone.named("dora", deployment, http).delete_profile().status == 204
    cognito, email = deployment.client("cognito-idp"), "dora@example.org"
    cognito.delete_user(AccessToken=deployment.sign_in(email)["AccessToken"])
    with pytest.raises(ClientError, match=r"NotAuthorized|UserNotFound"):
        deployment.sign_in(email)


def test_every_function_logs_to_its_own_group_that_forgets(deployment: Deployment) -> None:
    days = {it["logGroupName"]: it.get("retentionInDays") for it in _pages(deployment, "logs", "describe_log_groups")}
    functions = deployment.resources("AWS::Lambda::Function").values()
    awslambda = deployment.client("lambda")
    groups = [awslambda.get_function_configuration(FunctionName=it)["LoggingConfig"]["LogGroup"] for it in functions]
    assert len(set(groups)) == len(groups)
    assert {days[group] for group in groups} == {30}


def test_the_dashboard_is_json_and_speaks_of_this_stack(deployment: Deployment) -> None:
    (name,) = deployment.resources("AWS::CloudWatch::Dashboard").values()
    body = deployment.client("cloudwatch").get_dashboard(DashboardName=name)["DashboardBody"]
    assert len(json.loads(body)["widgets"]) > 10
    assert deployment.outputs["TableName"] in body
    assert "${" not in body


def test_every_alarm_reaches_the_topic(deployment: Deployment) -> None:
    alarms = deployment.client("cloudwatch").describe_alarms()["MetricAlarms"]
    assert len(alarms) == len(deployment.resources("AWS::CloudWatch::Alarm"))
    assert {tuple(it["AlarmActions"]) for it in alarms} == {(deployment.outputs["AlarmTopic"],)}


def test_what_the_emulator_cannot_take_is_known(deployment: Deployment) -> None:
    errors = {"RequestFunctionErrorsAlarm", "JobFunctionErrorsAlarm"}
    assert set(deployment.left_out) == errors | {"ApiErrorsAlarm"}


def _pages(deployment: Deployment, service: str, operation: str) -> list[dict[str, object]]:
    pages = deployment.client(service).get_paginator(operation).paginate()
    return [it for page in pages for it in page["logGroups"]]
