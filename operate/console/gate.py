"""Lets into the console who has the one-time token, from the console's own pages only."""

import hmac
import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

COOKIE = "fettle_console"  # and the port, because a browser sends a host's cookies to each of its ports
# A page may load and call nothing but its own server. Streamlit needs inline styles, workers and compiled expressions.
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; worker-src 'self' blob:; connect-src 'self' data: blob:; "
    "object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
USED = (
    "This page needs the address that `make console` printed last. Each address works once; "
    "the console prints a new one when one was used."
)


class Gate:
    """Asks each request for the cookie that the one-time token was given for, and judges where it comes from.

    `tell` is called with the next token each time one was used, so that another browser can be let in.
    """

    def __init__(self, app: App, host: str, tell: Callable[[str], None]) -> None:
        self._app, self._host, self._tell = app, host, tell
        self._name = f"{COOKIE}_{host.rpartition(':')[2]}"
        self._pass = secrets.token_urlsafe(32)
        self._token = secrets.token_urlsafe(32)
        tell(self._token)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves a request that may pass; answers 403 to any other one, and closes a socket that may not pass."""
        if scope["type"] not in {"http", "websocket"}:
            return await self._app(scope, receive, send)
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        if self._is_foreign(headers):
            return await _refuse(scope, receive, send)
        if self._has_pass(headers):
            return await self._app(scope, receive, _with_headers(send))
        if scope["type"] == "http" and self._takes(scope):
            return await _answer(send, 303, "", {"location": "/", "set-cookie": self._cookie()})
        return await _refuse(scope, receive, send)

    def _is_foreign(self, headers: dict[str, str]) -> bool:
        """Returns whether the request is for another host, as after a DNS rebinding, or comes from another page."""
        origin, site = headers.get("origin"), headers.get("sec-fetch-site", "none")
        own = origin is None or origin == f"http://{self._host}"
        return headers.get("host") != self._host or not own or site not in {"same-origin", "none"}

    def _has_pass(self, headers: dict[str, str]) -> bool:
        try:
            found = SimpleCookie(headers.get("cookie", "")).get(self._name)
        except CookieError:
            return False
        return found is not None and hmac.compare_digest(found.value.encode(), self._pass.encode())

    def _takes(self, scope: Scope) -> bool:
        """Returns whether the request has the token, and makes the next one if so."""
        given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        if scope["method"] != "GET" or scope["path"] != "/":
            return False
        if not hmac.compare_digest(given.encode(), self._token.encode()):
            return False
        self._token = secrets.token_urlsafe(32)
        self._tell(self._token)
        return True

    def _cookie(self) -> str:
        return f"{self._name}={self._pass}; Path=/; HttpOnly; SameSite=Strict"


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            kept = [(name, value) for name, value in message["headers"] if name.decode().lower() not in HEADERS]
            message["headers"] = kept + _encoded(HEADERS)
        await send(message)

    return sending


def _encoded(headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode()) for name, value in headers.items()]


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await receive()
        return await send({"type": "websocket.close", "code": 4403})
    return await _answer(send, 403, USED, {})


async def _answer(send: Send, status: int, text: str, more: dict[str, str]) -> None:
    headers = HEADERS | {"content-type": "text/plain; charset=utf-8"} | more
    await send({"type": "http.response.start", "status": status, "headers": _encoded(headers)})
    await send({"type": "http.response.body", "body": text.encode()})
