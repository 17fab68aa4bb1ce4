"""What operators did: the command that lists it, and who acts, which each command that writes says before it does."""

import argparse
import re
import secrets
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from operate.moments import add_now, now_of
from rl_core.errors import FettleError
from rl_core.models import Act
from rl_core.store import Store, latest_acts

LOCAL = "local"
_SOON = Config(connect_timeout=3, read_timeout=3, retries={"total_max_attempts": 2})
LONGEST = 500  # characters of a reason
_DENIED = {"AccessDenied", "AccessDeniedException"}


class UnknownCallerError(FettleError):
    """Who acts is not known, so nothing was done."""


def begin(store: Store, options: argparse.Namespace, *, person: bytes = b"") -> Act:
    """Returns the act that a command is about to do, by whom, now, for the reason that was given.

    Only on the local stack is an act dated by `--now`; nobody dates what they do to a deployed one. Raises
    UnknownCallerError when STS does not say who the caller is.
    """
    its = who(store, local=options.local or bool(options.endpoint_url))
    at = now_of(options) if its == LOCAL else datetime.now(UTC)
    return Act(secrets.token_hex(4), at, its, reason=getattr(options, "reason", ""), person=person)


def who(store: Store, *, local: bool = False) -> str:
    """Returns who acts on the table: `local` on a local stack, else the caller's ARN.

    Raises UnknownCallerError when STS does not say who the caller is.
    """
    return LOCAL if local or _on_this_machine(store) else _caller()


def _on_this_machine(store: Store) -> bool:
    """Returns whether the environment leads to an engine of this machine."""
    return urlsplit(store.client.meta.endpoint_url).hostname in {"localhost", "127.0.0.1", "::1"}


def _caller() -> str:
    try:
        arn: str = boto3.client("sts", config=_SOON).get_caller_identity()["Arn"]
    except (BotoCoreError, ClientError) as error:
        raise UnknownCallerError("STS does not say who you are, so nothing was done; try again") from error
    return arn


def refusal(error: BaseException, command: str) -> str | None:
    """Returns one sentence for an error that comes from a right that the caller has not; None for any other error."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ClientError):
        cause = cause.__cause__
    if cause is None or cause.response["Error"]["Code"] not in _DENIED:
        return None
    said = cause.response["Error"].get("Message", "")
    who, action = re.search(r"User: (\S+)", said), re.search(r"not authorized to perform: (\S+)", said)
    right = f" ({action[1]})" if action else ""
    return f"{who[1] if who else 'this caller'} is not allowed to {command}{right}; FettleOperator may"


def audit(store: Store, _: object, options: argparse.Namespace) -> int:
    """Lists what operators did, newest first: when, who, what, to which segment, before and after, why."""
    for act in latest_acts(store, options.last):
        place = f" {act.segment.name}" if act.segment else ""
        person = f" {act.person.hex()}" if act.person else ""
        print(f"{act.at.isoformat(timespec='seconds')}  {act.who}  {act.what}{place}{person}")
        for name, words in (("before", act.before), ("after", act.after), ("reason", act.reason)):
            if words:
                print(f"    {name}: {words}")
    return 0


def add_reason(command: argparse.ArgumentParser, *, required: bool = False) -> None:
    """Adds the options by which an operator says why, and when it is done, where that is not now."""
    told = "stays on record with your name: it names nobody, neither a user nor anybody else"
    command.add_argument("--reason", type=_reason, default="", required=required, help=told)
    add_now(command)


def _reason(text: str) -> str:
    if len(text) > LONGEST:
        raise argparse.ArgumentTypeError(f"at most {LONGEST} characters")
    return text


def add_to(commands: Any) -> None:
    """Adds the command to a parser's."""
    added = commands.add_parser("audit", help=audit.__doc__)
    added.set_defaults(command=audit)
    added.add_argument("--last", type=int, default=20, metavar="N", help="how many")
