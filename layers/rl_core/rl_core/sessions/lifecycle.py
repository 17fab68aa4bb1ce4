"""How a session moves: issued, answered, closed. Values in, values out; the store makes each move stick.

open -> closed -> learned        answered in full, ended by a batch, or expired after being shown
open -> closed                   a session that says `why` nothing is learned from it: scores move
open -> unseen                   expired, prefetched only: nothing moves
"""

import hashlib
import math
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import NamedTuple, TypedDict

from rl_core import learner
from rl_core.config import Settings
from rl_core.errors import TooManyAnswersError, TooManySessionsError
from rl_core.models import (
    ACTIONS,
    Activity,
    Closing,
    EndedBy,
    Learning,
    Mark,
    Marker,
    Policy,
    Profile,
    Result,
    Session,
    Status,
    Transition,
    Why,
    person_of,
)
from rl_core.sessions.calendar import (
    active_day,
    completed_on,
    counted,
    day_ends,
    days_completed,
    engagement_now,
    extend_streak,
)
from rl_core.sessions.catalogue import catalogue
from rl_core.sessions.outcome import engagement_after, motivation_after, outcome_of, reward, state_of
from rl_core.sessions.slate import assign

KEPT_ACTIONS = 5  # the longest cool-down
MOST_CHANGES = 100  # of the answers to one session


class Answer(TypedDict, total=False):
    """What a user says of one activity; a field left out keeps what is stored."""

    completed: bool
    motivation_before: int | None
    motivation_after: int | None
    difficulty_rating: int | None
    notes: str


class Ending(NamedTuple):
    """What ends a session, and what is said of it as a whole."""

    by: EndedBy
    rating: int | None = None
    notes: str = ""


class Recorded(NamedTuple):
    """A session and its user after something happened; `mark` is that of the day, if it is the day's first moment."""

    session: Session
    profile: Profile
    mark: Mark | None


class Issued(NamedTuple):
    """A session just issued, its user, the mark of a day that it began, and the expired session that it replaces."""

    session: Session
    profile: Profile
    mark: Mark | None
    expired: Session | None


def issue(
    profile: Profile, latest: Session | None, policy: Policy | None, settings: Settings, now: datetime, *, shown: bool
) -> Issued:
    """Returns the user's next session; without a policy it is a fallback.

    A latest session that is still open is closed first, as it stands; then the user is active, if it is shown; then the
    plan is drawn. Raises TooManySessionsError when the user's day has had its sessions.
    """
    profile, expired = admit(profile, settings, now), None
    if latest is not None and latest.status is Status.OPEN:
        expired, profile = expire(latest, profile, settings, now, _excluded_by(policy, latest))
    number, mark = profile.sessions + 1, None
    if shown:
        profile, mark = _visit(profile, number, now)
    session = _drawn(profile, latest, policy, settings, now, shown)
    recent = (*profile.recent, session.decision.action)[-KEPT_ACTIONS:]
    issued = replace(profile, sessions=number, recent=recent, issued=profile.issued + 1)
    return Issued(session, issued, mark, expired)


def admit(profile: Profile, settings: Settings, now: datetime) -> Profile:
    """Returns the profile with the counts of its present day, on which one more session may be issued.

    Raises TooManySessionsError when the day has had its sessions.
    """
    today = counted(profile, now)
    if today.issued >= settings.sessions_per_day:
        raise TooManySessionsError(math.ceil((day_ends(today, now) - now).total_seconds()))
    return today


def erased(profile: Profile, settings: Settings, now: datetime) -> Marker:
    """Returns the marker of a user who asks to be erased; if a cap of their day is used up, it holds that day."""
    marker = Marker(profile.user, profile.key, profile.created_at, now, revision=profile.revision)
    today = counted(profile, now)
    used_up = today.issued >= settings.sessions_per_day or 0 < settings.learned_per_day <= today.learned
    return replace(marker, day=today.day, held_until=day_ends(today, now)) if used_up else marker


def _excluded_by(policy: Policy | None, session: Session) -> bool:
    """Returns whether the policy that was read is the session's and excludes its person."""
    return policy is not None and policy.segment is session.segment and session.person in policy.excluded


