"""What a user says of consent, and what follows for the sessions that are issued and closed from then on."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from rl_core import learner
from rl_core.config import Settings
from rl_core.errors import InvalidRequestError, TooManyGrantsError
from rl_core.learner.persons import worn
from rl_core.learner.posterior import Posterior
from rl_core.models import (
    NO_FACTS,
    Action,
    Choice,
    EndedBy,
    Facts,
    Policy,
    Profile,
    Segment,
    Session,
    Statement,
    Unlearning,
    Why,
)
from rl_core.sessions import (
    GRANTS_PER_DAY,
    Answer,
    Ending,
    Issued,
    Wish,
    allowed,
    caught_up,
    excluded,
    expire,
    is_due,
    issue,
    learned,
    queued,
    record,
    say,
    transition_of,
)

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
GRANTED = Settings(table_name="none")
REQUIRED = Settings(table_name="none", consent_default="required")
SEGMENT = Segment.HIGH_LOW
KNOWN = Facts(
    (3, 0, 1, 0, 0, 0), (900_000, 0, 100_000, 0, 0, 0), (0, 2, 0, 0, 0, 0), (Action.PHYSICAL, Action.MAINTAIN)
)
ANA = Profile("ana", bytes(16), SEGMENT, NOW, sessions=7, facts=KNOWN, day=NOW.date())
POLICY = Policy(SEGMENT)
NO, YES = Wish("v1", learn=False), Wish("v1", learn=True)


def told(profile: Profile, *wishes: Wish, at: datetime = NOW, settings: Settings = GRANTED) -> Profile:
    """The profile after these statements, one a minute."""
    last: Statement | None = None
    for n, wish in enumerate(wishes):
        said = say(profile, last, wish, settings, at + timedelta(minutes=n))
        if said is not None:
            profile, last = said.profile, said.statement
    return profile


def issued(profile: Profile, *, settings: Settings = GRANTED, policy: Policy | None = POLICY) -> Issued:
    return issue(profile, None, policy, settings, NOW, shown=True)


def closed(profile: Profile, session: Session, settings: Settings = GRANTED) -> tuple[Session, Profile]:
    said = {n: Answer(completed=True) for n in range(1, len(session.activities) + 1)}
    found = record(session, profile, said, settings, NOW, Ending(EndedBy.BATCH))
    return found.session, found.profile


@pytest.mark.parametrize(("settings", "default"), [(GRANTED, True), (REQUIRED, False)])
def test_who_never_said_anything_follows_the_default(settings: Settings, default: bool) -> None:
    assert allowed(ANA, settings, NOW) == (None, default, default)
    for said in (True, False):
        assert allowed(replace(ANA, learn=said), settings, NOW) == (None, default, said)
        assert allowed(replace(ANA, personalise=said), settings, NOW) == (None, said, default)


def test_a_statement_changes_the_purposes_that_it_names_and_says_since_when() -> None:
    first = say(ANA, None, Wish("v1", personalise=True), GRANTED, NOW)
    assert first is not None
    choice = Choice(granted=True, since=NOW, text_version="v1")
    assert first.statement == Statement("ana", 1, NOW, "v1", choice)
    assert (first.profile.personalise, first.profile.learn, first.profile.statements) == (True, None, 1)
    later = NOW + timedelta(days=1)
    second = say(first.profile, first.statement, Wish("v2", learn=False), GRANTED, later)
    assert second is not None
    assert second.statement == Statement("ana", 2, later, "v2", choice, Choice(False, later, "v2"))
    assert (second.profile.personalise, second.profile.learn, second.profile.statements) == (True, False, 2)


@pytest.mark.parametrize("wish", [NO, replace(NO, text_version="v2"), Wish("v3", personalise=True), Wish("v1")])
def test_to_say_what_holds_changes_nothing_nor_does_a_second_refusal_under_another_text(wish: Wish) -> None:
    first = say(ANA, None, replace(NO, personalise=True, text_version="v3"), GRANTED, NOW)
    assert first is not None
    assert say(first.profile, first.statement, wish, GRANTED, NOW + timedelta(hours=1)) is None


def test_to_grant_again_under_another_text_is_a_new_statement() -> None:
    first = say(ANA, None, YES, GRANTED, NOW)
    assert first is not None
    second = say(first.profile, first.statement, replace(YES, text_version="v2"), GRANTED, NOW + timedelta(days=400))
    assert second is not None
    assert second.statement.learn == Choice(granted=True, since=NOW + timedelta(days=400), text_version="v2")


def test_grants_of_a_day_are_bounded_and_withdrawals_never() -> None:
    profile = told(ANA, *[YES, NO] * GRANTS_PER_DAY)
    assert (profile.learn, profile.grants) == (False, GRANTS_PER_DAY)
    last = Statement("ana", 40, NOW, "v1", learn=Choice(granted=False, since=NOW, text_version="v1"))
    with pytest.raises(TooManyGrantsError) as refused:
        say(profile, last, YES, GRANTED, NOW + timedelta(hours=2))
    assert refused.value.headers == {"Retry-After": str(13 * 3600)}
    assert say(profile, last, YES, GRANTED, NOW + timedelta(hours=15)) is not None  # the next day
    other = say(profile, last, Wish("v1", personalise=False), GRANTED, NOW + timedelta(hours=2))
    assert other is not None
    assert other.profile.personalise is False


def test_without_personal_plans_the_draw_is_even_and_nothing_of_the_person_is_kept_but_the_weight() -> None:
    profile = told(ANA, Wish("v1", personalise=False))
    assert profile.facts == Facts(earlier=(3, 2, 1, 0, 0, 0))
    made = issued(profile)
    decision = made.session.decision
    assert (decision.policy_version, decision.fallback) == (0, False)
    assert decision.impersonal
    assert decision.explored
    assert decision.chances == (1 / len(decision.eligible),) * len(decision.eligible)
    done, after = closed(made.profile, made.session)
    action = decision.action
    assert is_due(done)
    assert transition_of(done).facts == profile.facts
    assert after.facts == profile.facts.learned_elsewhere(action)


def test_who_is_excluded_without_personal_plans_loses_the_weight_again() -> None:
    made = issued(told(ANA, Wish("v1", personalise=False)))
    out, after = excluded(*closed(made.profile, made.session))
    assert (out.why, after.learned, after.facts) == (Why.EXCLUDED, 0, made.profile.facts)


def test_the_plan_is_that_of_a_fallback_whatever_was_learned() -> None:
    how = learner.fold_of(GRANTED)
    session, _ = closed(*reversed(issued(ANA)[:2]))
    learned_much = learner.fold(POLICY, [transition_of(session)] * 40, how)
    even = [issued(told(ANA, Wish("v1", personalise=False)), policy=p).session for p in (learned_much, POLICY, None)]
    assert even[0] == even[1] == even[2]
    fallback = issued(replace(ANA, facts=even[0].decision.facts or NO_FACTS), policy=None).session
    assert fallback.decision.fallback
    assert (fallback.activities, fallback.decision.chances) == (even[0].activities, even[0].decision.chances)


def test_a_default_of_required_counts_where_nothing_was_said() -> None:
    made = issued(ANA, settings=REQUIRED)
    assert made.session.decision.impersonal
    assert made.profile.facts == KNOWN.impersonal()
    done, after = closed(made.profile, made.session, REQUIRED)
    assert done.why is Why.CONSENT
    assert after.learned == 0


def test_why_is_settled_by_what_stands_when_the_session_closes() -> None:
    refusing, willing = told(ANA, NO), told(ANA, YES)
    for at_issue in (refusing, willing):
        made = issued(at_issue)
        for learn in (True, False):
            done, after = closed(replace(made.profile, learn=learn), made.session)
            assert done.why == (None if learn else Why.CONSENT)
            assert is_due(done) is learn
            assert after.learned == made.profile.learned + learn
            facts = made.profile.facts.had(made.session.decision.action)
            assert (after.facts == facts) is not learn


def test_the_reasons_come_in_their_order() -> None:
    profile = replace(told(ANA, NO), learned=2)
    fallback = issued(profile, policy=None)
    assert closed(fallback.profile, fallback.session)[0].why is Why.FALLBACK
    made = issued(profile)
    late = made.session.expires_at
    assert expire(made.session, made.profile, GRANTED, late, excluded=True)[0].why is Why.CONSENT
    assert expire(made.session, replace(made.profile, learn=True), GRANTED, late, excluded=True)[0].why is Why.EXCLUDED
    full = replace(made.profile, learn=True, learned=2)
    assert closed(full, made.session)[0].why is Why.OVER_WEIGHT


def test_what_nobody_saw_has_no_reason() -> None:
    made = issue(told(ANA, NO), None, POLICY, GRANTED, NOW, shown=False)
    unseen, _ = expire(made.session, made.profile, GRANTED, made.session.expires_at)
    assert unseen.why is None


def test_to_unlearn_needs_that_learning_is_not_granted() -> None:
    for profile in (ANA, replace(ANA, learn=True)):
        with pytest.raises(InvalidRequestError):
            say(profile, None, Wish("v1", unlearn=True), GRANTED, NOW)
    assert say(replace(ANA, learn=None), None, Wish("v1", unlearn=True), REQUIRED, NOW) is not None


def test_to_unlearn_begins_the_person_anew_and_bars_every_session_so_far() -> None:
    opened = issued(ANA)
    said = say(opened.profile, None, replace(NO, unlearn=True), GRANTED, NOW)
    assert said is not None
    assert said.request is not None
    assert (said.request.upto, said.request.key, said.request.taught) == (8, ANA.key, None)
    after = said.profile
    assert (after.unlearning, after.unlearned, after.facts) == (Unlearning.PENDING, 8, NO_FACTS)
    again = say(after, said.statement, YES, GRANTED, NOW + timedelta(minutes=1))
    assert again is not None
    assert again.profile.unlearning is Unlearning.PENDING
    assert closed(again.profile, opened.session)[0].why is Why.CONSENT  # it was issued before
    new = issued(again.profile)
    assert closed(new.profile, new.session)[0].why is None


def test_to_unlearn_twice_is_to_say_what_holds_until_another_session_was_issued() -> None:
    wish = replace(NO, unlearn=True)
    said = say(ANA, None, wish, GRANTED, NOW)
    assert said is not None
    assert say(said.profile, said.statement, wish, GRANTED, NOW) is None
    more = say(replace(said.profile, sessions=8), said.statement, wish, GRANTED, NOW)
    assert more is not None
    assert (more.request and more.request.upto) == 8


def test_the_earliest_session_that_waits_is_known_until_it_was_seen_to_wait_no_more() -> None:
    opened = issued(ANA)
    done, after = closed(opened.profile, opened.session)
    waits = queued(after, done)
    assert waits.queued_from == 8
    assert queued(waits, replace(done, number=9)).queued_from == 8
    gone = learned(done, replace(POLICY, version=1))
    later = replace(waits, sessions=10)
    assert caught_up(later, [replace(gone, number=10), replace(gone, number=9)]) == later  # the eighth is not seen
    assert caught_up(replace(later, sessions=9), [replace(done, number=9), gone]).queued_from == 9
    assert caught_up(replace(later, sessions=9), [replace(gone, number=9), gone]).queued_from == 0
    assert caught_up(later, [replace(gone, number=9), gone]).queued_from == 10
    assert caught_up(replace(later, sessions=9), [replace(gone, number=9), replace(done, parked="x")]).queued_from == 8


def test_what_a_person_had_who_wants_no_personal_plan_is_taken_for_the_usual() -> None:
    constants = dict(learner.fold_of(GRANTED).constants)
    session, _ = closed(*reversed(issued(ANA)[:2]))
    lesson = transition_of(session)
    table = Posterior.start(constants)
    for n in range(60):
        table.update(replace(lesson, facts=Facts((n, 0, 0, 0, 0, 0), latest=(lesson.action,) * 5)), n, constants)
    usual = table.usual_wear[lesson.action]
    assert usual == pytest.approx(worn((lesson.action,) * 5)[lesson.action])
    for facts, moves in ((Facts(earlier=(9,) * 6), False), (NO_FACTS, True)):
        again = Posterior.decode(table.encode())
        again.update(replace(lesson, facts=facts), 60, constants)
        assert (again.usual_wear[lesson.action] != usual) is moves
