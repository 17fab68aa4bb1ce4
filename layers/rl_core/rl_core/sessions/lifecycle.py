"""How a session moves: issued, answered, closed. Values in, values out; the store makes each move stick.

open -> closed -> learned        answered in full, ended by a batch, or expired after being shown
open -> closed                   a fallback session: scores move, nothing is learned
open -> unseen                   expired, prefetched only: nothing moves
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypedDict

from rl_core.config import Settings
from rl_core.days.figures import Mark
from rl_core.learner import choosing
from rl_core.models import (
    Activity,
    Closing,
    Decision,
    EndedBy,
    Policy,
    Profile,
    Result,
    Session,
    Status,
    Transition,
)
from rl_core.sessions.calendar import active_day, days_completed, engagement_now, extend_streak
from rl_core.sessions.catalogue import catalogue, crc
from rl_core.sessions.outcome import engagement_after, motivation_after, outcome_of, reward, state_of
from rl_core.sessions.slate import assign

KEPT_ACTIONS = 5  # the longest cool-down


class Answer(TypedDict, total=False):
    """What a user says of one activity; a field left out keeps what is stored."""

    completed: bool
    motivation_before: int | None
    motivation_after: int | None
    difficulty_rating: int | None
    notes: str


def issue(
    profile: Profile,
    policy: Policy | None,
    previous: Session | None,
    settings: Settings,
    now: datetime,
    key: bytes,
    shown: bool,
) -> tuple[Session, Profile]:
    """The user's next session and the profile that counts it; without a policy it is a fallback."""
    number = profile.sessions + 1
    engagement = engagement_now(profile, now)
    rng = choosing.generator(profile.user, number, policy.version if policy else 0)
    state = state_of(engagement, profile.motivation)
    decision: Decision
    if policy:
        decision = choosing.decide(policy, state, profile.recent, settings, rng)
    else:
        decision = choosing.decide_without_policy(state, profile.recent, settings, rng)
    book = catalogue()
    chosen = assign(
        profile.segment,
        book.by_segment[profile.segment],
        decision.action,
        profile.avoid,
        {book.by_slug[a.slug].name for a in previous.activities} if previous else set(),
        policy.activities if policy else {},
        rng,
    )
    session = Session(
        user=profile.user,
        number=number,
        key=key,
        segment=profile.segment,
        decision=decision,
        activities=tuple(Activity(e.slug) for e in chosen),
        engagement=engagement,
        issued_at=now,
        expires_at=now + timedelta(hours=settings.session_hours),
        shown=shown,
        day=active_day(profile, now) if shown else None,
    )
    recent = (*profile.recent, decision.action)[-KEPT_ACTIONS:]
    return session, replace(profile, sessions=number, recent=recent)


def visit(profile: Profile, number: int, now: datetime) -> tuple[Profile, Mark | None]:
    """The user is active, on the session of this number: the profile seen today, and the mark of the day if it is new.

    An expired session is closed before, one that ends now after: its score is the formula's, from when it was issued.
    """
    today = active_day(profile, now)
    if profile.seen == today:
        return profile, None
    seen = replace(profile, engagement=engagement_now(profile, now), seen=today)
    return seen, Mark(
        user=profile.user,
        key=profile.key,
        day=today,
        at=now,
        segment=profile.segment,
        timezone=profile.timezone,
        first_ever=profile.seen is None,
        session=number,
        engagement=seen.engagement,
        motivation=seen.motivation,
        streak=seen.streak,
    )


def on_day(session: Session, profile: Profile, now: datetime) -> Session:
    """The session, shown or answered now, with its day, if this is the first time; and with that of new completions."""
    today = active_day(profile, now)
    dated = (replace(a, completed_on=today) if a.completed and not a.completed_on else a for a in session.activities)
    return replace(session, day=session.day or today, activities=tuple(dated))


def accepts_answers(session: Session, now: datetime) -> bool:
    return session.status is Status.OPEN and now < session.expires_at


