"""Calls the console's gate as a server would, and a console that runs in a process of its own."""

import asyncio
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from operate.console.gate import Gate, Message, Receive, Scope, Send

HOST = "127.0.0.1:8501"
ROOT = Path(__file__).parents[2]
_ADDRESS = re.compile(r"http://(\S+)/\?token=(\S+)")


class Answer(NamedTuple):
    """A gate's answer; header names are in lower case. A socket that is closed has no headers and its close code."""

    status: int
    headers: Mapping[str, str]
    body: str

    @property
    def cookie(self) -> str:
        """The pair of name and value that a browser would send back."""
        return self.headers["set-cookie"].partition(";")[0]


@dataclass
class Gated:
    """A gate before a console that notes each call that gets through; `tokens` are those that were printed."""

    host: str = HOST
    tokens: list[str] = field(default_factory=list)
    let_in: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.gate = Gate(self._console, self.host, self.tokens.append)

    def get(self, target: str = "/", method: str = "GET", **headers: str) -> Answer:
        """Sends a request; a header's name has `_` for `-`."""
        path, _, query = target.partition("?")
        return asyncio.run(self._call({"type": "http", "method": method, **self._place(path, query, headers)}))

    def connect(self, **headers: str) -> Answer:
        """Opens the socket over which Streamlit's pages talk."""
        return asyncio.run(self._call({"type": "websocket", **self._place("/_stcore/stream", "", headers)}))

    def enter(self) -> str:
        """Takes the token that was printed last, and returns the cookie."""
        return self.get(f"/?token={self.tokens[-1]}").cookie

    async def _console(self, scope: Scope, _: Receive, send: Send) -> None:
        self.let_in.append(scope["path"])
        start: Message = {"type": "http.response.start", "status": 200, "headers": [(b"x-frame-options", b"DENY")]}
        body: Message = {"type": "http.response.body", "body": b"the console"}
        accept: Message = {"type": "websocket.accept"}
        for message in [accept] if scope["type"] == "websocket" else [start, body]:
            await send(message)

    def _place(self, path: str, query: str, headers: Mapping[str, str]) -> Scope:
        pairs = {"host": self.host} | {name.replace("_", "-"): value for name, value in headers.items()}
        raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in pairs.items()]
        return {"path": path, "query_string": query.encode("latin-1"), "headers": raw}

    async def _call(self, scope: Scope) -> Answer:
        sent: list[Message] = []

        async def receive() -> Message:
            return {"type": "websocket.connect" if scope["type"] == "websocket" else "http.request"}

        async def send(message: Message) -> None:
            sent.append(message)

        await self.gate(scope, receive, send)
        return _answer(sent)


def _answer(sent: list[Message]) -> Answer:
    first = sent[0]
    if first["type"] == "websocket.accept":
        return Answer(101, {}, "")
    if first["type"] == "websocket.close":
        return Answer(first["code"], {}, "")
    headers = {name.decode(): value.decode() for name, value in first["headers"]}
    return Answer(first["status"], headers, b"".join(its.get("body", b"") for its in sent[1:]).decode())


@dataclass
class Running:
    """A console in a process of its own."""

    process: subprocess.Popen[str]
    host: str
    token: str

    @property
    def port(self) -> int:
        return int(self.host.partition(":")[2])

    def next_token(self) -> str:
        """Waits until the console prints the next token, and returns it."""
        self.host, self.token = _told(self.process)
        return self.token


@contextmanager
def running(*arguments: str, folder: Path = ROOT, environment: Mapping[str, str] | None = None) -> Iterator[Running]:
    """Starts the console as `make console` does, on a free port, and stops it at the end."""
    command = [sys.executable, "-m", "operate.console", "--port", "0", *arguments]
    out: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    with subprocess.Popen(command, cwd=folder, env=environment, **out) as process:
        try:
            yield Running(process, *_told(process))
        finally:
            process.terminate()


def _told(process: subprocess.Popen[str]) -> tuple[str, str]:
    assert process.stdout is not None
    for line in process.stdout:
        if found := _ADDRESS.search(line):
            return found[1], found[2]
        assert "Ctrl-C" in line, f"the address is buried under other lines: {line}"
    raise AssertionError(f"the console ended with code {process.wait()}")
