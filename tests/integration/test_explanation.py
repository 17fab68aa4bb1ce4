"""Why this plan, over HTTP: what an app hears of its user's own sessions, in which language, and what it costs."""

from collections.abc import Callable

import pytest

from local.stack import Stack
from local.units import Units, client_of_functions
from rl_core.config import settings
from rl_core.models import Segment
from rl_core.store import Store
from rl_core.work import explain
from tests.integration.conftest import SEGMENT, Phone, done, ok, problem

FIELDS = {
    "session_id", "state", "rl_action", "rl_action_id", "actions", "drawn", "exact", "because", "learning", "why",
    "policy_version", "total_episodes", "sentence", "language",
}  # fmt: skip


def test_a_plan_is_explained_while_it_is_open_and_when_it_was_learned_from(ana: Phone) -> None:
    plan = ana.plan()
    opened = ok(ana.explanation(plan["session_id"]))
    assert opened.keys() == FIELDS
    assert (opened["rl_action_id"], opened["rl_action"]) == (plan["rl_action_id"], plan["rl_action"])
    assert round(sum(its["probability"] for its in opened["actions"]), 2) == 1
    assert (opened["exact"], opened["learning"], opened["why"]) == (True, None, None)
    learned = ok(ana.batch(done(plan)))["training_metrics"]
    closed = ok(ana.explanation(plan["session_id"]))
    assert closed == opened | {
        "learning": learned["learning"],
        "policy_version": learned["policy_version"],
        "total_episodes": learned["total_episodes"],
    }


def test_the_estimates_are_those_that_an_operator_sees(ana: Phone, table: Store) -> None:
    for _ in range(3):
        ok(ana.batch(done(ana.plan())))
    number = ana.plan()["session_id"]
    told = ok(ana.explanation(number))
    session = table.session(ana.user, number)
    assert session is not None
    assert told["exact"]
    full = explain(table, session, settings())
    eligible = session.decision.eligible
    assert [its["estimate"] for its in told["actions"]] == [round(full.estimates[a], 4) + 0.0 for a in eligible]
    assert [its["visits"] for its in told["actions"]] == [full.visits[a] for a in eligible]


def test_the_language_is_told_in_body_and_header(ana: Phone) -> None:
    number = ana.plan()["session_id"]
    for wanted in (None, "en-GB,en;q=0.9", "tlh, *;q=0.5", "de;q=0", ";;;", "en;q=2"):
        answer = ana.explanation(number, wanted)
        assert (answer.headers["content-language"], ok(answer)["language"]) == ("en", "en")


def test_nobody_is_told_of_somebody_elses_sessions(ana: Phone, stranger: Callable[[], Phone]) -> None:
    number = ana.plan()["session_id"]
    nobody = stranger()
    assert problem(nobody.explanation(number), 409) == "profile-required"
    ok(nobody.put_profile(segment=SEGMENT))
    assert problem(nobody.explanation(number), 404) == "session-not-found"
    assert nobody.delete_profile().status == 204
    assert problem(nobody.explanation(number), 409) == "erasing"


@pytest.mark.parametrize(
    ("path", "status"),
    [("0", 404), ("-1", 404), ("007", 404), ("9" * 30, 404), ("1.5", 422), ("a", 422), ("%2e", 422)],
)
def test_a_number_that_is_none_of_the_users_is_refused(ana: Phone, path: str, status: int) -> None:
    ana.plan()
    refused = problem(ana.ask("GET", f"/explanation/{path}/"), status)
    assert refused == {404: "session-not-found", 422: "invalid-request"}[status]


def test_it_answers_without_its_slash(ana: Phone) -> None:
    number = ana.plan()["session_id"]
    assert ok(ana.ask("GET", f"/explanation/{number}")) == ok(ana.explanation(number))


def test_it_reads_few_units_however_long_a_segments_past_is(ana: Phone, table: Store, stack: Stack) -> None:
    for _ in range(30):
        ok(ana.batch(done(ana.plan())))
    number = ana.plan()["session_id"]
    ok(ana.explanation(number))  # from a function's first call on, units are billed by DynamoDB's rule
    assert table.policy(Segment(SEGMENT)).version >= 2
    units = Units(client_of_functions())
    assert ok(ana.explanation(number))["exact"]
    assert units.take()[0] <= 20
