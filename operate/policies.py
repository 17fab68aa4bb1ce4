"""The commands about a segment's policy: list its versions, replay it, roll it back, mend it."""

import argparse
from typing import Any

from operate import audit
from operate.folding import folding_of, told
from operate.moments import add_now, now_of
from rl_core.config import Settings
from rl_core.models import Policy, Segment
from rl_core.store import Store
from rl_core.store.policies import policy_item
from rl_core.work import mend, policy_at, roll_back

_NO_PART = {"acted", "counted", "since"}  # of what was learned


def versions(store: Store, settings: Settings, options: argparse.Namespace) -> int:
    """Each version in one line: what it learned, or what it restored and why; and how far a fold of the past is."""
    its = folding_of(store, options.segment, settings.index_shards, now_of(options))
    policy = its.policy
    print(
        f"{options.segment.value}: version {policy.version}, {policy.episodes} episodes learned, acted {policy.acted}"
    )
    for line in told(its):
        print(line)
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
        print("versions are being rewritten by a refold: `versions` says how far it is; try again when that is done")
        return 2
    folded = policy_at(store, options.segment, stored.version, from_start=options.from_start)
    if differing := _differing(stored, folded):
        print(f"version {stored.version} DIFFERS from its replay in: {', '.join(differing)}")
        return 1
    print(f"version {stored.version} equals its replay, bit for bit")
    return 0


def _differing(stored: Policy, folded: Policy) -> list[str]:
    """Returns the attributes of what was learned in which the stored policy is not the replayed one."""
    items = policy_item(stored), policy_item(folded)
    names = (items[0].keys() | items[1].keys()) - _NO_PART - stored.rest.keys() - folded.rest.keys()
    return sorted(name for name in names if items[0].get(name) != items[1].get(name))


def rollback(store: Store, settings: Settings, options: argparse.Namespace) -> int:
    """Publishes an earlier version's values as a new version."""
    shown = store.policy(options.segment)
    acted = shown.acted if options.acted is None else options.acted
    act = audit.begin(store, options)
    policy = roll_back(store, options.segment, options.to, act, acted, settings)
    print(f"version {policy.version} now holds what {options.to} held; {policy.episodes} episodes stay learned")
    print(learned_since(store, options.segment, *looked_at(shown, options)))
    return 0


def looked_at(shown: Policy, options: argparse.Namespace) -> tuple[int, str]:
    """Returns since which version sessions are counted, and its words: `--acted`, else that as the command began."""
    if options.acted is None:
        return shown.version, "at which you looked"
    return options.acted, "the latest act that you saw"


def learned_since(store: Store, segment: Segment, version: int, which: str = "at which you looked") -> str:
    """Returns in a sentence how many sessions were learned since a version."""
    sessions = sum(len(record.transitions) for record in store.records(segment, version))
    learned = "1 session was" if sessions == 1 else f"{sessions} sessions were"
    return f"{learned} learned since version {version}, {which}"


def mending(store: Store, settings: Settings, options: argparse.Namespace) -> int:
    """Rebuilds a policy item that is damaged or gone from the records of its versions."""
    shown = store.stored_policy(options.segment)
    policy = mend(store, options.segment, shown, audit.begin(store, options), settings)
    print(f"version {policy.version} holds what the records say; {policy.episodes} episodes are learned")
    return 0


def add_acted(command: argparse.ArgumentParser) -> None:
    """Adds the option by which an operator says what they saw."""
    told = "as `versions` or a dry run printed it: refuse if somebody acted since; without, as the policy now stands"
    command.add_argument("--acted", type=int, default=None, metavar="N", help=told)


def add_to(commands: Any, segment: Any) -> None:
    """Adds the commands to a parser's; `segment` is the type of the segment's argument."""
    for name, command in (("versions", versions), ("replay", replay), ("rollback", rollback), ("mend", mending)):
        added = commands.add_parser(name, help=command.__doc__)
        added.set_defaults(command=command)
        added.add_argument("segment", type=segment, help="HIGH_LOW or its whole name")
        if command is versions:
            added.add_argument("--last", type=int, default=20, help="how many")
            add_now(added)
        elif command is replay:
            added.add_argument("--from-start", action="store_true", help="from the first version, not from a snapshot")
        elif command is rollback:
            added.add_argument("to", type=int, help="the version to restore")
            add_acted(added)
            audit.add_reason(added, required=True)
        else:
            audit.add_reason(added)
