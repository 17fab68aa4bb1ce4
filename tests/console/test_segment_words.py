"""What the screen Segment says is computed from values: beliefs, weights, versions in words."""

import math
from dataclasses import replace

import pytest

from operate.console.segment.beliefs import beliefs, favourite
from operate.console.segment.card import Card, worst_first
from operate.console.segment.lessons import Lesson, by_action, latest, person_of_text, teachers, weight
from operate.console.segment.past import is_plain, latest_act, told, version_of
from rl_core import learner
from rl_core.config import Settings
from rl_core.days import Colour
from rl_core.learner.posterior import Posterior
from rl_core.models import ACTIONS, Action, Fold, Policy, Segment, State, VersionRecord
from tests.console.filled import LIAR, folded, learned

SETTINGS = Settings(table_name="t")
FOLD = Fold("posterior/2", {})
STATE = State(1, 1)


def person(n: int) -> bytes:
    return n.to_bytes(8, "big")


def lesson(n: int, reward: float = 0.5, action: Action = Action.MAINTAIN, version: int = 1) -> Lesson:
    return Lesson(version, person(n), STATE, action, reward)


# Beliefs.


@pytest.mark.parametrize("exploration", ["posterior", "epsilon"])
def test_beliefs_are_the_learners_own_figures(exploration: str) -> None:
    settings = Settings(table_name="t", exploration=exploration)
    policy = folded(learned(60), settings)
    found = beliefs(policy, settings)
    assert found is not None
    assert [cell.value for cell in found.cells] == [q for row in learner.estimates(policy) for q in row]
    assert [cell.visits for cell in found.cells] == [n for row in learner.visits(policy) for n in row]
    for row in range(9):
        state = State.from_row(row)
        drawn = learner.probabilities(policy, state, ACTIONS, settings)
        assert tuple(cell.chance for cell in found.of(state)) == drawn.probabilities
        assert math.fsum(cell.apart for cell in found.of(state)) == pytest.approx(0)


def test_uncertainty_is_the_posteriors_and_that_of_persons_the_tables() -> None:
    policy = folded(learned(300), SETTINGS)
    found, table = beliefs(policy, SETTINGS), Posterior.decode(policy.table)
    assert found is not None
    assert found.people is not None
    assert found.of(STATE)[2].deviation == math.sqrt(table.spread(STATE, 1.0)[2])
    assert found.people.persons == math.sqrt(table.noise * table._correlation())
    assert found.people.wear == table.wear
    assert found.people.wear_deviation == math.sqrt(table.noise * table.wear_variance)


def test_the_favourite_is_what_was_met_most_often_would_be_given() -> None:
    policy = folded(learned(200, best=Action.JOURNALING), SETTINGS)
    found = favourite(policy, SETTINGS)
    assert found is not None
    assert found.action is Action.JOURNALING
    assert 0.5 < found.share <= 1


def test_of_a_policy_that_learned_nothing_nothing_is_believed() -> None:
    assert beliefs(Policy(Segment.LOW_LOW), SETTINGS) is None
    assert favourite(Policy(Segment.LOW_LOW), SETTINGS) is None


# Persons.


def test_shares_are_of_those_who_are_not_excluded_and_means_beside_all_others() -> None:
    found = teachers([lesson(1, 1.0), lesson(1, 0.0), lesson(2, 0.4), lesson(3, 0.0)], [person(3)])
    assert [(its.person, its.share) for its in found] == [(person(1), 2 / 3), (person(2), 1 / 3), (person(3), None)]
    assert found[0].mean == 0.5
    assert found[0].others == pytest.approx(0.2)
    assert teachers([lesson(1)])[0].others is None


@pytest.mark.parametrize(
    ("others", "mine", "colour"),
    [(4, 9, Colour.GREY), (5, 1, Colour.YELLOW), (9, 1, Colour.GREEN), (9, 2, Colour.YELLOW), (9, 4, Colour.RED)],
)
def test_the_weight_has_the_colour_of_its_light(others: int, mine: int, colour: Colour) -> None:
    found = teachers([lesson(0)] * mine + [lesson(n + 1) for n in range(others)])
    assert weight(found) == (colour, found[0])
    assert found[0].person == person(0)


