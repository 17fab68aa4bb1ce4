"""Defines the form in which users take along what is held of them, and makes it from the nouns.

Each kind of a user's items has its model here and its line in FORMS. A field of a noun is in its model, or in LEFT_OUT
with the reason; a test says what is in neither. Scores, reward and epsilon are rounded as everywhere on the wire.
"""

from collections.abc import Callable
from datetime import date
from enum import StrEnum
from typing import Annotated, Any, NamedTuple, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict

from rl_core.days import TYPES
from rl_core.edge.http import Rounded, Timestamp, TrackedActivity, activity_id, tracked_fields
from rl_core.models import Profile, Session
from rl_core.sessions import EngagementLevel, MotivationLevel
from rl_core.store import UserDay

M = TypeVar("M", bound=BaseModel)

_KEY = "who knows it foresees what is drawn next"
_OURS = "it counts writes and says nothing of the person"
_NEWER = "only a newer release can read it"
_OWN = "it is said once, in the profile"
_COUNTED = "it is a part of the segments' sums, and follows from the day's sessions"
LEFT_OUT: dict[str, dict[str, str]] = {
    "profile": {"key": _KEY, "revision": _OURS, "rest": _NEWER},
    "consent": {"user": _OWN, "rest": _NEWER},
    "unlearning": {"user": _OWN, "key": _KEY, "revision": _OURS},
    "assessment": {},
    "absence": {"user": _OWN},
    "day": {
        "user": _OWN,
        "key": _KEY,
        "revision": _OURS,
        "rest": _NEWER,
        **dict.fromkeys(("counted", "gone", "late"), _COUNTED),
        "postponed": "the absence says it",
    },
    "session": {"user": _OWN, "number": "it is the `session_id`", "key": _KEY, "revision": _OURS, "rest": _NEWER},
}


def _named(levels: type[StrEnum]) -> BeforeValidator:
    """Returns a validator that makes a state's number, 0-2, the level of that rank."""
    return BeforeValidator(lambda number: tuple(levels)[number] if isinstance(number, int) else number)


class _Exported(BaseModel):
    """Takes its fields from a noun of the same names, or from a dict."""

    model_config = ConfigDict(from_attributes=True)


Hex = Annotated[str, BeforeValidator(lambda its: its.hex() if isinstance(its, bytes) else its)]


class ExportFacts(_Exported):
    """What plans are drawn from, by `rl_action_id`: sessions learned from in the present segment (`counts`), the sums
    of their rewards in millionths, sessions learned from in former segments (`earlier`), and the latest five actions.
    """

    counts: list[int]
    sums: list[int]
    earlier: list[int]
    latest: list[int]


class ExportPause(_Exported):
    since: Timestamp
    until: Timestamp


class ExportBridge(_Exported):
    """Two active days between which all days were paused; a streak goes on over them."""

    first: date
    last: date


class ExportAbsence(_Exported):
    """A time away since the day `day`, with paused days; whether the user has dropped out is looked at on day `on`."""

    day: date
    at: Timestamp
    on: date


class ExportAssessment(_Exported):
    """The scores that stood at the end of one of the user's days."""

    day: date
    gad7_score: int
    active_minutes_per_week: int


class ExportProfile(_Exported):
    """The profile. The engagement score is as of `seen`, the latest active day, and decays after it.

    On the user's day `day`, `issued` sessions were issued, `learned` of those that closed are learned from, and consent
    was granted `grants` times. `assessments` are the first and the latest.
    """

    user: str
    created_at: Timestamp
    segment: str
    timezone: str
    avoid: list[str]
    without: list[int]
    engagement_score: Rounded
    motivation_score: Rounded
    streak_days: int
    streak_last: date | None
    seen: date | None
    sessions: int
    recent: list[int]
    facts: ExportFacts
    day: date | None
    issued: int
    learned: int
    grants: int
    personalise: bool | None
    learn: bool | None
    statements: int
    unlearning: str
    unlearned: int
    queued_from: int
    pauses: list[ExportPause]
    bridges: list[ExportBridge]
    assessments: list[ExportAssessment]


class ExportChoice(_Exported):
    granted: bool
    since: Timestamp
    text_version: str


class ExportConsent(_Exported):
    """What the user said at one moment, and what holds of both purposes since then."""

    number: int
    at: Timestamp
    text_version: str
    personalise: ExportChoice | None
    learn: ExportChoice | None
    unlearn: bool


class ExportUnlearning(_Exported):
    """A waiting wish to be unlearned, for the sessions up to `upto`; `taught` has versions of policies by segment."""

    upto: int
    due_at: Timestamp
    asked_at: Timestamp | None
    taught: dict[str, list[int]] | None
    failures: int


