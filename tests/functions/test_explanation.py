"""GET /explanation/: what a plan was drawn from, recomputed within the reads of a request, or why it cannot be."""

import sys
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from local.functions import Functions
from local.phone import Answer, Phone, ids, to_functions
from local.units import Units, bill
from rl_core.config import settings
from rl_core.models import ACTIONS, Facts, Policy, Result, Session, State, Transition
from rl_core.sessions import languages, with_answers
from rl_core.store import FrugalStore, ReadBudget, Store, open_store, publish_writes
from rl_core.store.items import session_item
from rl_core.store.policies import policy_item, record_item
from rl_core.work import Because, explain, next_version, recompute, unlearn
from tests.conftest import TEMPLATE, table_client
from tests.core.test_explaining import german  # noqa: F401 - a fixture
from tests.functions.conftest import NOW, SEGMENT, World, turn
from tests.functions.invoked import FUNCTIONS
from tests.functions.test_learning_job import always, learn, spoil, spoil_policy
from tests.lives import LARGEST

LIMIT = 20
Setting = Callable[[str, str], None]


@pytest.fixture
def store(store_apart: Store) -> Store:
    """A table whose client counts the units for these tests alone."""
    return store_apart


def phone(user: str = "ana", at: Any = NOW) -> Phone[Answer]:
    return Phone(to_functions(FUNCTIONS.invoke, user, at))


def live(world: World, count: int, first: int = 0) -> Policy:
    """So many versions, each learned from one new user's session; the policy after the last."""
    for n in range(first, first + count):
        world.due(f"u{n}")
        learn.run(world.store, NOW, always)
    return world.store.policy(SEGMENT)


def why(user: str = "ana", number: int = 1, **asked: Any) -> Any:
    """The explanation of a user's session; it never takes more read units than a request may."""
    phone(user).get_profile()
    phone(user).explanation(number)  # from a function's first call on, units are billed by DynamoDB's rule
    units = Units(open_store().client)
    answer = phone(user).explanation(number, **asked)
    assert units.take()[0] <= LIMIT
    assert answer.status == 200, answer.text
    return answer.body


def told(body: Mapping[str, Any]) -> list[tuple[Any, Any]]:
    """Estimates and visits of an explanation."""
    return [(its["estimate"], its["visits"]) for its in body["actions"]]


def assert_untold(body: Mapping[str, Any], session: Session, because: str) -> None:
    """Probabilities are told, estimates are not, and why."""
    assert (body["exact"], body["because"]) == (False, because)
    assert [its["probability"] for its in body["actions"]] == [round(p, 4) for p in session.decision.chances]
    assert told(body) == [(None, None)] * len(session.decision.eligible)


def test_it_tells_what_the_draw_knew(world: World) -> None:
    live(world, 5)
    session = world.issue("ana")
    live(world, 2, first=5)
    body, full = why(), explain(world.store, session, settings())
    assert (body["exact"], body["because"], body["session_id"]) == (True, None, 1)
    assert body["state"] == {"engagement": "low", "motivation": "steady"}
    assert [its["rl_action_id"] for its in body["actions"]] == [int(a) for a in session.decision.eligible]
    assert [its["probability"] for its in body["actions"]] == [round(p, 4) for p in session.decision.chances]
    assert told(body) == [(round(full.estimates[a], 4), full.visits[a]) for a in session.decision.eligible]
    assert sum(its["visits"] for its in body["actions"]) > 0
    assert (body["rl_action_id"], body["rl_action"]) == (session.decision.action, session.decision.action.title)
    assert body["drawn"] == ("try" if session.decision.explored else "best")
    assert ("a try" in body["sentence"]) == session.decision.explored


def test_what_became_of_it_is_told_once_it_is_over(world: World) -> None:
    ana = phone()
    ana.put_profile(segment=SEGMENT.value)
    plan = ana.recommend().body
    fields = ("learning", "why", "policy_version", "total_episodes")
    assert [why()[name] for name in fields] == [None] * 4
    ana.batch([{"activity_id": its, "completed": True} for its in ids(plan)])
    assert [why()[name] for name in fields] == ["applied", None, 1, 1]


