"""`python -m operate`: a policy's versions, replay, rollback and persons, decisions, days, a restored table, the audit.

Against AWS it takes the account's own credentials and region; against the local stack, `--endpoint-url` with the
address that `make run` prints for the data.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from datetime import date

from operate import after_restore, audit, check, decisions, parking, persons, policies, unlearning
from operate.daily import compute, table
from operate.moments import add_now, now_of
from operate.source import NoStackError, local_stack, table_of
from rl_core.config import Settings
from rl_core.errors import FettleError
from rl_core.models import Segment
from rl_core.store import DayTable, Store


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns 0 if it was done and its checks agree, 1 if a check differs, 2 on an error.

    `check` has codes of its own.
    """
    options = _options(arguments)
    failed = int(options.failed)
    command: Callable[[Store, Settings, argparse.Namespace], int] = options.command
    try:
        source = local_stack() if options.local else table_of(options.table, options.endpoint_url)
        if options.local and getattr(options, "now", None) is None:
            options.now = source.now()
        return command(source.store(), source.settings(), options)
    except NoStackError as error:
        print(error, file=sys.stderr)
        return failed
    except FettleError as error:
        cause = f" ({error.__cause__})" if error.__cause__ else ""
        said = audit.refusal(error, options.called) or f"{type(error).__name__}: {error}{cause}"
        print(said, file=sys.stderr)
        return failed


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Returns the options. Exits with 2 where they are wrong; `check` with a code that is no colour's."""
    try:
        return _parser().parse_args(arguments)
    except SystemExit as wrong:
        if wrong.code and "check" in (sys.argv[1:] if arguments is None else arguments):
            raise SystemExit(check.FAILED) from wrong
        raise


def daily(store: Store, settings: Settings, options: argparse.Namespace) -> int:
    """Computes a day anew, all its shards in this process, and prints it by segment with intervals."""
    diary = DayTable(store.name, store.client)
    report = compute(diary, options.date, now_of(options), settings)
    for line in table(diary, options.date, entries=options.activities):
        print(line)
    print(f"\n{report['users']} user days, {report['written']} of them new or changed", end="")
    print(f", {report['unsettled']} can still change" if report["unsettled"] else "", end="")
    print(f", {report['unreadable']} UNREADABLE" if report["unreadable"] else "")
    return 1 if report["unreadable"] else 0


def _segment(text: str) -> Segment:
    try:
        return Segment[text] if text in Segment.__members__ else Segment(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"one of {', '.join(Segment.__members__)}") from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m operate", description=__doc__)
    parser.add_argument("--table", default=None, help="else TABLE_NAME, else the local one")
    parser.add_argument("--endpoint-url", default=None, help="of the local stack's data; AWS without")
    parser.set_defaults(failed=2)
    parser.add_argument("--local", action="store_true", help="the local stack that runs here")
    commands = parser.add_subparsers(required=True, metavar="command", dest="called")
    day = commands.add_parser("daily", help=daily.__doc__)
    day.set_defaults(command=daily)
    day.add_argument("date", type=date.fromisoformat, help="2026-11-22")
    add_now(day)
    day.add_argument("--activities", action="store_true", help="activity by activity too")
    policies.add_to(commands, _segment)
    persons.add_to(commands, _segment)
    parking.add_to(commands)
    decisions.add_to(commands)
    unlearning.add_to(commands)
    after_restore.add_to(commands)
    audit.add_to(commands)
    check.add_to(commands, _segment)
    return parser


if __name__ == "__main__":
    sys.exit(main())
