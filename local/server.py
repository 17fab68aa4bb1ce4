"""Runs Waitress in a thread, on a socket that is already bound."""

import logging
import os
import socket
import threading
import time
from typing import TYPE_CHECKING, Any

from waitress import wasyncore  # type: ignore[import-untyped]
from waitress.server import create_server  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

THREADS = 32
CONNECTIONS = 1000
DRAIN_SECONDS = 5.0


logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # or it warns whenever a request waits


class PortError(Exception):
    """Raised when the port is busy, or may not be used."""


class Server:
    """Serves an application until `stop`, which finishes the requests under way."""

    def __init__(self, application: "WSGIApplication", bound: socket.socket) -> None:
        self._sockets: dict[int, Any] = {}
        self._server = create_server(
            application,
            map=self._sockets,
            sockets=[bound],
            threads=THREADS,
            connection_limit=CONNECTIONS,
            asyncore_use_poll=True,
            ident=None,
        )
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="http", daemon=True)

    def start(self) -> None:
        """Starts to answer requests."""
        self._thread.start()

    def stop(self) -> None:
        """Answers the requests under way, then closes all connections."""
        self._stopping.set()
        self._server.pull_trigger()
        self._thread.join()
        wasyncore.close_all(self._sockets)  # not in the thread, which may end before its trigger is pulled

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._poll(1.0)
        self._server.accepting = False
        self._server.task_dispatcher.shutdown(timeout=DRAIN_SECONDS)
        deadline = time.monotonic() + DRAIN_SECONDS
        while self._unsent() and time.monotonic() < deadline:
            self._poll(0.05)

    def _poll(self, seconds: float) -> None:
        wasyncore.loop(timeout=seconds, map=self._sockets, use_poll=True, count=1)

    def _unsent(self) -> bool:
        return any(channel.total_outbufs_len for channel in list(self._server.active_channels.values()))


def bind(port: int) -> socket.socket:
    """Binds the port, on loopback only; 0 binds a free one. Raises PortError when that fails."""
    try:
        return socket.create_server(("127.0.0.1", port))
    except OSError as error:
        raise PortError(f"cannot listen on 127.0.0.1:{port}: {os.strerror(error.errno or 0)}") from None
    except OverflowError:
        raise PortError(f"{port} is no port") from None
