"""Recomputes for a user what the plan of one of their sessions was drawn from, within the reads of one request."""

from dataclasses import dataclass, replace
from enum import StrEnum

from rl_core import learner
from rl_core.config import Settings
from rl_core.errors import (
    PolicyUnreadableError,
    TooMuchToReadError,
    UnknownFoldError,
    UnreadableItemError,
    VersionError,
)
from rl_core.models import ACTIONS, Decision, Policy, Session
from rl_core.store import FrugalStore
from rl_core.work.versions import policy_at

READ_UNITS = 20  # of one request, the user's own items included


class Because(StrEnum):
    """Says why the estimates of a decision cannot be told.

    `settings`: the draw had other settings than today's. `rewritten`: the policy version that it read comes out
    otherwise today, or cannot be rebuilt, because a record is missing. `too-much`: to rebuild it takes more reading
    than a request may do. `too-old`: this code cannot read or fold what the version was made of, or the session is
    of an earlier form, which says nothing of its settings, and its draw comes out otherwise.
    """

    REWRITTEN = "rewritten"
    SETTINGS = "settings"
    TOO_MUCH = "too-much"
    TOO_OLD = "too-old"


@dataclass(frozen=True, slots=True)
class Recomputed:
    """Holds what the draw knew of each action: its estimate for the person, and the visits behind it. Shapes (6,).

    Both are None where no policy was read, and where `because` says why they cannot be told. `again` is the decision
    drawn anew, None where that cannot be done.
    """

    estimates: tuple[float, ...] | None = None
    visits: tuple[int, ...] | None = None
    because: Because | None = None
    again: Decision | None = None

    def agrees(self, stored: Decision) -> bool:
        """Returns whether the decision was drawn anew and came out the same, whatever the settings' hash."""
        return self.again is not None and replace(self.again, settings=stored.settings) == stored


def recompute(store: FrugalStore, session: Session, settings: Settings) -> Recomputed:
    """Returns what the session's draw knew, if the policy version that it read can be rebuilt and gives its chances.

    Reads nothing for a session that was drawn without a policy. A policy item that cannot be read just now does no
    harm as long as the budget lasts: who is excluded is then read from the latest snapshot and the records since.
    Raises UnavailableError when the table cannot be reached.
    """
    drawn = session.decision
    if drawn.fallback or drawn.impersonal:
        return Recomputed(again=_again(None, session, settings))
    if not set(drawn.eligible) <= set(ACTIONS):
        return Recomputed(because=Because.TOO_OLD)
    if drawn.settings not in (b"", learner.settings_hash(settings)):
        return Recomputed(because=Because.SETTINGS)
    try:
        return _compared(policy_at(store, session.segment, drawn.policy_version), session, settings)
    except TooMuchToReadError:
        return Recomputed(because=Because.TOO_MUCH)
    except (UnknownFoldError, PolicyUnreadableError, UnreadableItemError):
        return Recomputed(because=Because.TOO_OLD)
    except VersionError:
        return Recomputed(because=Because.REWRITTEN)


def _compared(policy: Policy, session: Session, settings: Settings) -> Recomputed:
    """Returns what this policy says of the session's state, if it gives the chances that are stored, bit for bit."""
    drawn = session.decision
    again = _again(policy, session, settings)
    if again.chances != drawn.chances:
        return Recomputed(because=Because.REWRITTEN if drawn.settings else Because.TOO_OLD)
    (estimates,) = learner.estimates_of(policy, [(drawn.state, drawn.facts)])
    return Recomputed(estimates, learner.visits(policy)[drawn.state.row], again=again)


def _again(policy: Policy | None, session: Session, settings: Settings) -> Decision:
    """Returns the decision as it is drawn anew from this policy, by the session's own generator."""
    its = session.decision
    rng = learner.generator(session.key, its.policy_version)
    return learner.decide(policy, its.state, its.eligible, settings, rng, its.facts, personal=not its.impersonal)
