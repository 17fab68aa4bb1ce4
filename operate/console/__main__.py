"""`python -m operate.console`: the operator's console, on loopback, of the local stack that runs here or of a table."""

import argparse
import socket
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

import uvicorn
from streamlit import App

from operate.console import seat
from operate.console.gate import Gate
from operate.source import NoStackError, local_stack, table_of

PORT = 8501
SCRIPT = Path(__file__).with_name("app.py")


def main(arguments: Sequence[str] | None = None) -> int:
    """Serves the console until Ctrl-C; returns 1 if no stack runs here, or the port is taken."""
    parser = argparse.ArgumentParser(prog="python -m operate.console", description=__doc__)
    parser.add_argument("--table", default=None, help="on AWS, with your own credentials; else the local stack's")
    parser.add_argument("--port", type=int, default=PORT, help="0: a free one")
    options = parser.parse_args(arguments)
    try:
        source = table_of(options.table) if options.table else local_stack()
        listening = _bound(options.port)
    except (NoStackError, OSError) as error:
        print(f"console: {error}", file=sys.stderr)
        return 1
    import_module("pandas")  # before any view does: of two threads that import it at once, one may see half of it
    seat.take(source)
    host = f"127.0.0.1:{listening.getsockname()[1]}"
    print(f"The console of {source.table} listens on loopback only; Ctrl-C stops it.", flush=True)
    gate = Gate(App(SCRIPT), host, lambda token: _tell(host, token))
    config = uvicorn.Config(gate, log_level="error", access_log=False, ws="websockets-sansio")
    uvicorn.Server(config).run(sockets=[listening])
    return 0


def _bound(port: int) -> socket.socket:
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(("127.0.0.1", port))
        listening.listen()  # so that an address that is opened as soon as it is printed waits for the server
    except OSError as error:
        listening.close()
        raise OSError(f"port {port} cannot be had ({error.strerror}): make console PORT=8502") from error
    return listening


def _tell(host: str, token: str) -> None:
    print(f"Open this address, which works once:  http://{host}/?token={token}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
