"""Checks a segment's policy against its replay, and draws against what the policy of their version would draw.

Everything is read through a `Watch`, so a check that needs more units than are left ends as not finished.
"""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from rl_core import learner
from rl_core.config import Settings
from rl_core.days import Replay, Replayed
from rl_core.errors import (
    ErasingError,
    PolicyUnreadableError,
    SpentError,
    UnavailableError,
    UnreadableItemError,
    VersionError,
)
from rl_core.models import Policy, Segment, Session, VersionRecord
from rl_core.store import DAY_SHARDS, Watch
from rl_core.work.versions import step

_DRAWS = 10
_DAYS = 2  # whose users are asked for their latest sessions
_USERS = 5  # of a shard
_FOR_DRAWS = 20.0  # read units, so that enough are left for the replay


def check(watch: Watch, segment: Segment, settings: Settings, now: datetime) -> Replay | None:
    """Replays the segment's policy from its latest snapshot, and recomputes up to ten draws on the way.

    Returns None while versions are being rewritten: then nothing can be said. Raises UnavailableError when the table
    cannot be reached.
    """
    try:
        policy = watch.policy(segment)
    except PolicyUnreadableError as error:
        if isinstance(error.__cause__, UnavailableError):
            raise error.__cause__ from error
        return Replay(Replayed.UNREADABLE, 0, 0, now)
    if _held(policy):
        return None
    its = _Pass(watch, policy, settings)
    try:
        result = its.run(now)
        if result is Replayed.DIFFERS and _changed(watch, policy):
            return None
    except SpentError:
        result = Replayed.UNFINISHED
    return Replay(result, policy.version, len(its.agreed), now)


def _held(policy: Policy) -> bool:
    return policy.hold is not None or policy.refolding is not None


def _is_plain(record: VersionRecord) -> bool:
    """Returns whether the version only learned."""
    others = (record.restored, record.rewritten, record.reason, record.excluded)
    return all(it is None for it in others)


def _changed(watch: Watch, policy: Policy) -> bool:
    """Returns whether versions may have been rewritten since the policy was read."""
    now = watch.policy(policy.segment)
    return _held(now) or not all(map(_is_plain, watch.records(policy.segment, policy.version, now.version)))


@dataclass(slots=True)
class _Pass:
    """Goes once from the latest snapshot to the policy; `agreed` says of each recomputed draw whether it did."""

    watch: Watch
    policy: Policy
    settings: Settings
    agreed: list[bool] = field(default_factory=list)

    def run(self, now: datetime) -> Replayed:
        """Returns what the pass came to. Raises SpentError when the budget ends before."""
        try:
            snapshot = self.watch.snapshot(self.policy.segment, self.policy.version)
            again = self._folded(replace(snapshot, excluded=self.policy.excluded), now)
        except (VersionError, UnreadableItemError, PolicyUnreadableError):
            return Replayed.DIFFERS
        same = _bare(again) == _bare(self.policy) and all(self.agreed)
        return Replayed.EQUAL if same else Replayed.DIFFERS

    def _folded(self, policy: Policy, now: datetime) -> Policy:
        """Returns the policy folded up to the present version; recomputes draws with the versions on the way.

        A version that did more than learn may have rewritten those before it, so earlier draws are not judged.
        """
        drawn = self._drawn(policy.version, now)
        self._recompute(policy, drawn)
        for record in self.watch.records(policy.segment, policy.version, self.policy.version):
            policy = step(self.watch, policy, record)
            if not _is_plain(record):
                self.agreed.clear()
            self._recompute(policy, drawn)
        if policy.version != self.policy.version:
            raise VersionError(f"the record of version {policy.version + 1} is missing")
        return policy

    def _recompute(self, policy: Policy, drawn: dict[int, list[Session]]) -> None:
        for session in drawn.get(policy.version, ()):
            stored = session.decision
            rng = learner.generator(session.key, stored.policy_version)
            again = learner.decide(policy, stored.state, stored.eligible, self.settings, rng, stored.facts)
            self.agreed.append(again == stored)

    def _drawn(self, first: int, now: datetime) -> dict[int, list[Session]]:
        """Returns up to ten of the segment's latest sessions that were drawn under today's settings, by version."""
        found = defaultdict[int, list[Session]](list)
        under, count, enough = learner.settings_hash(self.settings), 0, self.watch.left - _FOR_DRAWS
        for user in self._users(now) if self.policy.version and self.watch.users else ():
            if not self.watch.has_room_for_a_head or self.watch.left < enough or count == _DRAWS:
                break
            with suppress(ErasingError, UnreadableItemError):
                for session in self.watch.head(user).sessions:
                    its = session.decision
                    read = session.segment is self.policy.segment and not its.fallback and not its.impersonal
                    known = its.settings == under and first <= its.policy_version <= self.policy.version
                    if read and known and count < _DRAWS:
                        found[its.policy_version].append(session)
                        count += 1
        return found

    def _users(self, now: datetime) -> Iterator[str]:
        """Yields users who were active lately, from another shard on each hour."""
        hour = int(now.timestamp() // 3600)
        for n in range(DAY_SHARDS * _DAYS):
            day = now.date() - timedelta(days=n // DAY_SHARDS)
            yield from self.watch.lately_active(day, (hour + n) % DAY_SHARDS, _USERS)


def _bare(policy: Policy) -> Policy:
    """Returns the policy without what no record tells."""
    return replace(policy, hold=None, refolding=None, acted=0, rest={})