def test_what_is_not_learned_from_says_why(world: World) -> None:
    ana = phone()
    ana.put_profile(segment=SEGMENT.value)
    plan = ana.recommend().body
    ana.put_consent(learn=False, text_version="1")
    ana.batch([{"activity_id": its, "completed": True} for its in ids(plan)])
    body = why()
    assert (body["learning"], body["why"], body["policy_version"]) == ("none", "consent", None)


def test_what_waits_is_queued_and_what_nobody_saw_has_no_reason(world: World) -> None:
    world.due("ana")
    assert (why()["learning"], why()["why"]) == ("queued", None)
    world.issue("ben", shown=False)
    assert learn.run(world.store, NOW + timedelta(days=3), always)["closed"] == 1
    assert (why("ben")["learning"], why("ben")["why"]) == ("none", None)


def test_of_a_new_segment_nothing_was_known(world: World) -> None:
    session = world.issue("ana")
    body = why()
    assert (body["drawn"], body["exact"]) == ("even", True)
    assert told(body) == [(0.0, 0)] * len(session.decision.eligible)
    assert body["sentence"].startswith("Nothing was known yet")


def test_a_setting_that_makes_it_even_says_no_more_than_that(world: World, setting: Setting) -> None:
    for name, value in {"EXPLORATION": "epsilon", "EPSILON_START": "1", "EPSILON_MIN": "1"}.items():
        setting(name, value)
    live(world, 3)
    world.issue("ana")
    body = why()
    assert (body["drawn"], body["exact"]) == ("even", True)
    assert len({its["estimate"] for its in body["actions"]}) > 1
    assert body["sentence"].startswith("Chance picked")


def test_a_fallback_reads_nothing_of_a_policy(world: World) -> None:
    spoil_policy()
    phone().put_profile(segment=SEGMENT.value)
    phone().recommend()
    assert world.session("ana").decision.fallback
    body = why()
    assert (body["drawn"], body["exact"], body["because"]) == ("fallback", True, None)
    assert told(body) == [(None, None)] * 6
    assert {its["probability"] for its in body["actions"]} == {round(1 / 6, 4)}
    units = Units(open_store().client)
    phone().explanation(1)
    assert units.take()[0] == 2


def test_a_plan_that_is_not_to_be_personal_is_even_and_reads_no_policy(world: World) -> None:
    live(world, 2)
    phone().put_profile(segment=SEGMENT.value)
    phone().put_consent(personalise=False, text_version="1")
    phone().recommend()
    body = why()
    assert (body["drawn"], body["exact"], told(body)) == ("even", True, [(None, None)] * 6)
    assert body["sentence"].startswith("You had not agreed")


def test_under_other_settings_no_estimate_is_told(world: World, setting: Setting) -> None:
    live(world, 3)
    session = world.issue("ana")
    setting("MIN_PROBABILITY", "0.16")
    assert_untold(why(), session, "settings")


def test_a_version_that_was_folded_anew_is_called_rewritten(world: World) -> None:
    live(world, 4)
    session = world.issue("ana")
    gone = world.session("u1")
    assert unlearn(world.store, SEGMENT, {gone.person: (2, 2)}, settings(), turn(NOW))
    assert_untold(why(), session, "rewritten")
    later = world.issue("ben")
    assert later.decision.policy_version > 4
    assert why("ben")["exact"]


def test_a_version_whose_record_is_gone_is_called_rewritten(world: World) -> None:
    live(world, 4)
    session = world.issue("ana")
    table_client().delete_item(
        TableName=TEMPLATE.table.name, Key={"pk": {"S": "SEGMENT#HIGH_LOW"}, "sk": {"S": "VERSION#0000000003"}}
    )
    assert_untold(why(), session, "rewritten")


def test_a_session_of_an_earlier_form_is_exact_if_it_comes_out_the_same(world: World, setting: Setting) -> None:
    live(world, 3)
    session = world.issue("ana")
    earlier = replace(session, decision=replace(session.decision, settings=b""))
    world.store.call("put_item", Item=session_item(earlier, 1))
    assert why()["exact"]
    setting("EXPLORATION", "epsilon")
    assert_untold(why(), session, "too-old")