class ExportState(_Exported):
    engagement: Annotated[EngagementLevel, _named(EngagementLevel)]
    motivation: Annotated[MotivationLevel, _named(MotivationLevel)]


class ExportDecision(_Exported):
    """How the plan was chosen. `chances` are the exact probabilities of the eligible actions, in their order."""

    state: ExportState
    eligible: list[int]
    chances: list[float]
    action: int
    epsilon: Rounded
    policy_version: int
    explored: bool
    fallback: bool
    own: bool
    impersonal: bool
    facts: ExportFacts | None
    settings: Hex


class ExportClosing(_Exported):
    """What the session came to; the actions `barred` could not follow in the next state."""

    reward: Rounded
    engagement_after: Rounded
    motivation_after: Rounded
    next_state: ExportState
    barred: list[int]
    rating: int | None
    notes: str
    rated_at: Timestamp | None


class ExportActivity(TrackedActivity):
    """An activity with its answers; `completed_on` is the user's day of the completion."""

    id: int
    slug: str
    answered: bool
    completed_on: date | None


class ExportSession(_Exported):
    """A session. `day` is the user's day on which it was first shown, or answered unseen; `engagement` is the score at
    its issue. On the day `issued_on`, the user had completed `done_before` activities when it was issued.
    """

    session_id: int
    status: str
    segment: str
    rl_action: str
    shown: bool
    engagement: Rounded
    issued_at: Timestamp
    issued_on: date | None
    expires_at: Timestamp
    done_before: int
    day: date | None
    closed_at: Timestamp | None
    ended_by: str | None
    why: str | None
    learned_version: int | None
    learned_episodes: int | None
    parked: str | None
    changes: int
    decision: ExportDecision
    activities: list[ExportActivity]
    closing: ExportClosing | None


class ExportType(_Exported):
    assigned: int
    completed: int
    minutes: int


class ExportFigures(_Exported):
    """What a day came to, once the daily job has computed it: what is known at its end."""

    sessions: int
    types: dict[str, ExportType]
    other: ExportType
    rated: int
    lift_points: int
    engagement_score: Rounded
    motivation_score: Rounded
    streak_days: int
    settled: bool


class ExportDay(_Exported):
    """A day of use, and what stood at its first moment, `at`."""

    day: date
    at: Timestamp
    segment: str
    timezone: str
    first_ever: bool
    session: int
    engagement_score: Rounded
    motivation_score: Rounded
    streak_days: int
    streak_last: date | None
    pauses: list[ExportPause]
    bridges: list[ExportBridge]
    assessments: list[ExportAssessment]
    figures: ExportFigures | None


def _made(model: type[M], noun: Any, **more: Any) -> M:
    """Returns the model with the noun's fields of the same names, and with these."""
    return model(**{name: getattr(noun, name) for name in model.model_fields if name not in more}, **more)


def _scores(noun: Any) -> dict[str, Any]:
    return {"engagement_score": noun.engagement, "motivation_score": noun.motivation}


def _profile(profile: Profile) -> ExportProfile:
    return _made(ExportProfile, profile, **_scores(profile), **_streak(profile))


def _streak(noun: Any) -> dict[str, Any]:
    return {"streak_days": noun.streak.days, "streak_last": noun.streak.last}


def _session(session: Session) -> ExportSession:
    activities = [
        ExportActivity(
            **tracked_fields(session, activity),
            id=activity_id(session, position),
            slug=activity.slug,
            answered=activity.completed is not None,
            completed_on=activity.completed_on,
        )
        for position, activity in enumerate(session.activities, 1)
    ]
    named = {"session_id": session.number, "rl_action": session.decision.action.title}
    return _made(ExportSession, session, **named, activities=activities)


def _day(day: UserDay) -> ExportDay:
    mark, figures = day.mark, None
    if (its := day.figures) is not None:
        types = dict(zip(TYPES, its.types, strict=True))
        figures = _made(ExportFigures, its, types=types, **_scores(its))
    return _made(ExportDay, mark, **_scores(mark), **_streak(mark), figures=figures)


class Form(NamedTuple):
    """Says how one kind of item is exported: under which name of the page, as which model, made by what.

    `single` says that there is at most one of that kind.
    """

    place: str
    model: type[BaseModel]
    make: Callable[[Any], BaseModel]
    single: bool = False


FORMS: dict[str, Form] = {
    "profile": Form("profile", ExportProfile, _profile, single=True),
    "consent": Form("consents", ExportConsent, ExportConsent.model_validate),
    "unlearning": Form("unlearning", ExportUnlearning, ExportUnlearning.model_validate, single=True),
    "absence": Form("absences", ExportAbsence, ExportAbsence.model_validate),
    "assessment": Form("assessments", ExportAssessment, ExportAssessment.model_validate),
    "session": Form("sessions", ExportSession, _session),
    "day": Form("days", ExportDay, _day),
}