def _drawn(
    profile: Profile, latest: Session | None, policy: Policy | None, settings: Settings, now: datetime, shown: bool
) -> Session:
    """Returns the plan: an action for the user's state, and the activities for it, from one generator."""
    number, engagement = profile.sessions + 1, engagement_now(profile, now)
    key = key_of(profile, number)
    rng = learner.generator(key, policy.version if policy else 0)
    options = learner.eligible(profile.recent, settings.action_cooldown)
    decision = learner.decide(policy, state_of(engagement, profile.motivation), options, settings, rng)
    book = catalogue()
    chosen = assign(
        profile.segment,
        book.by_segment[profile.segment],
        decision.action,
        profile.avoid,
        {book.entry(a.slug).name for a in latest.activities} if latest else set(),
        policy.activities if policy else {},
        rng,
    )
    return Session(
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
        **_done_today(latest, active_day(profile, now)),
    )


class _Done(TypedDict, total=False):
    done_before: int
    issued_on: date


def _done_today(latest: Session | None, today: date) -> _Done:
    """Returns what a new session keeps of the completions of its day: nothing if there are none."""
    done = completed_today(latest, today) if latest else 0
    return _Done(done_before=done, issued_on=today) if done else {}


def completed_today(latest: Session, today: date) -> int:
    """Returns how many activities the user completed on this day, over all sessions, from the latest one alone."""
    earlier = latest.done_before if latest.issued_on == today else 0
    return earlier + completed_on(today, [latest])


def key_of(profile: Profile, number: int) -> bytes:
    """Returns a session's key: the person's eight bytes, and eight that nobody without the profile's key foretells."""
    own = hashlib.sha256(b"session" + profile.key + number.to_bytes(8, "big")).digest()[:8]
    return person_of(profile.key) + own


def show(session: Session, profile: Profile, now: datetime) -> Recorded:
    """Returns an open session shown: the first time, and the first on a day, change something."""
    visited, mark = _visit(profile, session.number, now)
    return Recorded(_on_day(replace(session, shown=True), visited, now), visited, mark)


def record(
    session: Session,
    profile: Profile,
    answers: Mapping[int, Answer],
    settings: Settings,
    now: datetime,
    ending: Ending | None = None,
) -> Recorded:
    """Returns an open session with these answers, by position from 1; it closes by the ending, or with the last answer.

    First the user is active, then the answers get their day, then the session closes: its score is the formula's, from
    when it was issued. Raises TooManyAnswersError without an ending once the answers were changed too often.
    """
    if ending is None and session.changes >= MOST_CHANGES:
        raise TooManyAnswersError
    answered = with_answers(session, answers, now)
    visited, mark = _visit(profile, session.number, now)
    changes = session.changes + (answered != session)
    dated = replace(_on_day(answered, visited, now), changes=changes)
    if ending is None and dated.fully_answered:
        ending = Ending(EndedBy.COMPLETIONS)
    if ending is None:
        return Recorded(dated, visited, mark)
    closed, moved = _close(dated, visited, settings, now, ending)
    return Recorded(closed, moved, mark)


def with_answers(session: Session, answers: Mapping[int, Answer], now: datetime) -> Session:
    """Returns the session with these answers, by position from 1; equal to the old one if they change nothing."""
    activities = list(session.activities)
    for position, said in answers.items():
        new = replace(activities[position - 1], **said)
        if not new.completed:
            new = replace(new, completed_at=None, completed_on=None)
        elif new.completed_at is None:
            new = replace(new, completed_at=now)
        activities[position - 1] = new
    return replace(session, activities=tuple(activities))


def _visit(profile: Profile, number: int, now: datetime) -> tuple[Profile, Mark | None]:
    """Returns the profile seen today, on the session of this number, and the mark of the day if it is new."""
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


def _on_day(session: Session, profile: Profile, now: datetime) -> Session:
    """Returns the session, shown or answered now, with its day if this is the first time, and its completions' days."""
    today = active_day(profile, now)
    dated = (replace(a, completed_on=today) if a.completed and not a.completed_on else a for a in session.activities)
    return replace(session, day=session.day or today, activities=tuple(dated))