def test_what_this_code_cannot_fold_or_read_is_too_old(world: World) -> None:
    live(world, 3)
    session = world.issue("ana")
    for damage in ({"fold": {"M": {"learner": {"S": "posterior/99"}}}}, {"fold": {"S": "rubbish"}}):
        spoil("SEGMENT#HIGH_LOW", "VERSION#0000000002", **damage)
        assert_untold(why(), session, "too-old")


def test_a_kind_of_plan_of_a_newer_release_is_told_by_its_place(world: World) -> None:
    live(world, 3)
    world.issue("ana")
    spoil("USER#ana", "SESSION#00000001", eligible={"S": "012347"}, action={"N": "7"})
    body = why()
    assert (body["because"], body["rl_action"]) == ("too-old", "Plan of a Newer Version")
    assert [its["rl_action_id"] for its in body["actions"]] == [0, 1, 2, 3, 4, 7]


@pytest.mark.parametrize("whole", [True, False])
def test_a_policy_that_cannot_be_read_does_no_harm(world: World, whole: bool) -> None:
    live(world, 4)
    world.issue("ana")
    if whole:
        spoil_policy()
    else:
        key = {"pk": {"S": "SEGMENT#HIGH_LOW"}, "sk": {"S": "POLICY"}}
        table_client().delete_item(TableName=TEMPLATE.table.name, Key=key)
    assert why()["exact"]


def test_what_is_recomputed_is_drawn_again_too(world: World) -> None:
    live(world, 3)
    session = world.issue("ana")
    found = recompute(FrugalStore(world.store, ReadBudget(LIMIT)), session, settings())
    assert found.agrees(session.decision)
    assert not found.agrees(replace(session.decision, epsilon=0.123))
    fallback = replace(session, decision=replace(session.decision, fallback=True))
    assert not recompute(FrugalStore(world.store, ReadBudget(LIMIT)), fallback, settings()).agrees(fallback.decision)


# The reads.

FACTS = Facts((900,) * 6, (-500_000_000,) * 6, (300,) * 6, ACTIONS[:5])


def a_past(world: World, versions: int, each: int, counted: bool) -> Session:
    """A segment's past of so many versions, each of so many sessions, and a session drawn from the last.

    Without `counted`, as a release wrote it that does not count, every hundredth version kept whole.
    """
    policy = world.store.policy(SEGMENT)
    results = tuple(Result(n, True, 2) for n in range(6))
    for version in range(1, versions + 1):
        taught = [
            Transition(
                key=bytes([version % 256, n]) * 8,
                state=State.from_row((version + n) % 9),
                action=ACTIONS[(version * 5 + n) % 6],
                reward=((version * 7 + n * 3) % 10) / 10.1,
                next_state=State.from_row((version * 2 + n) % 9),
                barred=(ACTIONS[n % 6],),
                results=results,
                facts=FACTS,
            )
            for n in range(each)
        ]
        policy, record = next_version(policy, taught, settings())
        if counted:
            world.store.write(*publish_writes(policy, record))
            policy = world.store.policy(SEGMENT)
        else:
            world.store.call("put_item", Item=record_item(SEGMENT, record))
            item = policy_item(policy) | {"form": {"N": "2"}}
            world.store.call("put_item", Item=item)
    return world.issue("ana")


@pytest.mark.parametrize(("versions", "each"), [(99, 1), (3, 90), (4, 60), (7, 30)])
def test_every_version_is_explained_that_counted_its_records(world: World, versions: int, each: int) -> None:
    a_past(world, versions, each, counted=True)
    assert why()["exact"]


def test_what_an_earlier_release_wrote_is_explained_as_far_as_the_units_go(world: World) -> None:
    session = a_past(world, 60, 1, counted=False)
    assert why()["exact"]
    later = a_past(world, 30, 90, counted=False)
    assert later.number == 2
    assert_untold(why(number=2), later, "too-much")
    assert session.number == 1


