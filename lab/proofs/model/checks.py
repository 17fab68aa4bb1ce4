"""Checks the table after every step, against the model and for what must always hold."""

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import pytest

from lab.proofs.model.consent import PURPOSES, Request
from lab.proofs.model.person import Day, Person, Plan
from lab.proofs.model.reference import Model
from lab.proofs.model.service import Table
from rl_core.learner import draw, even, fold, generator
from rl_core.models import (
    Choice,
    Facts,
    Mark,
    Marker,
    Pause,
    Policy,
    Profile,
    Segment,
    Session,
    Statement,
    Status,
    person_of,
)
from rl_core.sessions import assign, catalogue
from rl_core.store import UserDay, items, keys, policies, read_user_day
from rl_core.store.audit import read_act
from rl_core.store.consents import read_request, read_statement

FOREIGN, OURS = "posterior/99", "posterior/2"  # a learner that this code does not have, and one that it has


def close_to(value: float) -> Any:
    return pytest.approx(value, rel=0, abs=1e-12)


@dataclass
class Stored:
    """The items of one user."""

    profile: Profile | Marker | None
    sessions: list[Session]
    days: list[UserDay]
    said: list[Statement]
    request: Any


def stored(table: Table, user: str) -> Stored:
    mine = {sk: item for (pk, sk), item in sorted(table.items()) if pk == keys.user_pk(user)}
    profile = mine.pop(keys.PROFILE_SK, None)
    days = [read_user_day(mine.pop(sk)) for sk in sorted(mine) if sk.startswith(keys.DAY_PREFIX)]
    said = [read_statement(mine.pop(sk)) for sk in sorted(mine) if sk.startswith(keys.CONSENT_PREFIX)]
    request = mine.pop(keys.REQUEST_SK, None)
    assert all(sk.startswith(keys.SESSION_PREFIX) for sk in mine)
    sessions = [items.read_session(i) for i in mine.values()]
    its = items.read_profile(profile) if profile else None
    return Stored(its, sessions, days, said, read_request(request) if request else None)


def check_user(person: Person | None, user: str, table: Table) -> None:
    """Asserts that the user's items are as the model says, and that an erased user has none."""
    found = stored(table, user)
    if person is None:
        assert found == Stored(None, [], [], [], None), "an item outlived its user"
        return
    profile = found.profile
    assert profile is not None
    assert isinstance(profile, Marker) == person.erasing
    if isinstance(profile, Marker):
        assert (profile.key == b"", profile.day) == (person.bare, person.held and person.held[0]), "the day used up"
    if isinstance(profile, Profile):
        counts = (profile.day, profile.issued, profile.learned, profile.grants)
        assert counts == tuple(person.counts), "the day's counts"
        check_consent(person, profile, found)
        assert (profile.engagement, profile.seen) == (close_to(person.engagement), person.seen), "engagement"
        assert profile.motivation == close_to(person.motivation), "motivation"
        assert seconds(profile.pauses) == tuple(person.pauses.kept), "pauses"
        assert parts_of(profile.facts) == person.known.frozen(), "what is known of the person"
        assert (profile.segment.value, profile.timezone, list(profile.avoid), profile.sessions) == (
            person.segment,
            person.timezone,
            person.avoid,
            len(person.plans),
        )
    assert [s.number for s in found.sessions] == [p.number for p in person.plans]
    assert sum(s.status is Status.OPEN for s in found.sessions) <= 1, "two open sessions"
    for session, plan in zip(found.sessions, person.plans, strict=True):
        check_session(session, plan)
    assert [d.mark.day for d in found.days] == sorted(person.days), "active days"
    for day in found.days:
        check_day(day.mark, person.days[day.mark.day])
    for before, after in pairwise(found.sessions):
        if after.number == before.number + 1:
            check_variety(before, after)
        else:
            assert person.erasing, "only an erasure under way takes one between two"


def check_consent(person: Person, profile: Profile, found: Stored) -> None:
    """Asserts what was said of consent, what waits to be unlearned, and that a withdrawal would find all that waits."""
    consent, waiting = person.consent, [plan.number for plan in person.plans if plan.waits]
    told = [
        (int(s.at.timestamp()), s.text_version, *map(choice_of, (s.personalise, s.learn)), s.unlearn)
        for s in found.said
    ]
    assert told == consent.statements, "statements"
    granted = [choice and choice.granted for choice in map(consent.choice, PURPOSES)]
    assert [profile.personalise, profile.learn] == granted, "consent"
    assert (profile.unlearning, profile.unlearned) == (consent.unlearning, consent.unlearned), "unlearning"
    request = found.request and Request(
        found.request.upto, int(found.request.due_at.timestamp()), found.request.failures
    )
    assert request == consent.request, "the request to be unlearned"
    assert not waiting or 0 < profile.queued_from <= waiting[0], "a withdrawal would not find what waits"


def choice_of(choice: Choice | None) -> tuple[bool, int, str] | None:
    return (choice.granted, int(choice.since.timestamp()), choice.text_version) if choice else None


def check_even(session: Session, before: Session | None, avoid: list[str]) -> None:
    """Asserts that a plan was drawn as if nothing had been learned from anybody."""
    decision, rng, book = session.decision, generator(session.key, 0), catalogue()
    assert decision.action == draw(even(decision.eligible), rng)
    previous = {book.by_slug[a.slug].name for a in before.activities} if before else set()
    entries = book.by_segment[session.segment]
    slate = assign(session.segment, entries, decision.action, avoid, previous, {}, rng)
    assert [a.slug for a in session.activities] == [entry.slug for entry in slate]


