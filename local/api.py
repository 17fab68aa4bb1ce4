"""Serves the HTTP API as a WSGI application: the template's routes and authorizer, and API Gateway's own answers."""

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from local import gateway
from local.access_log import AccessLog
from local.clock import Clock
from local.facts import Route, Template
from local.gateway import HttpRequest, HttpResponse
from local.routes import Routes
from local.tokens import TokenError, Tokens

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

MAX_BODY_BYTES = 10 * 1024 * 1024

Invoke = Callable[[str, gateway.Event], Any]
Page = Callable[[], HttpResponse]

_log = logging.getLogger(__name__)


class Api:
    """Answers a request: finds the route, checks the token and calls the function.

    `pages` are additional local pages by path; they are used only where the template has no route of that path.
    """

    def __init__(
        self, template: Template, tokens: Tokens, invoke: Invoke, clock: Clock, pages: Mapping[str, Page]
    ) -> None:
        self._authorizer, self._tokens = template.authorizer, tokens
        self._invoke, self._clock, self._pages = invoke, clock, pages
        self._routes = Routes(template.routes)
        self._access = AccessLog(template.access_log)

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answers a WSGI request by `respond`."""
        response = self._safely(environ)
        body = b"" if environ["REQUEST_METHOD"] == "HEAD" else response.body
        headers = [*response.headers, ("Content-Length", str(len(body)))]
        if response.status == HTTPStatus.NO_CONTENT:
            headers.pop()
        start_response(_status_line(response.status), headers)
        return [body]

    def _safely(self, environ: "WSGIEnvironment") -> HttpResponse:
        if int(environ.get("CONTENT_LENGTH") or 0) > MAX_BODY_BYTES:
            return gateway.TOO_LONG
        return self.respond(_request(environ))

    def respond(self, request: HttpRequest) -> HttpResponse:
        """Returns the answer to a request, from the gateway, a function or a local page; logs all but pages."""
        found = self._routes.match(request)
        if found is None:
            page = self._pages.get(request.path) if request.method == "GET" else None
            return page() if page else self._logged(gateway.NOT_FOUND, gateway.unrouted(request, self._clock.now()))
        claims = self._claims(request) if found.route.authorised else None
        event = found.event(request, claims, self._clock.now())
        if found.route.authorised and claims is None:
            return self._logged(gateway.UNAUTHORIZED, event)
        start = time.monotonic()
        answer = self._call(found.route, event)
        self._access.write(event, answer, round((time.monotonic() - start) * 1000))
        return answer

    def _logged(self, answer: HttpResponse, event: gateway.Event) -> HttpResponse:
        """Logs and returns an answer of the gateway's own."""
        self._access.write(event, answer, 0, error=HTTPStatus(answer.status).phrase)
        return answer

    def _claims(self, request: HttpRequest) -> Mapping[str, Any] | None:
        token = gateway.bearer(request.headers)
        if token is None or self._authorizer is None:
            return None
        try:
            return self._tokens.verify(token, issuer=self._authorizer.issuer, audience=self._authorizer.audience)
        except TokenError:
            return None

    def _call(self, route: Route, event: gateway.Event) -> HttpResponse:
        """Returns the function's answer; if it fails or returns something else, logs why and returns a bare 500."""
        try:
            return gateway.response_of(self._invoke(route.function, event))
        except Exception:
            _log.exception("%s failed at %s", route.function, route.key)
            return gateway.FAILED


def _request(environ: "WSGIEnvironment") -> HttpRequest:
    headers = {name[5:].replace("_", "-").lower(): value for name, value in environ.items() if name[:5] == "HTTP_"}
    for name in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        if environ.get(name):
            headers[name.replace("_", "-").lower()] = environ[name]
    return HttpRequest(
        method=environ["REQUEST_METHOD"],
        path=environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace"),
        query=environ.get("QUERY_STRING", ""),
        headers=headers,
        body=environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)),
        source_ip=environ.get("REMOTE_ADDR", ""),
        protocol=environ["SERVER_PROTOCOL"],
    )


def _status_line(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"{status} Unknown"
