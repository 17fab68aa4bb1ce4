"""Defines the nouns that packages share. Values only: no rule, no I/O, no clock.

Times are aware UTC datetimes in whole seconds. Scores are floats: engagement in 0..1, motivation in -1..1.
"""

import hashlib
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import IntEnum, StrEnum
from operator import add
from typing import Any, NamedTuple, Self

MAX_ACTIVITIES = 7

# The attributes of an item that this code does not know: a newer release stored them; they are written back as read.
Rest = Mapping[str, Any]


class Level(StrEnum):
    LOW = "Low"
    MODERATE = "Moderate"
    HIGH = "High"


LEVELS = tuple(Level)


class Segment(StrEnum):
    """Names the combination of an anxiety level and an activity level."""

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
        """Returns two letters, such as "HL" for high anxiety and low activity."""
        anxiety, activity = self.name.split("_")
        return anxiety[0] + activity[0]

    @classmethod
    def by_code(cls, code: str) -> "Segment":
        """Returns the segment of a code. Raises KeyError for a code that no segment has."""
        return _SEGMENTS[code]

    @property
    def anxiety(self) -> Level:
        return Level(self.value.split(" ")[0])

    @property
    def activity(self) -> Level:
        return Level(self.value.split(", ")[1].removesuffix(" Activity"))


_SEGMENTS = {segment.code: segment for segment in Segment}


class Action(IntEnum):
    """Names a strategy that the agent may choose; the value is `rl_action_id`.

    A digit that stands for none of these actions is an action of a newer release. It is kept, but is not in ACTIONS.
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


LATEST = 5  # how many of a person's latest actions are known
MILLION = 1_000_000
_NONE = (0,) * len(ACTIONS)


def _added(numbers: tuple[int, ...], place: int, more: int) -> tuple[int, ...]:
    return (*numbers[:place], numbers[place] + more, *numbers[place + 1 :])


class State(NamedTuple):
    """Holds (engagement level, motivation level), each 0-2; a state is a row of the Q-table."""

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
    """Returns the code of a catalogue entry in packed statistics: the low 24 bits of the slug's CRC-32."""
    return zlib.crc32(slug.encode()) & 0xFFFFFF


PERSON = 8  # the first bytes of a session's key say whose session it is


def person_of(key: bytes) -> bytes:
    """Returns the eight bytes that stand for one life of a user; they do not lead back to the profile's key."""
    return hashlib.sha256(b"person" + key).digest()[:PERSON]


STATES = 9
CELLS = STATES * len(ACTIONS)


@dataclass(frozen=True, slots=True)
class Activity:
    """Holds one catalogue entry assigned in one session, with the user's answers; `completed` is None until answered.

    `completed_on` is the user's day at the moment of completion, where they then were; no later change of time zone
    moves it.
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
        """Returns the code of the activity's catalogue entry."""
        return entry_code(self.slug)

    @property
    def lift(self) -> int | None:
        """Returns motivation after - before in points; None unless it was completed and both were rated."""
        if not self.completed or self.motivation_before is None or self.motivation_after is None:
            return None
        return self.motivation_after - self.motivation_before


class Word(StrEnum):
    """Names a stored word. A word of a newer release is kept as it is, and equals none of the words here."""

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
    """Says what became of a closed session's learning."""

    APPLIED = "applied"
    QUEUED = "queued"
    NONE = "none"


class Why(Word):
    """Says why nothing is learned from a session."""

    FALLBACK = "fallback"
    CONSENT = "consent"
    EXCLUDED = "excluded"
    PAUSED = "paused"
    OVER_WEIGHT = "over-weight"


class Unlearning(Word):
    """Says how far it is with taking what was learned from a person out of the policies again."""

    NONE = "none"
    PENDING = "pending"
    DONE = "done"


class EndedBy(Word):
    COMPLETIONS = "completions"
    BATCH = "batch"
    EXPIRY = "expiry"


