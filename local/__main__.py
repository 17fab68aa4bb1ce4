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
DATA_URL = STACK_FOLDER / "data-url"
WELCOME = """Fettle listens on {url}
  {url}/docs describes the API and lets you try it
  `make token USER=ana` prints a bearer token; send it as "Authorization: Bearer ..."
  `.venv/bin/python -m operate --endpoint-url {data}` looks at its policies
  `make daily DATE=2026-11-22` computes a day and prints it
  Ctrl-C stops it; the data goes with it
ready"""
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class _StopSignal(BaseException):
    """Somebody asked us to stop; not an Exception, so that nothing on the way takes it for a failure."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line and run what it says; the exit code."""
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
    """Serve until somebody stops us."""
    parameters = dict(pair.partition("=")[::2] for pair in options.set)
    with _stop_signals():
        from local.stack import Stack  # here, because it takes a while, in which somebody may stop us

        clock = RealClock(options.now)
        with Stack(port=options.port, clock=clock, parameters=parameters, template=options.template) as stack:
            print(WELCOME.format(url=stack.url, data=stack.data_url), flush=True)
            with _known(stack.data_url):
                threading.Event().wait()
    return 0


@contextmanager
def _known(data_url: str) -> Iterator[None]:
    """Where the data is, in a file, for `make daily`; with two stacks at once, that of the later one."""
    DATA_URL.write_text(data_url, encoding="utf-8")
    try:
        yield
    finally:
        if DATA_URL.exists() and DATA_URL.read_text(encoding="utf-8") == data_url:
            DATA_URL.unlink()


@contextmanager
def _stop_signals() -> Iterator[None]:
    """The first signal unwinds what runs within; later ones are ignored, so that nothing is left half stopped."""

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
