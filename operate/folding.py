"""Says how far a segment's past is folded anew, for the command line and the console."""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from rl_core.models import Policy, Refold, Segment
from rl_core.store import Hold, Store

LOST = "The progress of the fold is lost. The erasure's job begins it anew, within a minute."


class Progress(NamedTuple):
    """Holds how many of how many versions are folded, why, since when, and whether a run works on it."""

    folded: int
    versions: int
    reason: str
    since: datetime
    works: bool

    @property
    def told(self) -> str:
        """Returns in words how far it is, and why the past is folded anew."""
        return f"{self.folded} of {self.versions} versions are folded ({self.reason})"

    @property
    def worker(self) -> str:
        """Returns in a sentence whether a run works on it."""
        if self.works:
            return "A run works on it now."
        return "No run works on it now: the erasure's job, which runs each minute, goes on with it."


class Folding(NamedTuple):
    """Holds a segment's policy, and how far the refold is that holds it.

    `progress` is None if no refold holds the policy, and where the refold cannot be read: then it is `lost`.
    """

    policy: Policy
    progress: Progress | None

    @property
    def lost(self) -> bool:
        """Returns whether a refold is under way of which is not known how far it is."""
        return self.progress is None and (self.policy.hold is not None or self.policy.refolding is not None)


def folding_of(store: Store, segment: Segment, partitions: int, now: datetime) -> Folding:
    """Reads a segment's policy and the refold that holds it. Writes nothing. Raises FettleError."""
    policy, hold = store.policy(segment), Hold.of(store, segment, partitions)
    if hold is None and policy.hold is not None:  # it may have ended between the two reads
        policy = store.policy(segment)
    if hold is None or hold.refold.hold != policy.hold:
        return Folding(policy, None)
    return Folding(policy, progress_of(hold.refold, policy.version, now))


def progress_of(refold: Refold, version: int, now: datetime) -> Progress:
    """Returns how far a refold is, for a policy that has come to `version`."""
    before = refold.first - 1
    folded, versions = max(0, refold.folded.version - before), max(1, version - before)
    works = refold.until is not None and refold.until > now
    return Progress(min(folded, versions), versions, refold.reason, refold.since, works)


def told(its: Folding) -> Iterator[str]:
    """Yields a line for the refold that is under way; nothing if none is."""
    if its.lost:
        yield LOST
    elif its.progress is not None:
        since = its.progress.since.isoformat(timespec="seconds")
        yield f"The past is folded anew since {since}: {its.progress.told}. {its.progress.worker}"