def parts_of(facts: Facts) -> tuple[tuple[int, ...], ...]:
    return facts.counts, facts.sums, facts.earlier, facts.latest


def seconds(pauses: tuple[Pause, ...]) -> tuple[tuple[int, int], ...]:
    return tuple((int(since.timestamp()), int(until.timestamp())) for since, until in pauses)


def check_day(mark: Mark, day: Day) -> None:
    assert seconds(mark.pauses) == day.pauses
    assert (mark.segment.value, mark.timezone, mark.session) == (day.segment, day.timezone, day.session)
    assert (mark.engagement, mark.motivation) == (close_to(day.engagement), close_to(day.motivation))
    assert mark.first_ever == day.first_ever


def check_session(session: Session, plan: Plan) -> None:
    closing, decision = session.closing, session.decision
    assert (session.key, session.segment.value, session.shown) == (plan.key, plan.segment, plan.shown)
    assert (session.status, session.ended_by, session.why) == (plan.status, plan.ended_by, plan.why)
    assert (session.engagement, session.day) == (close_to(plan.engagement), plan.day)
    assert session.parked == plan.parked
    assert not (session.status is Status.OPEN and session.fully_answered), "answered in full, but open"
    for activity, answer in zip(session.activities, plan.answers, strict=True):
        at = activity.completed_at
        assert answer == {
            "completed": activity.completed,
            "motivation_before": activity.motivation_before,
            "motivation_after": activity.motivation_after,
            "difficulty_rating": activity.difficulty_rating,
            "notes": activity.notes,
            "at": int(at.timestamp()) if at else None,
            "on": activity.completed_on,
        }
    assert (closing is None) == (plan.reward is None)
    if closing is not None and plan.reward is not None and plan.engaged is not None:
        assert closing.reward == close_to(plan.reward)
        assert closing.engagement_after == close_to(plan.engaged)
        assert closing.motivation_after == close_to(plan.motivated or 0.0)
        assert (closing.rating, closing.notes) == (plan.rating, plan.notes)
        assert set(map(int, closing.barred)) == plan.barred, "what may not follow"
    assert 5 <= len(session.activities) <= 7
    assert decision.facts is not None
    assert parts_of(decision.facts) == plan.known, "what the draw knew of the person"
    assert decision.fallback == plan.fallback
    assert list(map(int, decision.eligible)) == plan.eligible, "what may be drawn"
    assert decision.action in decision.eligible
    assert 0 < decision.propensity <= 1
    assert decision.impersonal == plan.even
    if plan.even or plan.fallback:
        assert decision.propensity == 1 / len(decision.eligible)
        assert (decision.policy_version, decision.explored) == (0, True)


def check_variety(before: Session, after: Session) -> None:
    """Asserts that a session has at most half of the activities of the one before, which was closed first."""
    names = [{catalogue().by_slug[a.slug].name for a in s.activities} for s in (before, after)]
    assert len(names[0] & names[1]) <= len(after.activities) / 2
    assert before.closed_at is not None
    assert before.closed_at <= after.issued_at


def check_policy(model: Model, segment: Segment, table: Table) -> None:
    """Asserts that each session was learned from once, and that the policy is what its records give, bit for bit."""
    home = keys.segment_pk(segment)
    records = [policies.read_record(table[home, keys.version_sk(n)]) for n in versions_of(table, home)]
    learned = [t for record in records for t in record.transitions]
    expected = model.learned[segment.value]
    assert len({t.key for t in learned}) == len(learned), "learned twice"
    assert {t.key for t in learned} == expected.keys(), "not learned, or learned what never closed"
    assert all(t.reward == close_to(expected[t.key].reward or 0.0) for t in learned)
    assert all(t.facts and parts_of(t.facts) == expected[t.key].known for t in learned), "learned with other facts"
    found = table.get((home, keys.POLICY_SK))
    if found is None or "version" not in found:
        assert records == []
        return
    if segment.value in model.unreadable:
        assert found["learner"] == {"S": FOREIGN}
        found = mended(found)
    policy = policies.read_policy(found)
    assert set(policy.excluded) == model.excluded[segment.value], "excluded"
    replayed = Policy(segment, excluded=policy.excluded)
    for record in records:
        replayed = replace(fold(replayed, record.transitions, record.fold), version=record.version)
    assert policy == replayed
    assert (policy.version, policy.episodes) == (len(records), model.episodes(segment.value))


def check_audit(table: Table) -> None:
    """Asserts that each act concerns somebody whose profile or marker is there, or nobody any more, without words."""
    known = [bytes(item["key"]["B"]) for (_, sk), item in table.items() if sk == keys.PROFILE_SK and "key" in item]
    lives = {person_of(key) for key in known}
    for act in (read_act(item) for (pk, _), item in table.items() if pk == keys.AUDIT_PK):
        assert act.person in lives or (act.person, act.reason) == (b"", "")


def mended(item: dict[str, Any]) -> dict[str, Any]:
    """Returns a spoilt policy item as it was before; a policy that learned nothing names no learner."""
    rest = {name: value for name, value in item.items() if name != "learner"}
    return rest | {"learner": {"S": OURS}} if "table" in item else rest


def versions_of(table: Table, home: str) -> range:
    """Returns the versions with a record. Asserts that they run from 1 on without a gap."""
    found = sorted(sk for pk, sk in table if pk == home and sk.startswith(keys.VERSION_PREFIX))
    assert found == [keys.version_sk(n) for n in range(1, len(found) + 1)]
    return range(1, len(found) + 1)