@dataclass(frozen=True, slots=True)
class Facts:
    """Holds what is known of a person when a session is drawn: what they did, nothing that a policy made of it.

    Shapes (6,) by action: `counts`, sessions in the present segment that are learned from; `sums`, of the rewards of
    these, in millionths; `earlier`, sessions that were learned from in a former segment. `latest` holds the actions of
    the latest five sessions that were shown or answered, newest last.
    """

    counts: tuple[int, ...] = _NONE
    sums: tuple[int, ...] = _NONE
    earlier: tuple[int, ...] = _NONE
    latest: tuple[Action, ...] = ()

    def learned(self, action: Action, reward: float, times: int = 1) -> Self:
        """Returns the facts after a session of this action that is learned from in the facts' segment.

        With `times` -1 returns the facts without that session again.
        """
        return replace(
            self,
            counts=_added(self.counts, action, times),
            sums=_added(self.sums, action, times * round(reward * MILLION)),
        )

    def learned_elsewhere(self, action: Action, times: int = 1) -> Self:
        """Returns the facts after a session of this action that is learned from in a former segment.

        With `times` -1 returns the facts without that session again.
        """
        return replace(self, earlier=_added(self.earlier, action, times))

    def had(self, action: Action) -> Self:
        """Returns the facts after a session of this action was shown or answered."""
        return replace(self, latest=(*self.latest, action)[-LATEST:])

    def impersonal(self) -> Self:
        """Returns what alone is kept of a person for whom no plan may be personal: what bounds the person's weight."""
        return replace(self.moved(), latest=())

    @property
    def wear_known(self) -> bool:
        """Returns whether `latest` says what the person had; of somebody who wants no personal plan it is not kept."""
        return bool(self.latest) or not any((*self.counts, *self.earlier))

    def unanswered(self) -> Self:
        """Returns the facts of somebody who had the same sessions and of whose rewards nothing is known."""
        return replace(self, counts=_NONE, sums=_NONE)

    def moved(self) -> Self:
        """Returns the facts in another segment: counts and sums start anew, what bounds the person's weight goes on."""
        return replace(self, counts=_NONE, sums=_NONE, earlier=tuple(map(add, self.counts, self.earlier)))


NO_FACTS = Facts()


@dataclass(frozen=True, slots=True)
class Decision:
    """Holds a decision, and all that is needed to recompute it or to evaluate another policy on it.

    `chances` are the probabilities of the eligible actions, in the order of `eligible`; `epsilon` is the share of
    decisions that was drawn evenly. `explored` says that the action's estimate was below the greatest, or that nothing
    told the eligible actions apart; `own`, that the action's estimate was the greatest by the person's own rewards and
    not without them. `fallback` says that no policy could be read, `impersonal` that none was, because the person does
    not want it. `facts` are those of the person as the draw saw them; `settings` is a hash of the settings of the
    draw. A session of an earlier form has neither: `facts` None, `settings` empty.
    """

    state: State
    eligible: tuple[Action, ...]
    chances: tuple[float, ...]
    action: Action
    epsilon: float
    policy_version: int
    explored: bool
    fallback: bool = False
    own: bool = False
    impersonal: bool = False
    facts: Facts | None = None
    settings: bytes = b""

    @property
    def propensity(self) -> float:
        """Returns the probability with which the action was drawn."""
        return self.chances[self.eligible.index(self.action)]


@dataclass(frozen=True, slots=True)
class Closing:
    """Holds what a session came to, as of when it closed. A session closed as unseen has no closing.

    `barred` holds the actions that the cool-down bars in the next state. `rated_at` is when the rating came, if it came
    after the closing.
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
    """Holds one recommendation, from when it is issued until it is learned from.

    `key` is the person's eight bytes, then eight of the session's own. `day` is the user's day on which the session was
    first shown, or answered unseen; a later change of time zone does not move it. `why` says why nothing is learned
    from the session; it is set when the session closes (the decision of a fallback says so itself). `changes` counts
    how often the answers were changed. `done_before` counts the user's completions on the day `issued_on` before the
    session was issued.
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
        """Returns the eight bytes that stand for the life of the user whose session it is."""
        return self.key[:PERSON]

    @property
    def answered(self) -> bool:
        return any(a.completed is not None for a in self.activities)

    @property
    def fully_answered(self) -> bool:
        return all(a.completed is not None for a in self.activities)


class Pause(NamedTuple):
    """Says that nothing is recommended to a user from `since` on; `until` is the first moment after it."""

    since: datetime
    until: datetime


class Bridge(NamedTuple):
    """Says that a user was active on these two days, and that every day between them was paused, at least one."""

    first: date
    last: date


class Assessment(NamedTuple):
    """Holds the scores that a user gave on one of their days: GAD-7, 0-21, and active minutes a week."""

    day: date
    gad7_score: int
    active_minutes_per_week: int


