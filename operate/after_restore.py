"""The command for a table that was restored from a backup: docs/operations.md, "Restore from a backup"."""

import argparse
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any

from operate import audit
from operate.moments import add_now, now_of
from operate.restored.people import Survey, count_up, erase, mark, sweep
from operate.restored.policies import Findings, Tail, agrees, look, settle, tail_of
from operate.restored.protection import TTL, check, off, switch_on
from rl_core.config import Settings
from rl_core.errors import FettleError
from rl_core.models import Segment
from rl_core.store import ERASURES_TTL, Erasures, Store, act_write
from rl_core.store.audit import forget
from rl_core.work import Turn

_LEASE_SECONDS = 4 * 3_600


def after_restore(store: Store, settings: Settings, options: argparse.Namespace) -> int:
    """Makes a table that was restored from a backup fit for use: erases anew whoever was erased since, and mends."""
    course = _Course(store, Erasures(options.erasures, store.client), settings, now_of(options), options.dry_run)
    old = Store(options.old_table, store.client) if options.old_table else None
    check(store)
    act = None if options.dry_run else replace(audit.begin(store, options), what="after-restore")
    tails = {segment: tail_of(store, segment) for segment in Segment}
    survey = Survey.of(store, {segment: tail.before for segment, tail in tails.items()})
    course.mark(survey, old)
    course.tidy(survey)
    for segment, tail in tails.items():
        course.settle(segment, tail, survey)
    course.erase(survey)
    course.protect()
    _tell_exclusions(store, old, survey)
    if act is not None and course.did:
        left = f"{course.failures} things are left to do" if course.failures else "nothing is left to do"
        store.write(act_write(replace(act, before=f"{len(survey.lives)} users in the backup", after=left)))
    if course.failures:
        print(f"{course.failures} things are left to do: repeat this once their cause is removed")
    return 1 if course.failures else 0


class _Course:
    """Takes the steps one after the other; tells each, and counts what cannot be done. A dry run only tells."""

    def __init__(self, store: Store, erasures: Erasures, settings: Settings, now: datetime, dry_run: bool) -> None:
        self._store, self._erasures, self._settings, self._dry_run = store, erasures, settings, dry_run
        owner, ends = f"after-restore {secrets.token_hex(8)}", time.monotonic() + _LEASE_SECONDS
        self._turn = Turn.of(owner, now, lambda: int(1000 * (ends - time.monotonic())))
        self.failures = 0
        self.did = False

    def mark(self, survey: Survey, old: Store | None) -> None:
        """Puts markers of erasure in the place of the profiles whose lives were erased after the backup."""
        back = survey.erased_since(self._erasures, old)
        print(f"{len(survey.lives)} users, of whom {len(back)} were erased after the backup; ", end="")
        print(f"{len(survey.leaving)} erasures were under way")
        for user, key in back.items():
            with self._doing(f"erasing {user}"):
                self._do(mark, user, key, self._settings, self._turn)
                survey.leaving[user] = survey.lives[user]

    def tidy(self, survey: Survey) -> None:
        """Removes what is left of an erasure that was over, and counts sessions that a profile does not know."""
        for user, number in survey.unreadable:
            self._fail(f"session {number} of {user} cannot be read: repair the item, or deploy the code that reads it")
        if survey.remains:
            print(f"of {len(survey.remains)} users whose erasure was nearly over the last items are removed")
        for user, items in survey.remains.items():
            with self._doing(f"removing what is left of {user}"):
                self._do(sweep, items)
        if survey.unknown:
            print(f"the audit speaks of {len(survey.unknown)} persons whose erasure was nearly over; it forgets them")
        for person in sorted(survey.unknown):
            with self._doing("forgetting a person of whom the audit speaks"):
                self._do(forget, person, self._turn.now)
        uncounted = {user: number for user, number in survey.uncounted.items() if user not in survey.leaving}
        if uncounted:
            print(f"{len(uncounted)} profiles do not know of their latest session; they are told")
        for user, number in uncounted.items():
            with self._doing(f"counting the sessions of {user}"):
                self._do(count_up, user, number)

    def settle(self, segment: Segment, tail: Tail, survey: Survey) -> None:
        """Brings a segment's policy, records and sessions into agreement."""
        with self._doing(segment.value):
            found = look(self._store, segment, tail, survey)
            for sentence in found.told():
                print(f"{segment.value}: {sentence}")
            if found != Findings():
                self._do(settle, segment, found, self._settings, self._turn)

    def erase(self, survey: Survey) -> None:
        """Erases everybody who is under a marker, and says of each segment whether it equals its replay then."""
        if self._dry_run:
            return
        self.did |= bool(survey.leaving)
        for failure in erase(self._store, self._erasures, survey.leaving, self._settings, self._turn):
            self._fail(failure)
        for segment in Segment:
            with self._doing(segment.value):
                policy = self._store.policy(segment)
                if not agrees(self._store, policy):
                    self._fail(f"{segment.value}: version {policy.version} DIFFERS from its replay")
                elif policy.version:
                    print(f"{segment.value}: version {policy.version} equals its replay, bit for bit")

    def protect(self) -> None:
        """Switches on what a restore leaves off; last, so that no new backup has anybody who was erased."""
        for table, ttl in ((self._store, TTL), (self._erasures, ERASURES_TTL)):
            with self._doing(table.name):
                for switch in off(table, ttl):
                    print(f"{table.name}: {switch.what} is off; it is switched on")
                    if not self._dry_run:
                        self.did = True
                        switch_on(table, switch)

    def _do(self, step: Callable[..., None], *given: Any) -> None:
        if not self._dry_run:
            self.did = True
            step(self._store, *given)

    @contextmanager
    def _doing(self, what: str) -> Iterator[None]:
        try:
            yield
        except FettleError as error:
            cause = f" ({error.__cause__})" if error.__cause__ else ""
            self._fail(f"{what}: {type(error).__name__}: {error}{cause}")

    def _fail(self, what: str) -> None:
        self.failures += 1
        print(f"NOT DONE: {what}")


def _tell_exclusions(store: Store, old: Store | None, survey: Survey) -> None:
    """Prints the exclusions and inclusions that the restore undid, as far as the old table says."""
    if old is None:
        print(
            "exclusions made after the backup are undone, and inclusions too: your own notes say which, or --old-table"
        )
        return
    for segment in Segment:
        try:
            before, now = (set(each.policy(segment).excluded) for each in (old, store))
        except FettleError as error:
            print(f"{segment.value}: which exclusions were undone is not known: {error}")
            continue
        for person in sorted((before - now) & survey.persons):
            print(f"the restore undid: exclude {segment.name} {person.hex()}")
        for person in sorted((now - before) & survey.persons):
            print(f"the restore undid: include {segment.name} {person.hex()}")


def add_to(commands: Any) -> None:
    """Adds the command to a parser's."""
    added = commands.add_parser("after-restore", help=after_restore.__doc__)
    added.set_defaults(command=after_restore)
    added.add_argument("--erasures", required=True, help="the table that says who was erased: ErasuresTableName")
    added.add_argument("--old-table", default=None, help="the lost table, if it can still be read")
    added.add_argument("--dry-run", action="store_true", help="only say what would be done")
    add_now(added)
