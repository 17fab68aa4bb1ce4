"""The command that takes back what was learned from a user: what it comes to, the wish for it, how far it is."""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from operate import audit
from operate.moments import now_of
from rl_core.config import Settings
from rl_core.models import Profile, Segment, Unlearning, person_of
from rl_core.sessions import Wish
from rl_core.store import ReadBudget, Store, act_write, lesson_of
from rl_core.work import state_consent, under_way

VERSIONS_PER_SECOND = 1000  # folded and rewritten by the job, as measured on the local stack (docs/scale.md)
_ALL = 1e9  # read units: an operator's command may read a user's whole past


def unlearning(store: Store, settings: Settings, options: argparse.Namespace) -> int:
    """Takes what was learned from a user, who withdrew, out of the policies; again: says how far it is."""
    profile = store.profile(options.user)
    if profile is None:
        print("no such user", file=sys.stderr)
        return 2
    if options.dry_run:
        return _forecast(store, profile)
    wish = Wish("operator", unlearn=True)
    act = audit.begin(store, options, person=person_of(profile.key))
    before, after = f"unlearning: {profile.unlearning}", f"asked for, up to session {profile.sessions}"
    act = replace(act, what="unlearn", before=before, after=after)
    profile = state_consent(store, options.user, wish, settings, now_of(options), act_write(act))
    print(f"unlearning: {profile.unlearning}")
    for line in _progress(store, profile, settings):
        print(line)
    return 0


def _forecast(store: Store, profile: Profile) -> int:
    """Prints in which versions the user was learned from, and how long their unlearning would take."""
    taught = dict[Segment, list[int]]()
    for item in store.stored_sessions(profile.user, 1, profile.sessions, ReadBudget(_ALL)):
        if lesson := lesson_of(item):
            taught.setdefault(lesson[0], []).append(lesson[1])
    every = 0
    for segment, versions in taught.items():
        rewritten = store.policy(segment).version - min(versions) + 1
        every += rewritten
        print(f"{segment.value}: {len(versions)} sessions, {rewritten} versions to fold anew from {min(versions)} on")
    minutes = every / VERSIONS_PER_SECOND / 60
    print(f"{len(taught)} segments, {every} versions, about {minutes:.1f} minutes; learning goes on meanwhile")
    return 0


def _progress(store: Store, profile: Profile, settings: Settings) -> Iterator[str]:
    """Yields how far each segment is that the job still folds for this user."""
    request = store.request(profile.user) if profile.unlearning is Unlearning.PENDING else None
    if request is None:
        return
    if request.failures:
        yield f"put off {request.failures} times; tried again at {request.due_at.isoformat()}"
    if request.taught is None:
        yield "the job has not begun: it runs every minute"
        return
    for segment in request.taught:
        hold, version = under_way(store, segment, settings), store.policy(segment).version
        if hold is not None and request.person in hold.refold.persons:
            yield f"{segment.value}: folded up to version {hold.refold.folded.version} of {version}"
        else:
            yield f"{segment.value}: done, or waits for the refold that is under way"


def add_to(commands: Any) -> None:
    """Adds the command to a parser's."""
    added = commands.add_parser("unlearn", help=unlearning.__doc__)
    added.set_defaults(command=unlearning)
    added.add_argument("user")
    audit.add_reason(added)
    added.add_argument("--dry-run", action="store_true", help="only say segments, versions and minutes")
