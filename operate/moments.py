"""The time that a command takes for now: the machine's, or that of `--now`."""

import argparse
from datetime import UTC, datetime


def add_now(command: argparse.ArgumentParser) -> None:
    """Adds the option by which a command takes another time than the machine's for now."""
    told = "as if run then, 2026-11-27T12:30:00Z; else by the machine's clock"
    command.add_argument("--now", type=_moment, default=None, help=told)


def now_of(options: argparse.Namespace) -> datetime:
    """Returns the time that the command takes for now."""
    given: datetime | None = options.now
    return given or datetime.now(UTC)


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise argparse.ArgumentTypeError("a time with its zone: 2026-11-27T12:30:00Z")
    return moment