def test_with_the_largest_session_there_is_the_units_are_kept_to(world: World) -> None:
    session = a_past(world, 99, 1, counted=True)
    notes = {n: {"completed": True, "notes": LARGEST} for n in range(1, len(session.activities) + 1)}
    world.store.call("put_item", Item=session_item(with_answers(session, notes, NOW), 1))  # type: ignore[arg-type]
    assert_untold(why(), session, "too-much")


class Late:
    """A client whose first queries of records that may be a moment old do not see the last version yet."""

    def __init__(self, client: Any, version: int) -> None:
        self.client, self.last = client, f"VERSION#{version:010d}"
        self.asked = Counter[bool]()

    def __getattr__(self, operation: str) -> Any:
        return getattr(self.client, operation)

    def query(self, **arguments: Any) -> Any:
        answer = self.client.query(**arguments)
        if not arguments["ConsistentRead"]:
            answer["Items"] = [item for item in answer["Items"] if item["sk"]["S"] != self.last]
        self.asked[arguments["ConsistentRead"]] += 1
        return answer


def test_a_version_that_was_written_a_moment_ago_is_looked_for_once_more(world: World) -> None:
    live(world, 4)
    session = world.issue("ana")
    late: Any = Late(world.store.client, 4)
    found = recompute(FrugalStore(Store(world.store.name, late), ReadBudget(20)), session, settings())
    assert found.because is None
    assert late.asked[True] == 1
    middle: Any = Late(world.store.client, 3)
    found = recompute(FrugalStore(Store(world.store.name, middle), ReadBudget(20)), session, settings())
    assert found.because is Because.REWRITTEN  # no replica has a version without the one before
    assert middle.asked[True] == 0


@pytest.mark.parametrize("counted", [True, False])
def test_no_budget_is_overdrawn(world: World, counted: bool) -> None:
    bill(world.store.client)
    session = a_past(world, 11, 90, counted)
    found = set()
    for units in range(LIMIT + 1):
        budget = ReadBudget(float(units))
        found.add(recompute(FrugalStore(world.store, budget), session, settings()).because)
        assert budget.left >= 0
    assert found == ({None, Because.TOO_MUCH} if counted else {Because.TOO_MUCH})


# Who may ask what.


def refused(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.body["type"]


def test_a_session_is_named_by_its_own_users_canonical_number(world: World) -> None:
    world.issue("ana")
    world.issue("ben")
    for number in ("2", "0", "-1", "01", "-0", "99999999999999999999"):
        assert refused(phone().ask("GET", f"/explanation/{number}/")) == (404, "session-not-found")
    for number in ("1.0", "one", "+1", "1e0", "%20", "9" * 41):
        assert refused(phone().ask("GET", f"/explanation/{number}/")) == (422, "invalid-request")
    assert phone().ask("GET", "/explanation/1").body == phone().explanation(1).body


def test_before_a_profile_and_while_erasing_there_is_nothing_to_explain(world: World) -> None:
    assert refused(phone().explanation(1)) == (409, "profile-required")
    world.issue("ana")
    phone().delete_profile()
    assert refused(phone().explanation(1)) == (409, "erasing")


def test_the_sentence_is_in_the_language_that_was_asked_for(
    world: World,
    german: Path,  # noqa: F811 - the fixture
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world.issue("ana")
    ana = Phone(to_functions(Functions(TEMPLATE, fresh=False).invoke, "ana", NOW))
    answer = ana.explanation(1, "de-AT, en;q=0.1")
    assert (answer.headers["content-language"], answer.body["language"]) == ("en", "en")
    monkeypatch.setattr(sys.modules["explanation_handler"], "languages", lambda: languages(german))
    answer = ana.explanation(1, "de-AT, en;q=0.1")
    assert (answer.headers["content-language"], answer.body["language"]) == ("de", "de")
    assert answer.body["sentence"] == "Beteiligung gering, Lust gleich."
    assert ana.explanation(1, "fr").body["language"] == "en"
