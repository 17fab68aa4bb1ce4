"""Transitions that tests make up, and what a learner makes of them."""

from dataclasses import replace
from random import Random
from typing import TypeVar

from rl_core import learner
from rl_core.config import LearnerSettings
from rl_core.learner import fold_of
from rl_core.models import ACTIONS, NO_FACTS, STATES, Action, Facts, Fold, Policy, Segment, State, Transition

EMPTY = Policy(Segment.LOW_LOW)
AVERAGES = LearnerSettings(exploration="epsilon")
FILTER = LearnerSettings(exploration="posterior")
FORMER = Fold("posterior/1", {"pooling_visits": 30, "discount": 0.45, "value_window": 200, "drift": 2e-5})
WEAR = (1.0, 0.7, 0.5, 0.35, 0.25)  # what each of the latest sessions counts, the last one first
Table = TypeVar("Table", bound=learner.QTable)


def transition(
    state: int = 0,
    action: int = 0,
    reward: float = 0.5,
    after: int = 0,
    barred: tuple[int, ...] = (),
    facts: Facts | None = None,
) -> Transition:
    return Transition(
        key=bytes(16),
        state=State.from_row(state),
        action=Action(action),
        reward=reward,
        next_state=State.from_row(after),
        barred=tuple(Action(b) for b in barred),
        results=(),
        facts=facts,
    )


def random_transitions(seed: int, count: int, states: int = STATES) -> list[Transition]:
    """Transitions of persons of whom nothing is known."""
    rng = Random(seed)
    return [
        transition(
            rng.randrange(states),
            rng.randrange(6),
            rng.uniform(-0.4, 0.9),
            rng.randrange(states),
            tuple(rng.sample(range(6), rng.randrange(6))),
        )
        for _ in range(count)
    ]


def how_of(constants: LearnerSettings | Fold) -> Fold:
    return constants if isinstance(constants, Fold) else fold_of(constants)


def taught(kind: type[Table], transitions: list[Transition], constants: LearnerSettings | Fold) -> Table:
    """The learner's own table after these."""
    how = how_of(constants)
    table = kind.start(how.constants)
    for episodes, t in enumerate(transitions):
        table.update(t, episodes, how.constants)
    return table


def fold(policy: Policy, transitions: list[Transition], constants: LearnerSettings | Fold) -> Policy:
    return learner.fold(policy, transitions, how_of(constants))


def lived(seed: int, count: int, people: int = 30, correlation: float = 0.0, wear: float = 0.0) -> list[Transition]:
    """Transitions of so many people, drawn evenly, with what was known of each before each session.

    A person's effects have the variance `correlation` times the noise's, which is 0.03; an action that was all of the
    latest five gives less by `wear`.
    """
    rng, known = Random(seed), [NO_FACTS] * people
    effects = [[rng.gauss(0, (0.03 * correlation) ** 0.5) for _ in ACTIONS] for _ in known]
    seen = []
    for _ in range(count):
        who, action = rng.randrange(people), Action(rng.randrange(6))
        facts = known[who]
        worn = sum(w for w, a in zip(WEAR, reversed(facts.latest), strict=False) if a is action) / sum(WEAR)
        mean = 0.3 + 0.05 * action + effects[who][action] - wear * worn
        state, after = rng.randrange(STATES), rng.randrange(STATES)
        reward = round(rng.gauss(mean, 0.03**0.5), 6)  # so that no last bit of gauss stays
        seen.append(transition(state, action, reward, after, (int(action),), facts))
        known[who] = facts.learned(action, reward).had(action)
    return seen


def mixed(seed: int, count: int) -> list[Transition]:
    """As `lived`, but some sessions tell no facts, and some people had others elsewhere."""
    rng = Random(seed)
    return [
        replace(
            t,
            facts=rng.choice([t.facts, t.facts, t.facts and t.facts.moved(), None]),
            barred=t.barred[: rng.randrange(2)],
        )
        for t in lived(seed, count, correlation=0.5, wear=0.2)
    ]
