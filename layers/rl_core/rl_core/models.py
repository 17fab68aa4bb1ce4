"""The nouns that modules share. Values only: no rule, no I/O, no clock.

Times are aware UTC datetimes in whole seconds. Scores are floats: engagement in 0..1, motivation in -1..1.
"""

import hashlib
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import IntEnum, StrEnum
from typing import Any, NamedTuple, Self

MAX_ACTIVITIES = 7

# What an item holds that this code does not know, as a newer release stored it: it is written back as it was.
Rest = Mapping[str, Any]


class Level(StrEnum):
    LOW = "Low"
    MODERATE = "Moderate"
    HIGH = "High"


LEVELS = tuple(Level)


class Segment(StrEnum):
    """Anxiety level x activity level."""

    LOW_LOW = "Low Anxiety, Low Activity"
    LOW_MODERATE = "Low Anxiety, Moderate Activity"
    LOW_HIGH = "Low Anxiety, High Activity"
    MODERATE_LOW = "Moderate Anxiety, Low Activity"
    MODERATE_MODERATE = "Moderate Anxiety, Moderate Activity"
    MODERATE_HIGH = "Moderate Anxiety, High Activity"
    HIGH_LOW = "High Anxiety, Low Activity"
    HIGH_MODERATE = "High Anxiety, Moderate Activity"
    HIGH_HIGH = "High Anxiety, High Activity"

    @classmethod
    def of(cls, anxiety: Level, activity: Level) -> "Segment":
        return cls(f"{anxiety} Anxiety, {activity} Activity")

    @property
    def code(self) -> str:
        """Two letters, such as "HL" for high anxiety and low activity."""
        anxiety, activity = self.name.split("_")
        return anxiety[0] + activity[0]

    @classmethod
    def by_code(cls, code: str) -> "Segment":
        """Raises KeyError for a code that no segment has."""
        return _SEGMENTS[code]

    @property
    def activity(self) -> Level:
        return Level(self.value.split(", ")[1].removesuffix(" Activity"))


_SEGMENTS = {segment.code: segment for segment in Segment}


class Action(IntEnum):
    """A strategy the agent may choose; the value is `rl_action_id`.

    A digit that stands for no action here is an action of a newer release: it is not one of ACTIONS, and is kept.
    """

    MAINTAIN = 0
    PHYSICAL = 1
    MEDITATION = 2
    JOURNALING = 3
    INTENSITY = 4
    LIGHTEN = 5

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, int) or not 0 <= value <= _LAST_ACTION:
            return None
        newer = int.__new__(cls, value)
        newer._name_, newer._value_ = f"NEWER_{value}", value
        return newer

    @property
    def title(self) -> str:
        return _ACTION_TITLES.get(self, "Plan of a Newer Version")


_LAST_ACTION = 9  # an action is stored as one digit
_ACTION_TITLES = {
    Action.MAINTAIN: "Maintain Current Plan",
    Action.PHYSICAL: "Increase Physical Activity",
    Action.MEDITATION: "Increase Meditation Frequency",
    Action.JOURNALING: "Increase Journaling Frequency",
    Action.INTENSITY: "Increase Exercise Intensity",
    Action.LIGHTEN: "Lighten the Plan",
}

ACTIONS = tuple(Action)


class State(NamedTuple):
    """(engagement level, motivation level), each 0-2; a row of the Q-table."""

    engagement: int
    motivation: int

    @property
    def row(self) -> int:
        return self.engagement * 3 + self.motivation

    @classmethod
    def from_row(cls, row: int) -> "State":
        if not 0 <= row < STATES:
            raise ValueError(f"the Q-table has no row {row}")
        return cls(*divmod(row, 3))


def entry_code(slug: str) -> int:
    """Returns what names a catalogue entry in packed statistics: the low 24 bits of its slug's CRC-32."""
    return zlib.crc32(slug.encode()) & 0xFFFFFF


PERSON = 8  # bytes of a session's key that say whose it is


def person_of(key: bytes) -> bytes:
    """Returns the eight bytes that stand for one life of a user, from its profile's key; nothing leads back."""
    return hashlib.sha256(b"person" + key).digest()[:PERSON]


