"""Says in words what each version of a policy did, and which was the latest that did more than learn."""

from collections.abc import Iterable
from dataclasses import dataclass

from rl_core.models import PERSON, VersionRecord

PAGE = 20  # versions
# What the service writes as a reason; a rollback has the operator's own words.
_WORDS = {
    "erasure": "what an erased person, or one who asked to be unlearned, had taught was taken out",
    "erasure under way": "an erasure, or an unlearning, began",
    "excluded": "a person was excluded",
    "excluded under way": "the exclusion of a person began",
    "included": "a person was included again",
    "included under way": "the inclusion of a person began",
    "restore": "after a table was restored, the past was made to agree with the sessions",
    "restore under way": "after a table was restored, the past began to be folded anew",
    "lost": "its record was lost with a table that was restored, so it does nothing",
    "mended": "the policy was rebuilt from the records of its versions",
}


@dataclass(frozen=True, slots=True)
class Version:
    """Holds one version in words. `mean` is the mean reward of its sessions, None if it learned none."""

    number: int
    what: str
    sessions: int
    persons: int
    mean: float | None
    plain: bool


def is_plain(record: VersionRecord) -> bool:
    """Returns whether the version only learned."""
    return all(it is None for it in (record.restored, record.rewritten, record.reason, record.excluded))


def version_of(record: VersionRecord) -> Version:
    """Returns the version in words."""
    rewards = [t.reward for t in record.transitions]
    persons = len({t.key[:PERSON] for t in record.transitions})
    mean = sum(rewards) / len(rewards) if rewards else None
    return Version(record.version, told(record), len(rewards), persons, mean, is_plain(record))


def told(record: VersionRecord) -> str:
    """Returns what made the version, in words."""
    words = []
    if record.restored is not None:
        words.append(f"rolled back to version {record.restored}{f': {record.reason}' if record.reason else ''}")
    elif record.reason is not None:
        words.append(_WORDS.get(record.reason, record.reason))
    if record.rewritten is not None:
        words.append(f"versions from {record.rewritten} on are folded anew")
    if record.transitions or not words:
        n = len(record.transitions)
        words.append(f"learned {n} session{'' if n == 1 else 's'}")
    if record.adopted is not None:
        words.append(f"{record.fold.learner} adopted the table of {record.adopted}")
    return "; ".join(words)


def latest_act(records: Iterable[VersionRecord]) -> VersionRecord | None:
    """Returns the newest of these records that did more than learn; None if there is none."""
    return max((its for its in records if not is_plain(its)), key=lambda its: its.version, default=None)
