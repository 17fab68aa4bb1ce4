"""`python -m operate`: a policy's versions, replay, rollback and persons, decisions, days, a restored table.

Against AWS it takes the account's own credentials and region; against the local stack, `--endpoint-url` with the
address that `make run` prints for the data.
"""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import boto3

from operate import after_restore, check, persons, unlearning
from operate.daily import compute, table
from rl_core.config import Settings, read_settings
from rl_core.errors import FettleError, UnavailableError
from rl_core.models import ACTIONS, MILLION, Facts, Segment, Session
from rl_core.store import DayTable, Store
from rl_core.store.policies import policy_item
from rl_core.work import attempts, explain, mend, policy_at, roll_back

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

DEFAULT_TABLE = "fettle-local-Table"
LOCAL_DATA = Path(".stack/data-url")  # written by the local stack while it runs


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns 0 if it was done and its checks agree, 1 if a check differs, 2 on an error.

    `check` has codes of its own.
    """
    options = _options(arguments)
    settings, failed = read_settings(table_name=options.table), int(options.failed)
    try:
        client = _client(LOCAL_DATA.read_text(encoding="utf-8") if options.local else options.endpoint_url)
    except FileNotFoundError:
        print("no local stack runs here: make run", file=sys.stderr)
        return failed
    command: Callable[[Store, Settings, argparse.Namespace], int] = options.command
    try:
        return command(Store(options.table, client), settings, options)
    except FettleError as error:
        cause = f" ({error.__cause__})" if error.__cause__ else ""
        print(f"{type(error).__name__}: {error}{cause}", file=sys.stderr)
        return failed


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Returns the options. Exits with 2 where they are wrong; `check` with a code that is no colour's."""
    try:
        return _parser().parse_args(arguments)
    except SystemExit as wrong:
        if wrong.code and "check" in (sys.argv[1:] if arguments is None else arguments):
            raise SystemExit(check.FAILED) from wrong
        raise


def _client(endpoint_url: str | None) -> "DynamoDBClient":
    """Returns a client for AWS as the environment says, or for the given endpoint.

    For an endpoint, credentials and region need not be set.
    """
    session = boto3.Session()
    if endpoint_url is None:
        return session.client("dynamodb")
    if session.get_credentials() is None:
        session = boto3.Session("local", "local", region_name=session.region_name or "us-east-1")
    return session.client("dynamodb", endpoint_url=endpoint_url)


def versions(store: Store, _: Settings, options: argparse.Namespace) -> int:
    """Each version in one line: what it learned, or what it restored and why."""
    policy = store.policy(options.segment)
    print(f"{options.segment.value}: version {policy.version}, {policy.episodes} episodes learned")
    for record in store.records(options.segment, max(0, policy.version - options.last), policy.version):
        what = f"learned {len(record.transitions)}"
        if record.restored is not None:
            what = f"restored version {record.restored}: {record.reason}"
        elif record.rewritten is not None:
            what = f"{record.reason}: versions from {record.rewritten} on, rewritten"
        if record.adopted is not None:
            what += f", by {record.fold.learner} that adopted from {record.adopted}"
        print(f"{record.version:>8}  {what}")
    return 0


def replay(store: Store, _: Settings, options: argparse.Namespace) -> int:
    """Folds the records anew and compares with what is stored, bit for bit."""
    stored = store.policy(options.segment)
    if stored.hold is not None or stored.refolding is not None:
        print("versions are being rewritten by a refold; try again when that is done")
        return 2
    folded = policy_at(store, options.segment, stored.version, from_start=options.from_start)
    differing = [name for name, value in policy_item(stored).items() if policy_item(folded)[name] != value]
    if differing:
        print(f"version {stored.version} DIFFERS from its replay in: {', '.join(differing)}")
        return 1
    print(f"version {stored.version} equals its replay, bit for bit")
    return 0


def explanation(store: Store, settings: Settings, options: argparse.Namespace) -> int:
    """Recomputes one decision from stored facts and checks that it comes out the same."""
    session = store.session(options.user, options.session)
    if session is None:
        print("no such session", file=sys.stderr)
        return 2
    found = explain(store, session, settings)
    _print_decision(session, found.estimates, found.visits)
    if found.agrees(session.decision):
        print("recomputed: the same, bit for bit")
        return 0
    if found.other_settings:
        print("not recomputed: drawn under other settings")
        return 0
    why = "an erasure rewrote that version" if found.rewritten else "settings of another time?"
    print(f"recomputed: DIFFERS ({why}): {found.again}")
    return 0 if found.rewritten else 1


def _print_decision(session: Session, estimates: Sequence[float], visits: Sequence[int]) -> None:
    d = session.decision
    print(
        f"session {session.number}, {session.segment.value}, state {tuple(d.state)}, policy version {d.policy_version}"
    )
    for action in ACTIONS:
        mark = "served" if action is d.action else "" if action in d.eligible else "not eligible"
        print(
            f"  {int(action)} {action.title:<30} estimate {estimates[action]:+.6f}  visits {visits[action]:>6}  {mark}"
        )
    if d.facts is not None:
        print(f"  {_known(d.facts)}")
    best = "the best by the person's own rewards" if d.own else "the best known"
    how = "fallback" if d.fallback else "a try" if d.explored else best
    print(f"  epsilon {d.epsilon!r}, propensity {d.propensity!r}, {how}")