STATES = 9
CELLS = STATES * len(ACTIONS)


@dataclass(frozen=True, slots=True)
class Activity:
    """One catalogue entry assigned in one session, with what the user said of it. `completed` None: not answered.

    `completed_on` is the user's day at that moment, where they then were: no later change of zone moves it.
    """

    slug: str
    completed: bool | None = None
    completed_at: datetime | None = None
    completed_on: date | None = None
    motivation_before: int | None = None
    motivation_after: int | None = None
    difficulty_rating: int | None = None
    notes: str = ""
    rest: Rest = field(default_factory=dict)

    @property
    def entry(self) -> int:
        """The code of its catalogue entry."""
        return entry_code(self.slug)

    @property
    def lift(self) -> int | None:
        """Motivation after - before in points, if completed and both were rated."""
        if not self.completed or self.motivation_before is None or self.motivation_after is None:
            return None
        return self.motivation_after - self.motivation_before


class Word(StrEnum):
    """A stored word. A word of a newer release is kept as it is, and equals none of the words here."""

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, str):
            return None
        newer = str.__new__(cls, value)
        newer._name_, newer._value_ = f"NEWER_{value}", value
        return newer


class Status(Word):
    OPEN = "open"
    CLOSED = "closed"
    LEARNED = "learned"
    UNSEEN = "unseen"


class Learning(StrEnum):
    """What became of a closed session's learning."""

    APPLIED = "applied"
    QUEUED = "queued"
    NONE = "none"


class Why(Word):
    """Why nothing is learned from a session."""

    FALLBACK = "fallback"
    EXCLUDED = "excluded"
    OVER_WEIGHT = "over-weight"


