"""`python -m local` runs the stack; `python -m local token USER` prints a bearer token."""

import argparse
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from types import FrameType

from local.clock import RealClock
from local.engine import EngineError
from local.scratch import STACK_FOLDER
from local.server import PortError
from local.template import TEMPLATE, TemplateError
from local.tokens import TokenError, Tokens

DEFAULT_PORT = "3000"
WELCOME = """Fettle listens on {url}
  {url}/docs describes the API and lets you try it
  `make token USER=ana` prints a bearer token; send it as "Authorization: Bearer ..."
  `.venv/bin/python -m operate --endpoint-url {data}` looks at its policies
  `make daily DATE=2026-11-22` computes a day and prints it
  `make console` opens the operator's console
  Ctrl-C stops it; the data goes with it
ready"""
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class _StopSignal(BaseException):
    """Raised by a stop signal; it is no Exception, so that no handler of failures catches it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Parses the command line, runs the command and returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    parser.add_argument("--port", type=int, default=os.environ.get("PORT") or DEFAULT_PORT, help="PORT, else 3000")
    parser.add_argument("--now", type=datetime.fromisoformat, help="start the clock here: 2026-11-23T08:00:00Z")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a template parameter")
    parser.add_argument("--template", type=Path, default=TEMPLATE, help="another template than infra/template.yaml")
    token = parser.add_subparsers(dest="command").add_parser("token", help="print a bearer token for a user")
    token.add_argument("user", help="becomes the token's sub")
    options = parser.parse_args(arguments)
    try:
        return _print_token(options.user) if options.command == "token" else _run(options)
    except (EngineError, PortError, TemplateError, TokenError, ValueError) as error:
        print(f"fettle: {error}", file=sys.stderr)
        return 1


def _print_token(user: str) -> int:
    if not user.strip():
        raise ValueError("a token needs a user")
    print(Tokens.of(STACK_FOLDER).mint(user))
    return 0


def _run(options: argparse.Namespace) -> int:
    """Serves until a stop signal."""
    parameters = dict(pair.partition("=")[::2] for pair in options.set)
    with _stop_signals():
        # Imported here: the import is slow, and a signal may come meanwhile.
        from local.known import known
        from local.stack import Stack

        clock = RealClock(options.now)
        run = Stack(port=options.port, clock=clock, parameters=parameters, template=options.template)
        with run as stack, known(stack):
            print(WELCOME.format(url=stack.url, data=stack.data_url), flush=True)
            threading.Event().wait()
    return 0


@contextmanager
def _stop_signals() -> Iterator[None]:
    """Ends the block at the first stop signal, and ignores all later ones, so that nothing is left half stopped."""

    def stop(number: int, frame: FrameType | None) -> None:
        for each in STOP_SIGNALS:
            signal.signal(each, signal.SIG_IGN)
        raise _StopSignal

    for each in STOP_SIGNALS:
        signal.signal(each, stop)
    with suppress(_StopSignal):
        yield


if __name__ == "__main__":
    sys.exit(main())
