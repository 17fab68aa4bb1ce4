"""The local API's access log: the template's format, filled in as API Gateway does."""

import json
import logging
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from local.access_log import AccessLog, variables
from local.gateway import HttpRequest, HttpResponse, event_of
from local.stack import Stack
from local.template import load

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
REQUEST = HttpRequest("GET", "/activity/11/complete", headers={"user-agent": "phone"}, source_ip="192.0.2.7")
EVENT = event_of(REQUEST, route_key="GET /things/{id}", path_parameters={}, claims={"sub": "ana"}, now=NOW)
ANSWER = HttpResponse(200, b"four")


def written(caplog: pytest.LogCaptureFixture, text: str, **more: Any) -> str:
    with caplog.at_level(logging.INFO, "local.access_log"):
        AccessLog(text).write(EVENT, ANSWER, 5, **more)
    return caplog.messages[-1] if caplog.messages else ""


def test_a_line_is_the_format_with_its_variables_filled_in(caplog: pytest.LogCaptureFixture) -> None:
    assert written(caplog, '{"route":"$context.routeKey","ms":$context.responseLatency}') == (
        '{"route":"GET /things/{id}","ms":5}'
    )


def test_a_variable_that_is_not_known_is_a_dash(caplog: pytest.LogCaptureFixture) -> None:
    assert written(caplog, "$context.authorizer.error $context.error.message") == "- -"


def test_without_a_format_nothing_is_written(caplog: pytest.LogCaptureFixture) -> None:
    assert written(caplog, "") == ""


def test_what_a_format_should_not_ask_for_is_known() -> None:
    known = variables(EVENT, ANSWER, 5, "-")
    assert (known["authorizer.claims.sub"], known["path"]) == ("ana", "/activity/11/complete")
    assert (known["identity.sourceIp"], known["identity.userAgent"]) == ("192.0.2.7", "phone")


def test_fettles_own_format_is_json_for_an_answer_and_for_a_refusal(
    fettle: Stack, http: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "local.access_log"):
        http.get("/profile/", headers={"authorization": f"Bearer {fettle.token('ana')}"})
        http.get("/profile/")
        http.get("/nothing")
    lines = [json.loads(its) for its in caplog.messages if "requestId" in its]
    assert [(its["route"], its["status"], its["error"]) for its in lines] == [
        ("GET /profile/", 404, "-"),
        ("GET /profile/", 401, "Unauthorized"),
        ("-", 404, "Not Found"),
    ]


def test_every_variable_of_fettles_format_is_known_but_the_authorizers_error() -> None:
    with_all = load().access_log
    assert {name for name in variables(EVENT, ANSWER, 5, "-") if f"$context.{name}" in with_all} >= {
        "requestId",
        "requestTimeEpoch",
        "routeKey",
        "status",
        "responseLatency",
        "integrationStatus",
        "integrationLatency",
        "error.message",
    }