@dataclass(frozen=True, slots=True)
class Streak:
    """Holds the number of consecutive `days` with a completed activity; `last` is the latest of these days."""

    days: int = 0
    last: date | None = None


@dataclass(frozen=True, slots=True)
class Profile:
    """Holds a user's standing.

    `key` tells one life of a user from the next; `recent` is the latest actions, newest last. `engagement` is the score
    as of `seen`, the user's latest active day; it decays after that day. On the user's day `day`, `issued` sessions
    were issued, `learned` of the sessions that closed are learned from, and consent was granted `grants` times. `facts`
    are what the next draw sees.

    `personalise` and `learn` say whether the user granted these purposes; None: they never said. The latest statement
    has the number `statements`. Nothing is learned from the sessions up to `unlearned`. No session before `queued_from`
    waits to be learned from; at 0 none waits.

    The actions `without` are never drawn. `pauses`, in order, are those that are not over, and those that may make a
    day after `seen` a paused one. `bridges`, in order, lead over paused days before `seen`; a streak goes on over them.
    `assessments` are the first and the latest, if there were any.
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
    grants: int = 0
    facts: Facts = NO_FACTS
    personalise: bool | None = None
    learn: bool | None = None
    statements: int = 0
    unlearning: Unlearning = Unlearning.NONE
    unlearned: int = 0
    queued_from: int = 0
    without: tuple[Action, ...] = ()
    pauses: tuple[Pause, ...] = ()
    assessments: tuple[Assessment, ...] = ()
    bridges: tuple[Bridge, ...] = ()
    revision: int = 0
    rest: Rest = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Marker:
    """Stands in a profile's place from the user's DELETE until a job has removed every item of the user.

    A life that used up a cap of its `day` leaves a bare marker, without key, until that day is over at `held_until`.
    `taught` says in which versions of each segment's policy the user was learned from, first and last; it is None
    until the sessions that were not learned from are deleted. An erasure that failed `failures` times is tried again
    at `due_at`; the user asked for it at `asked_at`, which markers of earlier forms do not say.
    """

    user: str
    key: bytes
    created_at: datetime | None
    due_at: datetime
    revision: int = 0
    day: date | None = None
    held_until: datetime | None = None
    taught: Mapping[Segment, tuple[int, int]] | None = None
    failures: int = 0
    asked_at: datetime | None = None

    @property
    def person(self) -> bytes:
        """Returns the eight bytes that stand for the life that is being erased."""
        return person_of(self.key)


@dataclass(frozen=True, slots=True)
class Choice:
    """Holds what a user said last of one purpose: whether it is granted, since when, and which text they had read."""

    granted: bool
    since: datetime
    text_version: str


@dataclass(frozen=True, slots=True)
class Statement:
    """Holds what a user said of consent at one moment, and what holds of both purposes since then.

    `number` counts the user's statements from 1. A purpose of which the user never said anything is None. `unlearn`
    says that the user asked for what was learned from them to be taken out of the policies.
    """

    user: str
    number: int
    at: datetime
    text_version: str
    personalise: Choice | None = None
    learn: Choice | None = None
    unlearn: bool = False
    rest: Rest = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Request:
    """Waits until a job has taken what was learned from a user's sessions up to `upto` out of the policies.

    `key` is the profile's. `taught` says in which versions of each segment's policy these sessions were learned, first
    and last; it is None until the job has looked. A request that failed `failures` times is tried again at `due_at`;
    the user made it at `asked_at`, which requests of form 1 do not say.
    """

    user: str
    key: bytes
    upto: int
    due_at: datetime
    taught: Mapping[Segment, tuple[int, int]] | None = None
    failures: int = 0
    revision: int = 0
    asked_at: datetime | None = None

    @property
    def person(self) -> bytes:
        """Returns the eight bytes that stand for the life of the user whose request it is."""
        return person_of(self.key)


@dataclass(frozen=True, slots=True)
class Mark:
    """Holds the first active moment of a user's day, and the user's scores and streak at that moment.

    `session` is the number of the session that was shown or answered; no earlier session can still change.
    `engagement`, `motivation` and `streak` are the profile's before the event of that moment, with engagement decayed
    to that day; so are `pauses` and `assessments`. `bridges` are the profile's with the one that ends on that day.
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
    pauses: tuple[Pause, ...] = ()
    assessments: tuple[Assessment, ...] = ()
    bridges: tuple[Bridge, ...] = ()