def answer(session: Session, position: int, said: Answer, now: datetime) -> Session:
    """The session with one activity (position from 1) answered; equal to the old one if that changes nothing."""
    old = session.activities[position - 1]
    new = replace(old, **said)
    if not new.completed:
        new = replace(new, completed_at=None, completed_on=None)
    elif new.completed_at is None:
        new = replace(new, completed_at=now)
    return replace(session, activities=(*session.activities[: position - 1], new, *session.activities[position:]))


def close(
    session: Session,
    profile: Profile,
    settings: Settings,
    now: datetime,
    ended_by: EndedBy,
    rating: int | None = None,
    notes: str = "",
) -> tuple[Session, Profile]:
    """The session with what it came to frozen, and the profile moved by it: the one place where scores move.

    What was not answered is from then on answered with "not completed", as which it counts.
    """
    outcome = outcome_of(session.activities, rating)
    moved = replace(
        profile,
        engagement=engagement_after(session.engagement, outcome),
        motivation=motivation_after(profile.motivation, outcome),
        streak=extend_streak(profile.streak, days_completed(session.activities)),
    )
    closing = Closing(
        reward=reward(outcome),
        engagement_after=moved.engagement,
        next_state=state_of(moved.engagement, moved.motivation),
        barred=choosing.barred(profile.recent, settings.action_cooldown),
        rating=rating,
        notes=notes,
        motivation_after=moved.motivation,
    )
    counted = tuple(replace(a, completed=bool(a.completed)) for a in session.activities)
    closed = replace(session, activities=counted, status=Status.CLOSED, closed_at=now)
    return replace(closed, ended_by=ended_by, closing=closing), moved


def expire(session: Session, profile: Profile, settings: Settings, now: datetime) -> tuple[Session, Profile]:
    """An expired session closed as it stands; one that nobody saw moves nothing."""
    if session.shown or session.answered:
        return close(session, profile, settings, now, EndedBy.EXPIRY)
    return replace(session, status=Status.UNSEEN, closed_at=now, ended_by=EndedBy.EXPIRY), profile


def add_rating(
    session: Session, profile: Profile, rating: int | None, notes: str, now: datetime
) -> tuple[Session, Profile]:
    """A closed session with its rating and notes added later.

    The engagement score moves with it while no later session was issued; reward and recorded next state stay.
    """
    if session.closing is None:
        raise ValueError("the session is not closed")
    after = engagement_after(session.engagement, outcome_of(session.activities, rating))
    latest = profile.sessions == session.number
    closing = replace(
        session.closing,
        rating=rating,
        notes=notes,
        rated_at=session.closing.rated_at if rating == session.closing.rating else now,
        engagement_after=after if latest else session.closing.engagement_after,
    )
    return replace(session, closing=closing), replace(profile, engagement=after) if latest else profile


def engagement_delta(session: Session) -> float:
    """How the session moved the engagement score, or would if it closed as it stands."""
    if session.closing is not None:
        return session.closing.engagement_after - session.engagement
    return engagement_after(session.engagement, outcome_of(session.activities, None)) - session.engagement


def is_due(session: Session) -> bool:
    """Closed, to be learned from, and not set aside."""
    return (
        session.status is Status.CLOSED
        and session.closing is not None
        and not session.decision.fallback
        and session.parked is None
    )


def transition_of(session: Session) -> Transition:
    """What a closed session teaches."""
    if session.closing is None:
        raise ValueError("the session is not closed")
    return Transition(
        key=session.key,
        state=session.decision.state,
        action=session.decision.action,
        reward=session.closing.reward,
        next_state=session.closing.next_state,
        barred=session.closing.barred,
        results=tuple(Result(crc(a.slug), bool(a.completed), a.lift) for a in session.activities),
    )


def learned(sessions: Sequence[Session], policy: Policy) -> tuple[Session, ...]:
    """The sessions marked as learned into this version of the policy."""
    return tuple(
        replace(s, status=Status.LEARNED, learned_version=policy.version, learned_episodes=policy.episodes)
        for s in sessions
    )