def test_nobody_has_no_weight() -> None:
    assert weight(()) == (Colour.GREY, None)
    assert weight(teachers([lesson(1)], [person(1)])) == (Colour.GREY, None)


def test_a_persons_rewards_are_set_beside_the_others_by_action() -> None:
    its = [lesson(1, -1.0), lesson(1, -0.5), lesson(2, 0.5), lesson(1, 1.0, Action.LIGHTEN), lesson(2, 0, Action(9))]
    assert by_action(its, person(1)) == ((Action.MAINTAIN, 2, -0.75, 1, 0.5), (Action.LIGHTEN, 1, 1.0, 0, None))
    assert by_action(its, person(2))[-1].action.title == "Plan of a Newer Version"


def test_the_latest_lessons_are_newest_first_and_no_more_than_asked_for() -> None:
    its = learned(5)
    records = [VersionRecord(2, FOLD, its[2:]), VersionRecord(1, FOLD, its[:2])]
    assert [lesson.version for lesson in latest(records, 4)] == [2, 2, 2, 1]
    assert latest(records, 4)[0].reward == its[4].reward


@pytest.mark.parametrize(
    ("text", "found"), [(LIAR.hex(), LIAR), (f" {LIAR.hex()} ", LIAR), ("aabb", None), ("x" * 16, None), ("", None)]
)
def test_a_person_is_sixteen_hexadecimal_digits(text: str, found: bytes | None) -> None:
    assert person_of_text(text) == found


# Versions.


@pytest.mark.parametrize(
    ("its", "said"),
    [
        ({}, "learned 0 sessions"),
        ({"restored": 3, "reason": "wrong"}, "rolled back to version 3: wrong"),
        ({"restored": 3, "reason": ""}, "rolled back to version 3"),
        ({"rewritten": 2, "reason": "erasure"}, "what an erased person, or one who asked to be unlearned, had taught"),
        ({"reason": "mended"}, "the policy was rebuilt from the records of its versions"),
        ({"reason": "a newer word"}, "a newer word"),
        ({"adopted": "epsilon/1"}, "learned 0 sessions; posterior/2 adopted the table of epsilon/1"),
    ],
)
def test_a_version_says_in_words_what_made_it(its: dict[str, object], said: str) -> None:
    assert told(VersionRecord(4, FOLD, **its)).startswith(said)  # type: ignore[arg-type]


def test_the_latest_act_is_the_newest_version_that_did_more_than_learn() -> None:
    plain, first, second = (
        VersionRecord(9, FOLD),
        VersionRecord(4, FOLD, reason="mended"),
        VersionRecord(7, FOLD, restored=2),
    )
    assert latest_act([plain, second, first]) is second
    assert latest_act([plain]) is None
    assert [is_plain(its) for its in (plain, first, replace(plain, excluded=()))] == [True, False, False]


def test_a_version_counts_its_sessions_and_persons() -> None:
    its = learned(6)
    row = version_of(VersionRecord(4, FOLD, its))
    assert (row.sessions, row.persons, row.what) == (6, 6, "learned 6 sessions")
    assert row.mean == pytest.approx(sum(t.reward for t in its) / 6)


# Cards.


def test_red_comes_before_yellow() -> None:
    def card(segment: Segment, colour: Colour) -> Card:
        return Card(segment, colour, 1, None, None, ())

    its = (
        card(Segment.LOW_LOW, Colour.YELLOW),
        card(Segment.LOW_HIGH, Colour.GREY),
        card(Segment.HIGH_LOW, Colour.RED),
    )
    assert [card.segment for card in worst_first(its)] == [Segment.HIGH_LOW, Segment.LOW_LOW]
