"""Consent, over HTTP: what an app says and hears, what stays undone, what is taken back."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from local.phone import ids
from local.stack import Stack
from rl_core.models import Segment
from rl_core.sessions import GRANTS_PER_DAY
from rl_core.store import Store
from tests.integration.conftest import SEGMENT, Phone, at_now, at_once, done, learn_all, ok, problem

NEVER = {"granted": True, "since": None, "text_version": None}
Later = Callable[..., None]


def test_who_never_said_anything_follows_the_default(ana: Phone) -> None:
    assert ok(ana.get_consent()) == {"personalise": NEVER, "learn": NEVER, "unlearning": "none", "history": []}


def test_a_withdrawal_is_shown_and_what_closes_later_is_not_learned_from(ana: Phone) -> None:
    plan = ana.plan()
    said = ok(ana.put_consent(learn=False, text_version="2026-11"))
    assert said == ok(ana.get_consent())
    assert said["personalise"] == NEVER
    assert (said["learn"]["granted"], said["learn"]["text_version"]) == (False, "2026-11")
    assert at_now(ana.stack, said["learn"]["since"])
    (entry,) = said["history"]
    assert (entry["learn"], entry["personalise"], entry["unlearn"]) == (False, None, False)
    assert ok(ana.put_consent(learn=False, text_version="2026-12")) == said  # saying the same again writes nothing
    figures = ok(ana.batch(done(plan)))["training_metrics"]
    assert (figures["learning"], figures["why"]) == ("none", "consent")
    assert ok(ana.batch(done(plan)))["training_metrics"]["why"] == "consent"
    assert ana.latest()["status"] == "closed"


def test_without_personal_plans_the_plan_is_drawn_at_random_and_still_teaches(ana: Phone) -> None:
    ok(ana.put_consent(personalise=False, text_version="1"))
    plan = ana.plan()
    assert plan["reason"] == "A plan drawn at random: you do not want personal plans."
    assert ok(ana.batch(done(plan)))["training_metrics"]["learning"] == "applied"
    ok(ana.put_consent(personalise=True, text_version="1"))
    assert "at random" not in ana.plan()["reason"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"learn": False},
        {"text_version": "1"},
        {"learn": None, "text_version": "1"},
        {"learn": "no", "text_version": "1"},
        {"learn": 0, "text_version": "1"},
        {"learn": False, "text_version": ""},
        {"learn": False, "text_version": "x" * 65},
        {"learn": False, "text_version": 1},
        {"learn": False, "text_version": "1", "sell": True},
        {"learn": False, "text_version": "1", "unlearn": "yes"},
        {"learn": True, "unlearn": True, "text_version": "1"},
        {"unlearn": True, "text_version": "1"},
        {"personalise": False, "unlearn": True, "text_version": "1"},
        [],
        "no",
    ],
)
def test_what_does_not_fit_changes_nothing(ana: Phone, body: Any) -> None:
    before = ok(ana.get_consent())
    assert problem(ana.ask("PUT", "/consent/", body), 422) == "invalid-request"
    assert ok(ana.get_consent()) == before


def test_a_body_of_another_kind_is_refused(ana: Phone) -> None:
    said = json.dumps({"learn": False, "text_version": "1"}).encode()
    assert problem(ana.ask("PUT", "/consent/", said, {"content-type": "text/plain"}), 415) == "unsupported-media-type"
    assert ok(ana.get_consent())["history"] == []


def test_before_a_profile_and_while_erasing_there_is_no_consent(stranger: Callable[[], Phone]) -> None:
    nobody = stranger()
    assert problem(nobody.get_consent(), 409) == "profile-required"
    assert problem(nobody.put_consent(learn=False, text_version="1"), 409) == "profile-required"
    ok(nobody.put_profile(segment=SEGMENT))
    assert nobody.delete_profile().status == 204
    assert problem(nobody.get_consent(), 409) == "erasing"
    assert problem(nobody.put_consent(learn=False, text_version="1"), 409) == "erasing"


def test_another_users_consent_is_not_touched(ana: Phone, newcomer: Callable[..., Phone]) -> None:
    bob = newcomer()
    ok(bob.put_consent(learn=False, personalise=False, text_version="1"))
    assert ok(ana.get_consent())["history"] == []


@pytest.mark.local_only("a deployed stack's clock goes on to another day")
def test_grants_are_bounded_and_a_withdrawal_goes_through(ana: Phone) -> None:
    for _ in range(GRANTS_PER_DAY):
        ok(ana.put_consent(learn=False, text_version="1"))
        ok(ana.put_consent(learn=True, text_version="1"))
    ok(ana.put_consent(learn=False, text_version="1"))
    refused = ana.put_consent(learn=True, text_version="1")
    assert problem(refused, 429) == "too-many-grants"
    assert 0 < int(refused.headers["retry-after"]) <= 24 * 3600
    assert ok(ana.put_consent(personalise=False, text_version="1"))["personalise"]["granted"] is False
    assert len(ok(ana.get_consent())["history"]) == 2 * GRANTS_PER_DAY + 2


def test_statements_that_race_are_made_one_after_the_other(ana: Phone) -> None:
    answers = at_once(8, lambda: ana.put_consent(learn=False, text_version="1"))
    assert [answer.status for answer in answers] == [200] * 8
    assert len(ok(ana.get_consent())["history"]) == 1


def test_what_waits_is_dropped_and_never_learned(stack: Stack, ana: Phone, pause: Later, table: Store) -> None:
    plan = ana.plan()
    pause(hours=49)
    other = ana.plan()  # the first one closes in the same transaction, and waits for the learner
    assert ids(other) != ids(plan)
    ok(ana.put_consent(learn=False, text_version="1"))
    learn_all(stack)
    session = table.session(ana.user, 1)
    assert session is not None
    assert (session.status, session.why) == ("closed", "consent")
    assert session.key not in {t.key for record in table.records(Segment.HIGH_LOW) for t in record.transitions}


def test_what_was_learned_is_taken_back_and_a_later_yes_touches_later_sessions_only(
    stack: Stack, ana: Phone, later: Later, table: Store
) -> None:
    first = ana.plan()
    assert ok(ana.batch(done(first)))["training_metrics"]["learning"] == "applied"
    opened = ana.plan()
    said = ok(ana.put_consent(learn=False, unlearn=True, text_version="1"))
    assert said["unlearning"] == "pending"
    assert said["history"][0]["unlearn"] is True
    ok(ana.put_consent(learn=True, text_version="1"))
    assert ok(ana.batch(done(opened)))["training_metrics"]["why"] == "consent"  # it was issued before
    assert ok(ana.batch(done(ana.plan())))["training_metrics"]["learning"] == "applied"
    while stack.run_schedule("Erasure")["done"]:
        later(minutes=1)
    assert ok(ana.get_consent())["unlearning"] == "done"
    assert [session["status"] for session in ana.sessions()] == ["learned", "closed", "closed"]
    assert ok(ana.batch(done(first)))["training_metrics"]["learning"] == "none"
    keys = [t.key for record in table.records(Segment.HIGH_LOW) for t in record.transitions]
    sessions = [table.session(ana.user, number) for number in (1, 2, 3)]
    assert [session is not None and session.key in keys for session in sessions] == [False, False, True]


def ends_by_a_batch(ana: Phone, plan: dict[str, Any]) -> None:
    ok(ana.batch(done(plan)))


def ends_by_completions(ana: Phone, plan: dict[str, Any]) -> None:
    for activity in ids(plan):
        ok(ana.complete(activity))


def queued_from(table: Store, user: str) -> int:
    profile = table.profile(user)
    assert profile is not None
    return profile.queued_from


@pytest.mark.parametrize("ends", [ends_by_a_batch, ends_by_completions])
def test_a_closing_sees_that_nothing_waits_any_more(
    stack: Stack, ana: Phone, pause: Later, table: Store, ends: Callable[[Phone, dict[str, Any]], None]
) -> None:
    ana.plan()
    pause(hours=49)
    plan = ana.plan()
    assert queued_from(table, ana.user) == 1
    assert learn_all(stack)
    ends(ana, plan)
    assert queued_from(table, ana.user) == 0


def test_an_issue_sees_that_the_session_before_waits_and_no_earlier_one(
    stack: Stack, ana: Phone, pause: Later, table: Store
) -> None:
    ana.plan()
    pause(hours=49)
    ana.plan()
    assert learn_all(stack)
    pause(hours=49)
    ana.plan()
    assert queued_from(table, ana.user) == 2
