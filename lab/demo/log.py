"""The log of what each person did and when, by the demo's clock; the service has no part in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise


@dataclass(frozen=True)
class Issued:
    """A session as the phone received it, and what the service cannot see of the visit, shapes (6,) by action.

    `expected` is the mean reward of each action, `rested` the same had the person had nothing lately, and `liking` the
    chance that an activity of its plan gets done. It closes at `ends`: by what the person does, or because it expires.
    """

    user: str
    session_id: int
    segment: str
    action: int
    eligible: tuple[int, ...]
    expected: tuple[float, ...]
    rested: tuple[float, ...]
    liking: tuple[float, ...]
    seen: bool
    tried: bool
    answered: bool
    ends: datetime
    expires: bool


@dataclass(frozen=True)
class Said:
    """What a person said of consent, when `sessions` sessions had been issued to them; None: nothing of a purpose."""

    at: datetime
    sessions: int
    personalise: bool | None = None
    learn: bool | None = None
    unlearn: bool = False


@dataclass
class Log:
    """What one person did, in order.

    `pauses` are from when on and until when; `told_paused` counts the plans that were refused meanwhile. The kinds of
    plan `without` are excluded. So many plans were `explained` to the person, `exact` ones among them. The assessments
    after the first are counted as `assessed`.
    """

    user: str
    issued: list[Issued] = field(default_factory=list)
    said: list[Said] = field(default_factory=list)
    pauses: list[tuple[datetime, datetime]] = field(default_factory=list)
    without: tuple[int, ...] = ()
    told_paused: int = 0
    explained: int = 0
    exact: int = 0
    exported: bool = False
    assessed: int = 0

    @property
    def personal(self) -> bool:
        """Returns whether the person wants personal plans, by what they said last."""
        return _last(said.personalise for said in self.said)

    @property
    def willing(self) -> bool:
        """Returns whether the person lets the service learn from them, by what they said last."""
        return _last(said.learn for said in self.said)

    @property
    def withdrew(self) -> bool:
        return any(said.learn is False for said in self.said)

    @property
    def returned(self) -> bool:
        words = [said.learn for said in self.said if said.learn is not None]
        return (False, True) in pairwise(words)

    @property
    def unlearned(self) -> int:
        """Returns the number of the latest session that the person wants to be taken back; 0 if they asked for none."""
        return max((said.sessions for said in self.said if said.unlearn), default=0)

    def refused(self, session: Issued) -> bool:
        """Returns whether the session closed between a no to learning and the next yes.

        A session that expires closes before what is said at that moment; any other one closes after it.
        """
        earlier = (s for s in self.said if s.at < session.ends or (s.at == session.ends and not session.expires))
        return not _last(said.learn for said in earlier)

    def paused(self, session: Issued) -> bool:
        """Returns whether the session was never answered and expired while the person paused."""
        held = any(since <= session.ends < until for since, until in self.pauses)
        return session.expires and not session.answered and held

    def counts(self, session: Issued) -> bool:
        """Returns whether the session closed as one that was shown."""
        return session.seen and not self.paused(session)

    def teaches(self, session: Issued) -> bool:
        """Returns whether the session is to be learned from, by all that was said so far."""
        return self.counts(session) and not self.refused(session) and session.session_id > self.unlearned


def _last(words: Iterator[bool | None]) -> bool:
    """Returns the last yes or no among these words; yes if there is none."""
    return [True, *(word for word in words if word is not None)][-1]
