"""Plays one user's phone: it has a method for each route of the API, over HTTP or straight to the functions.

A method makes a `Request`, and returns what the phone's transport makes of it. `over_http` and `to_functions` send the
request and give an `Answer`; `invocation` sends nothing and gives the function that would be called, with its event.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, Generic, NamedTuple, TypeVar
from urllib.parse import unquote, urlencode

import httpx

from local.gateway import NOT_FOUND, Event, HttpRequest, HttpResponse, response_of
from local.routes import Routes
from local.template import load

Json = dict[str, Any]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Request:
    """A phone's request; `target` is path and query as in a URL, header names are in lower case."""

    method: str
    target: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def __str__(self) -> str:
        return f"{self.method} {self.target}"


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a phone; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def text(self) -> str:
        """Returns the body as text."""
        return self.content.decode()

    @property
    def body(self) -> Any:
        """Returns the body read as JSON; None when it is empty."""
        return json.loads(self.content) if self.content else None


Send = Callable[[Request], Answer]


class RefusedError(Exception):
    """Raised when an answer is no success; the message names the request and quotes the answer."""


class NoRouteError(LookupError):
    """Raised when the template has no such route."""


@dataclass(frozen=True, slots=True)
class Phone(Generic[T]):
    """The app of one user; each method returns what `send` returns."""

    send: Callable[[Request], T]

    def get_profile(self) -> T:
        return self.ask("GET", "/profile/")

    def put_profile(self, **fields: Any) -> T:
        return self.ask("PUT", "/profile/", fields)

    def delete_profile(self) -> T:
        return self.ask("DELETE", "/profile/")

    def get_consent(self) -> T:
        return self.ask("GET", "/consent/")

    def put_consent(self, **said: Any) -> T:
        return self.ask("PUT", "/consent/", said)

    def get_pause(self) -> T:
        return self.ask("GET", "/pause/")

    def put_pause(self, until: Any) -> T:
        return self.ask("PUT", "/pause/", {"until": until})

    def delete_pause(self) -> T:
        return self.ask("DELETE", "/pause/")

    def assessments(self, limit: int | None = None) -> T:
        return self.ask("GET", "/assessments/" + _query(limit=limit))

    def export(self, next_token: str | None = None) -> T:
        """Asks for one page of all that is held of the user."""
        return self.ask("GET", "/export/" + _query(next_token=next_token))

    def recommend(self, prefetch: bool | None = None) -> T:
        """Asks for the open session, or a new one."""
        return self.ask("GET", "/activity/recommended/" + _query(prefetch=prefetch))

    def complete(self, activity: int, **answer: Any) -> T:
        """Answers one activity, as completed unless the answer says otherwise."""
        return self.ask("POST", f"/activity/{activity}/complete/", {"completed": True} | answer)

    def batch(self, items: Sequence[Json], **more: Any) -> T:
        """Answers several activities, and ends their session."""
        return self.ask("POST", "/activity/feedback-batch/", {"activities": items, **more})

    def history(self, limit: int | None = None, next_token: str | None = None) -> T:
        """Asks for one page of the sessions, newest first."""
        return self.ask("GET", "/activity/history/" + _query(limit=limit, next_token=next_token))

    def explanation(self, session: int, language: str | None = None) -> T:
        """Asks why a session's plan was given, in a language or several with weights."""
        headers = {} if language is None else {"accept-language": language}
        return self.ask("GET", f"/explanation/{session}/", headers=headers)

    def stats(self, days: int | None = None) -> T:
        return self.ask("GET", "/stats/" + _query(days=days))

    def ask(self, method: str, target: str, body: Any = None, headers: Mapping[str, str] | None = None) -> T:
        """Sends any request; the body is sent as JSON, with that content type, unless it is bytes."""
        if body is None or isinstance(body, bytes):
            return self.send(Request(method, target, headers or {}, body or b""))
        content = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        return self.send(Request(method, target, {"content-type": "application/json", **(headers or {})}, content))


def over_http(client: httpx.Client, token: str) -> Send:
    """Returns a transport that sends over HTTP, as the user of this token."""

    def send(request: Request) -> Answer:
        headers = {"authorization": f"Bearer {token}", **request.headers}
        answer = client.request(request.method, request.target, headers=headers, content=request.body)
        return Answer(answer.status_code, dict(answer.headers), answer.content)

    return send


def to_functions(invoke: Callable[[str, Event], Any], user: str, at: datetime) -> Send:
    """Returns a transport that calls the request's function directly, as that user at that time.

    It raises what the function raises.
    """

    def send(request: Request) -> Answer:
        try:
            function, event = invocation(request, user, at)
        except NoRouteError:
            return _answer(NOT_FOUND)
        return _answer(response_of(invoke(function, event)))

    return send


class Invocation(NamedTuple):
    """A call of a function: its name and event."""

    function: str
    event: Event


def invocation(request: Request, user: str, at: datetime) -> Invocation:
    """Returns the call for a request of that user at that time. Raises NoRouteError if no route takes it."""
    path, _, query = request.target.partition("?")
    http = HttpRequest(request.method, unquote(path), query, request.headers, request.body)
    found = _routes().match(http)
    if found is None:
        raise NoRouteError(str(request))
    return Invocation(found.route.function, found.event(http, {"sub": user}, at))


def bodies(send: Send) -> Callable[[Request], Json]:
    """Returns a transport that returns the body of a success, and raises RefusedError for any other answer."""

    def sent(request: Request) -> Json:
        answer = send(request)
        if answer.status not in {200, 204}:
            raise RefusedError(f"{request} answered {answer.status}: {answer.text}")
        return answer.body or {}

    return sent


def ids(plan: Json) -> list[int]:
    """Returns the ids of a session's activities."""
    return [activity["id"] for activity in plan["activities"]]


def pages(history: Callable[[str | None], Json]) -> Iterator[list[Json]]:
    """Returns the sessions of each page of the history; `history` returns the page of a token, the first for None."""
    return (page["sessions"] for page in whole_pages(history))


def whole_pages(ask: Callable[[str | None], Json]) -> Iterator[Json]:
    """Yields all pages; `ask` returns the page of a token, the first for None."""
    page = ask(None)
    yield page
    while page["next_token"] is not None:
        page = ask(page["next_token"])
        yield page


@lru_cache(maxsize=1)
def _routes() -> Routes:
    return Routes(load().routes)


def _answer(response: HttpResponse) -> Answer:
    return Answer(response.status, {name.lower(): value for name, value in response.headers}, response.body)


def _query(**asked: object) -> str:
    """Returns a query string of the parameters that are not None: "?limit=2"."""
    given = {name: str(value).lower() if isinstance(value, bool) else value for name, value in asked.items()}
    query = urlencode({name: value for name, value in given.items() if value is not None})
    return f"?{query}" if query else ""
