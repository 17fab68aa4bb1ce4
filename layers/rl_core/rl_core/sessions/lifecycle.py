"""Moves a session: issues, answers and closes it. Values in, values out; the store writes each move.
open -> closed -> learned        it was answered in full, ended by a batch, or expired after being shown
open -> closed                   it says `why` nothing is learned from it; the scores move all the same
open -> unseen                   it expired without an answer, prefetched only or under a pause; nothing moves
"""

import hashlib
import math
from collections.abc import Mapping, Sequence
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
    Facts,
    Learning,
    Mark,
    Marker,
    Policy,
    Profile,
    Result,
    Segment,
    Session,
    Status,
    Transition,
    Why,
    person_of,
)
from rl_core.sessions.calendar import (
    active_day,
    bridged,
    completed_on,
    counted,
    day_ends,
    days_completed,
    engagement_now,
    extend_streak,
    still_telling,
)
from rl_core.sessions.catalogue import catalogue
from rl_core.sessions.consent import allowed, may_learn, queued
from rl_core.sessions.outcome import engagement_after, motivation_after, outcome_of, reward, state_of
from rl_core.sessions.pause import pause_at
from rl_core.sessions.slate import assign

KEPT_ACTIONS = 5  # the longest cool-down
MOST_CHANGES = 100  # the most changes of the answers to one session


class Answer(TypedDict, total=False):
    """Holds what a user says of one activity; a field that is left out keeps what is stored."""

    completed: bool
    motivation_before: int | None
    motivation_after: int | None
    difficulty_rating: int | None
    notes: str


class Ending(NamedTuple):
    """Holds what ends a session, and the user's rating and notes for the session as a whole."""

    by: EndedBy
    rating: int | None = None
    notes: str = ""


class Recorded(NamedTuple):
    """Holds a session and its user's profile after an event; `mark` is set if it was the day's first active moment."""

    session: Session
    profile: Profile
    mark: Mark | None


class Issued(NamedTuple):
    """Holds a session just issued and its user's profile.

    `mark` is set if the session began the user's day; `expired` is the session that it replaces, if there is one.
    """

    session: Session
    profile: Profile
    mark: Mark | None
    expired: Session | None


def issue(
    profile: Profile, latest: Session | None, policy: Policy | None, settings: Settings, now: datetime, *, shown: bool
) -> Issued:
    """Returns the user's next session; without a policy it is a fallback, unless the user wants no personal plan.

    Closes the latest session first, as it stands, if it is still open; then makes the user active, if the new session
    is shown; then draws the plan. Drops the bridges over which the streak can no longer go on: no session is open whose
    completions might. Raises TooManySessionsError when the user's day has used up its sessions.
    """
    profile, expired = admit(profile, settings, now), None
    if latest is not None and latest.status is Status.OPEN:
        expired, profile = expire(latest, profile, settings, now, _excluded_by(policy, latest))
        profile = queued(profile, expired) if is_due(expired) else profile
    if not allowed(profile, settings, now).personalise:
        profile = replace(profile, facts=profile.facts.impersonal())
    profile = replace(profile, bridges=tuple(b for b in profile.bridges if b.first == profile.streak.last))
    number, mark = profile.sessions + 1, None
    if shown:
        profile, mark = _visit(profile, number, now)
    session = _drawn(profile, latest, policy, settings, now, shown)
    recent = (*profile.recent, session.decision.action)[-KEPT_ACTIONS:]
    issued = replace(profile, sessions=number, recent=recent, issued=profile.issued + 1)
    return Issued(session, issued, mark, expired)


def admit(profile: Profile, settings: Settings, now: datetime) -> Profile:
    """Returns the profile with the counts of its present day, on which one more session may be issued.

    Raises TooManySessionsError when that day has used up its sessions.
    """
    today = counted(profile, now)
    if today.issued >= settings.sessions_per_day:
        raise TooManySessionsError(math.ceil((day_ends(today, now) - now).total_seconds()))
    return today


def erased(profile: Profile, settings: Settings, now: datetime) -> Marker:
    """Returns the marker of a user who asks to be erased; the marker keeps the day if a cap of that day is used up."""
    marker = Marker(profile.user, profile.key, profile.created_at, now, revision=profile.revision, asked_at=now)
    today = counted(profile, now)
    used_up = today.issued >= settings.sessions_per_day or 0 < settings.learned_per_day <= today.learned
    return replace(marker, day=today.day, held_until=day_ends(today, now)) if used_up else marker


def _excluded_by(policy: Policy | None, session: Session) -> bool:
    """Returns whether the policy that was read belongs to the session's segment and excludes the session's person."""
    return policy is not None and policy.segment is session.segment and session.person in policy.excluded