def _known(facts: Facts) -> str:
    """Returns what the draw knew of the person, by action."""
    pairs = zip(facts.counts, facts.sums, strict=True)
    own = ", ".join(f"{n} of {total / n / MILLION:+.3f}" if n else "0" for n, total in pairs)
    latest = " ".join(str(int(action)) for action in facts.latest) or "none"
    return f"the person's sessions {own}; elsewhere {', '.join(map(str, facts.earlier))}; latest actions {latest}"


def rollback(store: Store, settings: Settings, options: argparse.Namespace) -> int:
    """Publishes an earlier version's values as a new version."""
    for attempt in attempts():
        with attempt:
            policy = roll_back(store, options.segment, options.to, options.reason, settings)
            print(f"version {policy.version} now holds what {options.to} held; {policy.episodes} episodes stay learned")
            return 0
    raise UnavailableError


def daily(store: Store, settings: Settings, options: argparse.Namespace) -> int:
    """Computes a day anew, all its shards in this process, and prints it by segment with intervals."""
    diary = DayTable(store.name, store.client)
    report = compute(diary, options.date, options.now or datetime.now(UTC), settings)
    for line in table(diary, options.date, entries=options.activities):
        print(line)
    print(f"\n{report['users']} user days, {report['written']} of them new or changed", end="")
    print(f", {report['unsettled']} can still change" if report["unsettled"] else "", end="")
    print(f", {report['unreadable']} UNREADABLE" if report["unreadable"] else "")
    return 1 if report["unreadable"] else 0


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise argparse.ArgumentTypeError("a time with its zone: 2026-11-27T12:30:00Z")
    return moment


def mending(store: Store, settings: Settings, options: argparse.Namespace) -> int:
    """Rebuilds a policy item that is damaged or gone from the records of its versions."""
    policy = mend(store, options.segment, settings)
    print(f"version {policy.version} holds what the records say; {policy.episodes} episodes are learned")
    return 0


def parked(store: Store, *_: object) -> int:
    """Lists the sessions that were set aside, with the reason."""
    for due in store.parked():
        item = store.get(due.pk, due.sk) or {}
        print(f"{due.user}  session {due.number}  since {due.at.isoformat()}  {item.get('parked', {}).get('S', '')}")
    return 0


def unpark(store: Store, settings: Settings, options: argparse.Namespace) -> int:
    """Puts a session that was set aside back, so that the jobs try it again."""
    place = next((d for d in store.parked() if (d.user, d.number) == (options.user, options.session)), None)
    if place is None:
        print("no such session is set aside: `parked` lists them", file=sys.stderr)
        return 2
    session = store.unpark(place, settings.index_shards)
    print(f"session {session.number} is {session.status} and waits again")
    return 0


def _segment(text: str) -> Segment:
    try:
        return Segment[text] if text in Segment.__members__ else Segment(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"one of {', '.join(Segment.__members__)}") from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m operate", description=__doc__)
    parser.add_argument(
        "--table", default=os.environ.get("TABLE_NAME", DEFAULT_TABLE), help="TABLE_NAME, else the local one"
    )
    parser.add_argument("--endpoint-url", default=None, help="of the local stack's data; AWS without")
    parser.set_defaults(failed=2)
    parser.add_argument("--local", action="store_true", help="the local stack that runs here")
    commands = parser.add_subparsers(required=True, metavar="command")

    def add(name: str, command: Callable[..., int]) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=command.__doc__)
        added.set_defaults(command=command)
        return added

    listing = add("versions", versions)
    again = add("replay", replay)
    back = add("rollback", rollback)
    for each in (listing, again, back, add("mend", mending)):
        each.add_argument("segment", type=_segment, help="HIGH_LOW or its whole name")
    listing.add_argument("--last", type=int, default=20, help="how many")
    again.add_argument("--from-start", action="store_true", help="from the first version, not from a snapshot")
    back.add_argument("to", type=int, help="the version to restore")
    back.add_argument("--reason", required=True)
    day = add("daily", daily)
    day.add_argument("date", type=date.fromisoformat, help="2026-11-22")
    day.add_argument("--now", type=_moment, help="as if run then; else by the machine's clock")
    day.add_argument("--activities", action="store_true", help="activity by activity too")
    add("parked", parked)
    persons.add_to(commands, _segment)
    after_restore.add_to(commands, _moment)
    unlearning.add_to(commands, _moment)
    check.add_to(commands, _segment, _moment)
    for each in (add("explain", explanation), add("unpark", unpark)):
        each.add_argument("user")
        each.add_argument("session", type=int)
    return parser


if __name__ == "__main__":
    sys.exit(main())
