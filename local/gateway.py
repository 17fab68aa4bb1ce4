"""Maps HTTP requests to payload 2.0 events and functions' answers to HTTP, as API Gateway does.

Pure mapping; the routes, the tokens and the clock come in as arguments.
"""

import base64
import json
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from local.intrinsics import ACCOUNT

API_ID = "local"
STAGE = "$default"

Event = dict[str, Any]


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request as it arrived; header names are in lower case, the path is decoded."""

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    source_ip: str = "127.0.0.1"
    protocol: str = "HTTP/1.1"


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """An answer; a header may occur more than once."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()


def message(status: int, text: str, *headers: tuple[str, str]) -> HttpResponse:
    """Returns an answer of API Gateway itself: it is API Gateway's JSON, not a problem document."""
    body = json.dumps({"message": text}, separators=(",", ":")).encode()
    return HttpResponse(status, body, (("Content-Type", "application/json"), *headers))


NOT_FOUND = message(404, "Not Found")
UNAUTHORIZED = message(401, "Unauthorized", ("WWW-Authenticate", "Bearer"))
TOO_LONG = message(413, "Request Too Long")
FAILED = message(500, "Internal Server Error")


def event_of(
    request: HttpRequest,
    *,
    route_key: str,
    path_parameters: Mapping[str, str],
    claims: Mapping[str, Any] | None,
    now: datetime,
) -> Event:
    """Returns the event that a function receives for a request."""
    headers = dict(request.headers)
    cookies = headers.pop("cookie", "")
    event: Event = {
        "version": "2.0",
        "routeKey": route_key,
        "rawPath": request.path,
        "rawQueryString": request.query,
        "headers": headers,
        "requestContext": _context(request, route_key, claims, now),
        "isBase64Encoded": False,
    }
    if cookies:
        event["cookies"] = cookies.split("; ")
    if request.query:
        event["queryStringParameters"] = _joined(parse_qsl(request.query, keep_blank_values=True))
    if path_parameters:
        event["pathParameters"] = dict(path_parameters)
    if request.body:
        event["body"], event["isBase64Encoded"] = _body(request)
    return event


def unrouted(request: HttpRequest, now: datetime) -> Event:
    """Returns a description of a request that no route takes, in the form of an event."""
    return event_of(request, route_key="-", path_parameters={}, claims=None, now=now)


def _context(request: HttpRequest, route_key: str, claims: Mapping[str, Any] | None, now: datetime) -> dict[str, Any]:
    host = request.headers.get("host", "localhost")
    context: dict[str, Any] = {
        "accountId": ACCOUNT,
        "apiId": API_ID,
        "domainName": host,
        "domainPrefix": host.partition(".")[0],
        "http": {
            "method": request.method,
            "path": request.path,
            "protocol": request.protocol,
            "sourceIp": request.source_ip,
            "userAgent": request.headers.get("user-agent", ""),
        },
        "requestId": str(uuid.uuid4()),
        "routeKey": route_key,
        "stage": STAGE,
        "time": now.strftime("%d/%b/%Y:%H:%M:%S +0000"),
        "timeEpoch": round(now.timestamp() * 1000),
    }
    if claims is not None:
        context["authorizer"] = {"jwt": {"claims": {k: claim_text(v) for k, v in claims.items()}, "scopes": None}}
    return context


def claim_text(value: Any) -> str:
    """Returns a claim as API Gateway passes it on: always as text, a list as "[a b]"."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return f"[{' '.join(claim_text(item) for item in value)}]"
    return json.dumps(value)


def bearer(headers: Mapping[str, str]) -> str | None:
    """Returns the token in the Authorization header, with or without the word Bearer; None if there is none."""
    scheme, _, rest = headers.get("authorization", "").strip().partition(" ")
    if scheme.lower() == "bearer":
        return rest.strip() or None
    return scheme if scheme and not rest else None


def _joined(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Returns the parameters, the values of a repeated one joined by commas."""
    joined: dict[str, str] = {}
    for name, value in pairs:
        joined[name] = f"{joined[name]},{value}" if name in joined else value
    return joined


def _body(request: HttpRequest) -> tuple[str, bool]:
    """Returns the body, and whether it is base64: bytes that are not declared as text, or are no UTF-8, are."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json" or kind.startswith("text/"):
        try:
            return request.body.decode(), False
        except UnicodeDecodeError:
            pass
    return base64.b64encode(request.body).decode(), True


def response_of(answer: Any) -> HttpResponse:
    """Returns the HTTP answer for a function's result.

    A result without a status code becomes the body of a 200, as on AWS.
    """
    if not isinstance(answer, dict) or "statusCode" not in answer:
        return HttpResponse(200, json.dumps(answer).encode(), (("Content-Type", "application/json"),))
    text = answer.get("body") or ""
    body = base64.b64decode(text) if answer.get("isBase64Encoded") else str(text).encode()
    headers = [(str(name), str(value)) for name, value in (answer.get("headers") or {}).items()]
    if body and not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("Content-Type", "text/plain;charset=UTF-8"))
    cookies = [("Set-Cookie", str(cookie)) for cookie in answer.get("cookies") or ()]
    return HttpResponse(int(answer["statusCode"]), body, (*headers, *cookies))