class EndedBy(Word):
    COMPLETIONS = "completions"
    BATCH = "batch"
    EXPIRY = "expiry"


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided, and all that is needed to recompute it or to evaluate another policy on it.

    `chances` are the probabilities of the eligible actions, in their order; `epsilon` is the share of decisions that
    was drawn evenly. `explored`: the action's estimate was below the greatest, or all eligible actions were held alike.
    """

    state: State
    eligible: tuple[Action, ...]
    chances: tuple[float, ...]
    action: Action
    epsilon: float
    policy_version: int
    explored: bool
    fallback: bool = False

    @property
    def propensity(self) -> float:
        """The probability with which the action was drawn."""
        return self.chances[self.eligible.index(self.action)]


@dataclass(frozen=True, slots=True)
class Closing:
    """What a session came to, frozen when it closed. Absent for a session closed as unseen.

    `barred`: the actions that the cool-down bars in the next state; `rated_at`: when the rating came, if it came later.
    """

    reward: float
    engagement_after: float
    motivation_after: float
    next_state: State
    barred: tuple[Action, ...]
    rating: int | None = None
    notes: str = ""
    rated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """One recommendation, from being issued to being learned from. `key`: the person, and eight bytes of its own.

    `day` is the user's day on which it was first shown, or answered unseen; a later change of time zone moves nothing.
    `why`: why nothing is learned from it, settled when it closed (a fallback's decision says so itself). `changes`: how
    often its answers were changed. `done_before`: what the user had completed on day `issued_on` when it was issued.
    """

    user: str
    number: int
    key: bytes
    segment: Segment
    decision: Decision
    activities: tuple[Activity, ...]
    engagement: float
    issued_at: datetime
    expires_at: datetime
    shown: bool
    status: Status = Status.OPEN
    revision: int = 0
    closed_at: datetime | None = None
    ended_by: EndedBy | None = None
    closing: Closing | None = None
    learned_version: int | None = None
    learned_episodes: int | None = None
    parked: str | None = None
    day: date | None = None
    why: Why | None = None
    changes: int = 0
    done_before: int = 0
    issued_on: date | None = None
    rest: Rest = field(default_factory=dict)

    @property
    def person(self) -> bytes:
        """The eight bytes that stand for the life of the user whose it is."""
        return self.key[:PERSON]

    @property
    def answered(self) -> bool:
        return any(a.completed is not None for a in self.activities)

    @property
    def fully_answered(self) -> bool:
        return all(a.completed is not None for a in self.activities)


@dataclass(frozen=True, slots=True)
class Streak:
    """`days` consecutive days with a completed activity, the latest of them `last`."""

    days: int = 0
    last: date | None = None


@dataclass(frozen=True, slots=True)
class Profile:
    """A user's standing. `key` tells one life of a user from the next; `recent` is the latest actions, newest last.

    `engagement` is as of `seen`, the user's latest active day: what is read later has decayed since. On the user's
    day `day`, `issued` sessions were issued, and `learned` of those that closed are learned from.
    """

    user: str
    key: bytes
    segment: Segment
    created_at: datetime
    engagement: float = 0.0
    motivation: float = 0.0
    timezone: str = "UTC"
    avoid: tuple[str, ...] = ()
    sessions: int = 0
    recent: tuple[Action, ...] = ()
    streak: Streak = Streak()
    seen: date | None = None
    day: date | None = None
    issued: int = 0
    learned: int = 0
    revision: int = 0
    rest: Rest = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Marker:
    """What stands in a profile's place from the user's DELETE until a job has removed every item of theirs.

    A life that used up a cap of its `day` leaves a bare marker, without key, until that day is over at `held_until`.
    """

    user: str
    key: bytes
    created_at: datetime | None
    due_at: datetime
    revision: int = 0
    day: date | None = None
    held_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Mark:
    """The first moment of a user's day, with what stood then.

    `session` is the number of the session that was shown or answered: no earlier one can still change. `engagement`,
    `motivation` and `streak` are the profile's, decayed to that day, before what happened at that moment.
    """

    user: str
    key: bytes
    day: date
    at: datetime
    segment: Segment
    timezone: str
    first_ever: bool
    session: int
    engagement: float
    motivation: float
    streak: Streak


@dataclass(frozen=True, slots=True)
class ActivityStats:
    """How one catalogue entry did in one segment; `lift_points` summed over the `rated` completions."""

    assigned: int = 0
    completed: int = 0
    rated: int = 0
    lift_points: int = 0


@dataclass(frozen=True, slots=True)
class Policy:
    """What a segment has learned. Only `rl_core.learner` looks into `table`.

    `learner`: whose table it is and in which form, such as "posterior/1"; empty: nothing was learned yet.
    `activities`: by entry code. `excluded`: persons whose sessions no fold counts. `refolding`: the version from which
    an erasure rewrites; while it is set, nothing is learned.
    """

    segment: Segment
    version: int = 0
    episodes: int = 0
    learner: str = ""
    table: bytes = b""
    activities: dict[int, ActivityStats] = field(default_factory=dict)
    excluded: tuple[bytes, ...] = ()
    refolding: int | None = None
    rest: Rest = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Fold:
    """How a version was folded: by which learner and form ("posterior/1"), with which constants, by name."""

    learner: str
    constants: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Result:
    """How one assigned activity ended, as the policy learns it; `entry` is its code."""

    entry: int
    completed: bool
    lift: int | None


@dataclass(frozen=True, slots=True)
class Transition:
    """What one session teaches: (s, a, r, s'), the actions the cool-down bars in s', and its activities' results."""

    key: bytes
    state: State
    action: Action
    reward: float
    next_state: State
    barred: tuple[Action, ...]
    results: tuple[Result, ...]
    rest: Rest = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class VersionRecord:
    """How one version of a policy came to be: by learning these transitions in order, or for a reason.

    `adopted`: the learner and form whose table the fold took over before the first transition. A rollback takes table
    and statistics from the version `restored`; `episodes` go on. An erasure says that the versions from `rewritten` on
    were folded anew without an erased user; it changes nothing by itself.
    """

    version: int
    fold: Fold
    transitions: tuple[Transition, ...] = ()
    adopted: str | None = None
    restored: int | None = None
    rewritten: int | None = None
    reason: str | None = None
    rest: Rest = field(default_factory=dict)
