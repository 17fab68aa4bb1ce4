"""The commands about one person's part in a policy: weigh, exclude, include."""

import argparse
import secrets
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from operate import audit
from operate.differences import changed_states
from operate.folding import folding_of, told
from operate.moments import now_of
from operate.policies import add_acted, learned_since, looked_at
from rl_core.config import Settings
from rl_core.models import PERSON, Segment
from rl_core.store import Store
from rl_core.work import Preview, Turn, exclude, include, preview, weights

_LEASE_SECONDS = 900


def weight(store: Store, _: Settings, options: argparse.Namespace) -> int:
    """Who taught how much of the latest versions; a person is one life of an account, and leads back to none."""
    found = weights(store, options.segment, options.last)
    excluded = store.policy(options.segment).excluded
    total = found.total()
    print(f"{options.segment.value}: {total} sessions of {len(found)} persons in the latest {options.last} versions")
    for person, sessions in found.most_common():
        print(f"{person.hex()}  {sessions:>6}  {sessions / total:>6.1%}{'  excluded' if person in excluded else ''}")
    return 0


def exclusion(store: Store, settings: Settings, options: argparse.Namespace) -> int:
    """Leaves a person's sessions out of the policy, also those already learned.

    Without a person lists the excluded, and says how far a fold of the past is.
    """
    if options.person is None:
        its = folding_of(store, options.segment, settings.index_shards, now_of(options))
        for line in (*(person.hex() for person in its.policy.excluded), *told(its)):
            print(line)
        return 0
    if options.dry_run:
        return _show(options.segment, preview(store, options.segment, options.person, excluded=True))
    return _do(exclude, f"{options.person.hex()} is excluded", store, settings, options)


def inclusion(store: Store, settings: Settings, options: argparse.Namespace) -> int:
    """Takes an exclusion back: what the person taught before and was on record counts again."""
    if options.dry_run:
        return _show(options.segment, preview(store, options.segment, options.person, excluded=False))
    return _do(include, f"{options.person.hex()} is not excluded any more", store, settings, options)


def _do(change: Callable[..., bool], what: str, store: Store, settings: Settings, options: argparse.Namespace) -> int:
    shown = store.policy(options.segment)
    acted = shown.acted if options.acted is None else options.acted
    act = audit.begin(store, options, person=options.person)
    done = change(store, options.segment, act, acted, settings, turn_of(now_of(options), _LEASE_SECONDS))
    print(f"{what}; the past is folded anew" if done else f"{what}; the erasure's job goes on to fold the past anew")
    for line in () if done else told(folding_of(store, options.segment, settings.index_shards, now_of(options))):
        print(line)
    print(learned_since(store, options.segment, *looked_at(shown, options)))
    return 0


def add_to(commands: Any, segment: Any) -> None:
    """Adds the three commands to a parser's; `segment` is the type of the segment's argument."""
    for name, command in (("weight", weight), ("exclude", exclusion), ("include", inclusion)):
        added = commands.add_parser(name, help=command.__doc__)
        added.set_defaults(command=command)
        added.add_argument("segment", type=segment, help="HIGH_LOW or its whole name")
        if command is weight:
            added.add_argument("--last", type=int, default=200, help="how many versions")
            continue
        added.add_argument("person", type=_person, nargs="?" if command is exclusion else None, help="as `weight` says")
        audit.add_reason(added)
        add_acted(added)
        added.add_argument("--dry-run", action="store_true", help="only say what would change")


def _person(text: str) -> bytes:
    try:
        person = bytes.fromhex(text)
    except ValueError:
        person = b""
    if len(person) != PERSON:
        raise argparse.ArgumentTypeError(f"{2 * PERSON} hexadecimal digits, as `weight` prints them")
    return person


def turn_of(now: datetime, seconds: float) -> Turn:
    """Returns the turn of an operator who folds from now on, for at most so many seconds."""
    ends = time.monotonic() + seconds
    owner = f"operator {secrets.token_hex(8)}"
    return Turn.of(owner, now, lambda: int(1000 * (ends - time.monotonic())))


def _show(segment: Segment, found: Preview) -> int:
    """Prints how many episodes would be counted, and the states whose best action would change."""
    print(f"{segment.value}: {found.transitions} sessions of this person are on record; acted {found.before.acted}")
    print(f"episodes {found.before.episodes} -> {found.after.episodes}")
    for its in changed_states(found.before, found.after):
        print(f"  state {tuple(its.state)}: {its.before} -> {its.after}")
    return 0