def accepts_answers(session: Session, now: datetime) -> bool:
    return session.status is Status.OPEN and now < session.expires_at


def _close(
    session: Session, profile: Profile, settings: Settings, now: datetime, ending: Ending, excluded: bool = False
) -> tuple[Session, Profile]:
    """Returns the session with what it came to frozen, and the profile moved by it: the one place where scores move.

    What was not answered is from then on answered with "not completed", as which it counts. Whether the session is
    learned from is settled here, and a session that is takes one of the day's places.
    """
    outcome = outcome_of(session.activities, ending.rating)
    today = counted(profile, now)
    why = _why(session, today, settings, excluded)
    moved = replace(
        today,
        learned=today.learned + (why is None),
        engagement=engagement_after(session.engagement, outcome),
        motivation=motivation_after(profile.motivation, outcome),
        streak=extend_streak(profile.streak, days_completed(session.activities)),
    )
    closing = Closing(
        reward=reward(outcome),
        engagement_after=moved.engagement,
        motivation_after=moved.motivation,
        next_state=state_of(moved.engagement, moved.motivation),
        barred=learner.barred(profile.recent, settings.action_cooldown),
        rating=ending.rating,
        notes=ending.notes,
    )
    answered = tuple(replace(a, completed=bool(a.completed)) for a in session.activities)
    closed = replace(session, activities=answered, status=Status.CLOSED, closed_at=now, why=why)
    return replace(closed, ended_by=ending.by, closing=closing), moved


def _why(session: Session, profile: Profile, settings: Settings, excluded: bool) -> Why | None:
    """Returns why nothing is learned from a session that closes now; None if it is. The first reason that holds."""
    if session.decision.fallback:
        return Why.FALLBACK
    if excluded:
        return Why.EXCLUDED
    return Why.OVER_WEIGHT if profile.learned >= settings.learned_per_day else None


def excluded(session: Session, profile: Profile) -> tuple[Session, Profile]:
    """Returns a session just closed to be learned from, and its user, as they are when the policy excludes the person.

    The place that the session took of the day's is given back.
    """
    return replace(session, why=Why.EXCLUDED), replace(profile, learned=profile.learned - 1)


def expire(
    session: Session, profile: Profile, settings: Settings, now: datetime, excluded: bool = False
) -> tuple[Session, Profile]:
    """Returns an expired session closed as it stands; one that nobody saw moves nothing."""
    if session.shown or session.answered:
        return _close(session, profile, settings, now, Ending(EndedBy.EXPIRY), excluded)
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


def is_known(session: Session) -> bool:
    """Returns whether this code knows the session's status, action and entries; a newer release may have others."""
    known = catalogue().by_slug
    return session.status in tuple(Status) and can_learn(session) and all(a.slug in known for a in session.activities)


def can_learn(session: Session) -> bool:
    """Returns whether this code's policies have the session's action; one of a newer release waits for that."""
    return session.decision.action in ACTIONS


def is_due(session: Session) -> bool:
    """Closed, to be learned from, and not set aside."""
    return (
        session.status is Status.CLOSED
        and session.closing is not None
        and why_not(session) is None
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
        results=tuple(Result(a.entry, bool(a.completed), a.lift) for a in session.activities),
    )


def learned(session: Session, policy: Policy) -> Session:
    """Returns the session marked as learned into this version of the policy."""
    return replace(session, status=Status.LEARNED, learned_version=policy.version, learned_episodes=policy.episodes)


def why_not(session: Session) -> Why | None:
    """Returns why nothing is learned from a closed session; None where something is, and for one nobody saw."""
    if session.closing is None:
        return None
    return session.why or (Why.FALLBACK if session.decision.fallback else None)


def learning_of(session: Session) -> Learning:
    """Returns what became of a closed session's learning."""
    if session.learned_version is not None:
        return Learning.APPLIED
    return Learning.QUEUED if is_due(session) or session.parked else Learning.NONE
