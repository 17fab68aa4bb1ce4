"""HTTP becomes the event that API Gateway would make of it, and back."""

import base64
from datetime import UTC, datetime
from typing import Any

import pytest

from local.gateway import HttpRequest, HttpResponse, bearer, claim_text, event_of, response_of

NOW = datetime(2026, 11, 23, 8, 30, 15, 250_000, tzinfo=UTC)


def event_for(request: HttpRequest, claims: dict[str, Any] | None = None, **parameters: str) -> dict[str, Any]:
    return event_of(request, route_key="GET /x/{id}", path_parameters=parameters, claims=claims, now=NOW)


def test_time_is_the_clocks() -> None:
    context = event_for(HttpRequest("GET", "/x/1"))["requestContext"]
    assert context["timeEpoch"] == round(NOW.timestamp() * 1000)
    assert context["time"] == "23/Nov/2026:08:30:15 +0000"


def test_the_request_line_is_told() -> None:
    event = event_for(HttpRequest("GET", "/x/a b", query="q=1"), id="a b")
    assert (event["version"], event["routeKey"], event["rawPath"]) == ("2.0", "GET /x/{id}", "/x/a b")
    assert event["pathParameters"] == {"id": "a b"}
    assert event["requestContext"]["http"]["method"] == "GET"


def test_repeated_parameters_are_joined_and_decoded() -> None:
    event = event_for(HttpRequest("GET", "/x/1", query="a=1&b=%20x&a=2&c="))
    assert event["rawQueryString"] == "a=1&b=%20x&a=2&c="
    assert event["queryStringParameters"] == {"a": "1,2", "b": " x", "c": ""}


def test_what_is_absent_has_no_key() -> None:
    event = event_for(HttpRequest("GET", "/x/1"))
    assert not {"body", "cookies", "queryStringParameters", "pathParameters"} & set(event)
    assert "authorizer" not in event["requestContext"]


def test_cookies_leave_the_headers() -> None:
    event = event_for(HttpRequest("GET", "/x/1", headers={"cookie": "a=1; b=2"}))
    assert event["cookies"] == ["a=1", "b=2"]
    assert event["headers"] == {}


def test_claims_are_text() -> None:
    claims = event_for(HttpRequest("GET", "/x/1"), {"sub": "ana", "exp": 1798023378})["requestContext"]["authorizer"]
    assert claims == {"jwt": {"claims": {"sub": "ana", "exp": "1798023378"}, "scopes": None}}


@pytest.mark.parametrize(("value", "text"), [("a", "a"), (True, "true"), (1, "1"), (["a", "b"], "[a b]")])
def test_a_claim_is_spelled_as_api_gateway_does(value: Any, text: str) -> None:
    assert claim_text(value) == text


@pytest.mark.parametrize("kind", ["application/json", "Application/JSON; charset=utf-8", "text/csv"])
def test_text_bodies_stay_text(kind: str) -> None:
    event = event_for(HttpRequest("PUT", "/x/1", headers={"content-type": kind}, body="ä".encode()))
    assert (event["body"], event["isBase64Encoded"]) == ("ä", False)


@pytest.mark.parametrize(
    ("kind", "body"), [("image/png", b"abc"), ("application/json", b"\xff\xfe"), ("", b"{}"), ("x", b"a")]
)
def test_other_bodies_are_base64(kind: str, body: bytes) -> None:
    event = event_for(HttpRequest("PUT", "/x/1", headers={"content-type": kind}, body=body))
    assert event["isBase64Encoded"]
    assert base64.b64decode(event["body"]) == body


@pytest.mark.parametrize(
    ("header", "token"),
    [("Bearer abc", "abc"), ("bearer  abc ", "abc"), ("abc", "abc"), ("Basic abc", None), ("Bearer", None), ("", None)],
)
def test_the_token_may_come_with_or_without_the_word(header: str, token: str | None) -> None:
    assert bearer({"authorization": header}) == token


def test_an_answer_is_taken_as_it_is() -> None:
    answer = {"statusCode": 201, "headers": {"X-A": "1"}, "cookies": ["a=1"], "body": "YQ==", "isBase64Encoded": True}
    expected = (("X-A", "1"), ("Content-Type", "text/plain;charset=UTF-8"), ("Set-Cookie", "a=1"))
    assert response_of(answer) == HttpResponse(201, b"a", expected)


def test_an_answer_without_a_status_is_the_body() -> None:
    assert response_of({"a": 1}) == HttpResponse(200, b'{"a": 1}', (("Content-Type", "application/json"),))


def test_an_empty_answer_has_no_type() -> None:
    assert response_of({"statusCode": 204, "body": None}) == HttpResponse(204)