def _drawn(
    profile: Profile, latest: Session | None, policy: Policy | None, settings: Settings, now: datetime, shown: bool
) -> Session:
    """Returns the new session; one generator draws the action for the user's state, then the action's activities.

    For a user who wants no personal plan both are drawn as if nothing had been learned from anybody.
    """
    number, engagement = profile.sessions + 1, engagement_now(profile, now)
    key, personal = key_of(profile, number), allowed(profile, settings, now).personalise
    policy = policy if personal else None
    rng = learner.generator(key, policy.version if policy else 0)
    options = learner.eligible(profile.recent, settings.action_cooldown, profile.without)
    state = state_of(engagement, profile.motivation)
    decision = learner.decide(policy, state, options, settings, rng, profile.facts, personal=personal)
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
    """Returns the fields in which a new session keeps its day's completions so far; no field if there are none."""
    done = completed_today(latest, today) if latest else 0
    return _Done(done_before=done, issued_on=today) if done else {}


def completed_today(latest: Session, today: date) -> int:
    """Returns how many activities the user completed on this day in all sessions; reads only the latest session."""
    earlier = latest.done_before if latest.issued_on == today else 0
    return earlier + completed_on(today, [latest])


def key_of(profile: Profile, number: int) -> bytes:
    """Returns a session's key: the person's eight bytes, then eight that only the profile's key makes predictable."""
    own = hashlib.sha256(b"session" + profile.key + number.to_bytes(8, "big")).digest()[:8]
    return person_of(profile.key) + own


def show(session: Session, profile: Profile, now: datetime) -> Recorded:
    """Returns an open session and its user after a showing.

    Only the session's first showing and the first active moment of a day change anything.
    """
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
    """Returns an open session with these answers, by position from 1; the ending or the last answer closes the session.

    Makes the user active first, then gives the answers their day, then closes the session; the score follows the
    formula from the engagement at the time of issue. Raises TooManyAnswersError when there is no ending and the answers
    were changed too often.
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
    """Returns the session with these answers, by position from 1; it equals `session` if the answers change nothing."""
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
    """Returns the profile as active today on the session of this number, and the day's mark if the day is new.

    The mark has all pauses since the latest active day; the profile drops those that tell nothing of later days.
    """
    today = active_day(profile, now)
    if profile.seen == today:
        return profile, None
    seen = replace(
        profile,
        engagement=engagement_now(profile, now),
        seen=today,
        pauses=still_telling(profile.pauses, today, now),
        bridges=bridged(profile, today),
    )
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
        pauses=profile.pauses,
        assessments=seen.assessments,
        bridges=seen.bridges,
    )


def _on_day(session: Session, profile: Profile, now: datetime) -> Session:
    """Returns the session, shown or answered now, with days for itself and its completions where they have none yet."""
    today = active_day(profile, now)
    dated = (replace(a, completed_on=today) if a.completed and not a.completed_on else a for a in session.activities)
    return replace(session, day=session.day or today, activities=tuple(dated))


def accepts_answers(session: Session, now: datetime) -> bool:
    return session.status is Status.OPEN and now < session.expires_at


def _close(
    session: Session, profile: Profile, settings: Settings, now: datetime, ending: Ending, excluded: bool = False
) -> tuple[Session, Profile]:
    """Returns the closed session with its closing, and the profile with the scores that the session moves.

    No other function moves scores by a session, except `add_rating`. An activity that was not answered is stored as
    "not completed" and counts as such. Decides whether the session is learned from; a session that is takes one of the
    day's `learned_per_day` places and counts in the person's facts.
    """
    outcome, personal = outcome_of(session.activities, ending.rating), allowed(profile, settings, now).personalise
    today = counted(profile, now)
    why = _why(session, today, settings, now, excluded)
    facts = (profile.facts if why else _counted_in(profile, session, reward(outcome))).had(session.decision.action)
    after = replace(
        today,
        learned=today.learned + (why is None),
        engagement=engagement_after(session.engagement, outcome),
        motivation=motivation_after(profile.motivation, outcome),
        streak=extend_streak(profile.streak, days_completed(session.activities), profile.bridges),
        facts=facts if personal else facts.impersonal(),
    )
    closing = Closing(
        reward=reward(outcome),
        engagement_after=after.engagement,
        motivation_after=after.motivation,
        next_state=state_of(after.engagement, after.motivation),
        barred=learner.barred(profile.recent, settings.action_cooldown, profile.without),
        rating=ending.rating,
        notes=ending.notes,
    )
    answered = tuple(replace(a, completed=bool(a.completed)) for a in session.activities)
    closed = replace(session, activities=answered, status=Status.CLOSED, closed_at=now, why=why)
    return replace(closed, ended_by=ending.by, closing=closing), after


def _why(session: Session, profile: Profile, settings: Settings, now: datetime, excluded: bool) -> Why | None:
    """Returns the first reason why nothing is learned from a session that closes now; None if it is learned from."""
    if session.decision.fallback:
        return Why.FALLBACK
    if not may_learn(session, profile, settings, now):
        return Why.CONSENT
    if excluded:
        return Why.EXCLUDED
    return Why.OVER_WEIGHT if profile.learned >= settings.learned_per_day else None


def _counted_in(profile: Profile, session: Session, reward: float) -> Facts:
    """Returns the person's facts after one more session that is learned from.

    Of a session of a former segment only the weight of the person goes on; an action of a newer release has no count.
    """
    action = session.decision.action
    if not can_learn(session):
        return profile.facts
    if profile.segment is session.segment:
        return profile.facts.learned(action, reward)
    return profile.facts.learned_elsewhere(action)


def _counted_out(profile: Profile, session: Session, reward: float) -> Facts:
    """Returns the person's facts without the session that was counted in last, wherever it counts."""
    action = session.decision.action
    if not can_learn(session):
        return profile.facts
    if profile.segment is session.segment and profile.facts.counts[action]:
        return profile.facts.learned(action, reward, -1)
    return profile.facts.learned_elsewhere(action, -1)