@dataclass(frozen=True, slots=True)
class Absence:
    """Says that a user was away since the day `day`, which began for them at `at`, and was paused meanwhile.

    Whether the user has dropped out is looked at again on the day `on`.
    """

    user: str
    day: date
    at: datetime
    on: date


@dataclass(frozen=True, slots=True)
class ActivityStats:
    """Counts how one catalogue entry did in one segment; `lift_points` is summed over the `rated` completions."""

    assigned: int = 0
    completed: int = 0
    rated: int = 0
    lift_points: int = 0


@dataclass(frozen=True, slots=True)
class Policy:
    """Holds what a segment has learned. Only `rl_core.learner` looks into `table`.

    `learner` names the table's learner and form, such as "posterior/2"; it is empty when nothing was learned yet.
    `activities` is keyed by entry code. `excluded` holds the persons whose sessions no fold counts. `hold` is the
    version by which a refold took hold of the policy, while one is under way. `refolding`, the version from which an
    erasure rewrites, was set by earlier releases only. `acted` is the version of the latest record that is not plain
    learning; it is no part of what was learned, so policies that differ in it alone are equal.

    `since` is how many bytes the records take that came since the latest snapshot, as of the version `counted`; a
    release that does not count carries both along. Equality leaves these two out as well.
    """

    segment: Segment
    version: int = 0
    episodes: int = 0
    learner: str = ""
    table: bytes = b""
    activities: dict[int, ActivityStats] = field(default_factory=dict)
    excluded: tuple[bytes, ...] = ()
    refolding: int | None = None
    hold: int | None = None
    acted: int = field(default=0, compare=False)
    rest: Rest = field(default_factory=dict)
    counted: int = field(default=0, compare=False)
    since: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Act:
    """Records what an operator did: when, who, what, why, and what stood before and after.

    `id` tells acts of the same moment apart. `person` stands for the life of the user whom the act concerns; it is
    empty when the act concerns nobody, or when that life was erased. Then `reason` is empty too.
    """

    id: str
    at: datetime
    who: str
    what: str = ""
    segment: Segment | None = None
    before: str = ""
    after: str = ""
    reason: str = ""
    person: bytes = b""


@dataclass(frozen=True, slots=True)
class Refold:
    """Says how far a segment's past has been folded anew.

    The refold took hold of the policy as version `hold`, rewrites the versions from `first` on without the transitions
    that `persons` taught up to the version named for each, and has come to `folded`: the policy as of its version, as
    if that had never been taught and without those whom `folded.excluded` names. The run `owner` works on it until the
    moment `until`.
    """

    hold: int
    first: int
    persons: Mapping[bytes, int]
    reason: str
    folded: Policy
    since: datetime
    owner: str = ""
    until: datetime | None = None

    @property
    def segment(self) -> Segment:
        return self.folded.segment


@dataclass(frozen=True, slots=True)
class Fold:
    """Says how a version was folded: by which learner and form ("posterior/2"), and with which constants by name."""

    learner: str
    constants: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Result:
    """Holds how one assigned activity ended, as the policy learns it; `entry` is the code of its catalogue entry."""

    entry: int
    completed: bool
    lift: int | None


@dataclass(frozen=True, slots=True)
class Transition:
    """Holds what is learned from one session: (s, a, r, s'), the actions barred in s', and the activities' results."""

    key: bytes
    state: State
    action: Action
    reward: float
    next_state: State
    barred: tuple[Action, ...]
    results: tuple[Result, ...]
    facts: Facts | None = None
    rest: Rest = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class VersionRecord:
    """Records how one version of a policy was made: by learning these transitions in order, or for a reason.

    `adopted` is the learner and form whose table the fold took over before the first transition. A rollback takes table
    and statistics from the version `restored`; `episodes` go on. `rewritten` says that a refold folded the versions
    from that one on anew; the record itself changes nothing. `excluded` lists the excluded persons, where that changed.
    """

    version: int
    fold: Fold
    transitions: tuple[Transition, ...] = ()
    adopted: str | None = None
    restored: int | None = None
    rewritten: int | None = None
    reason: str | None = None
    excluded: tuple[bytes, ...] | None = None
    rest: Rest = field(default_factory=dict)