def excluded(session: Session, profile: Profile) -> tuple[Session, Profile]:
    """Returns a session that was just closed to be learned from, now as one whose person the policy excludes.

    Returns with it the profile, in which the session's place among the day's `learned_per_day` is free again and the
    session does not count in the person's facts. Raises ValueError for a session that is not closed.
    """
    if session.closing is None:
        raise ValueError("the session is not closed")
    facts = _counted_out(profile, session, session.closing.reward)
    return replace(session, why=Why.EXCLUDED), replace(profile, learned=profile.learned - 1, facts=facts)


def moved(profile: Profile, segment: Segment) -> Profile:
    """Returns the profile in this segment; in another one than before, the person's facts start anew."""
    if segment is profile.segment:
        return profile
    return replace(profile, segment=segment, facts=profile.facts.moved())


def expire(
    session: Session, profile: Profile, settings: Settings, now: datetime, excluded: bool = False
) -> tuple[Session, Profile]:
    """Returns an expired session closed as it stands, and its user.

    A session leaves the user as is if nobody saw it, or if nobody answered it and a pause held as it expired.
    """
    paused = not session.answered and pause_at(profile.pauses, session.expires_at) is not None
    if not paused and (session.shown or session.answered):
        return _close(session, profile, settings, now, Ending(EndedBy.EXPIRY), excluded)
    why = Why.PAUSED if paused else None
    return replace(session, status=Status.UNSEEN, closed_at=now, ended_by=EndedBy.EXPIRY, why=why), profile


def add_rating(
    session: Session, profile: Profile, rating: int | None, notes: str, now: datetime
) -> tuple[Session, Profile]:
    """Returns a closed session with a rating and notes that came later, and its user.

    The rating moves the engagement score if no later session was issued; reward and recorded next state stay. Raises
    ValueError for a session that is not closed.
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
    """Returns by how much the session moved the engagement score, or would move it if it closed as it stands."""
    if session.closing is not None:
        return session.closing.engagement_after - session.engagement
    return engagement_after(session.engagement, outcome_of(session.activities, None)) - session.engagement


def is_known(session: Session) -> bool:
    """Returns whether this code knows the session's status, action and entries; a newer release may have others."""
    known = catalogue().by_slug
    return session.status in tuple(Status) and can_learn(session) and all(a.slug in known for a in session.activities)


def can_learn(session: Session) -> bool:
    """Returns whether this code's policies have the session's action; if not, the session waits for a newer release."""
    return session.decision.action in ACTIONS


def is_due(session: Session) -> bool:
    """Returns whether the session is closed, to be learned from, and not set aside."""
    return (
        session.status is Status.CLOSED
        and session.closing is not None
        and why_not(session) is None
        and session.parked is None
    )


def transition_of(session: Session) -> Transition:
    """Returns what a policy learns from a closed session. Raises ValueError for one that is not closed."""
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
        facts=session.decision.facts,
    )


def learned(session: Session, policy: Policy) -> Session:
    """Returns the session marked as learned into this version of the policy."""
    return replace(session, status=Status.LEARNED, learned_version=policy.version, learned_episodes=policy.episodes)


def why_not(session: Session) -> Why | None:
    """Returns why nothing is learned from a closed session; None if it is learned from.

    One that closed as unseen has no reason but a pause.
    """
    if session.closing is None:
        return session.why
    return session.why or (Why.FALLBACK if session.decision.fallback else None)


def learning_of(session: Session) -> Learning:
    """Returns what became of a closed session's learning."""
    if session.learned_version is not None:
        return Learning.APPLIED
    return Learning.QUEUED if is_due(session) or session.parked else Learning.NONE


def caught_up(profile: Profile, seen: Sequence[Session]) -> Profile:
    """Returns the profile with `queued_from` moved on to the first of the user's sessions that may still wait.

    It moves only when the session that it names is among those `seen`, the user's latest, newest first.
    """
    known = {session.number: session for session in seen}
    if profile.queued_from not in known:
        return profile
    left = (n for n in range(profile.queued_from, profile.sessions + 1) if n not in known or _waits(known[n]))
    return replace(profile, queued_from=next(left, 0))


def _waits(session: Session) -> bool:
    return learning_of(session) is Learning.QUEUED
