"""Gives a segment of the local stack a longer past: versions that honest people taught, written to the table at once.

With a long past the fold of an exclusion takes so long that it is seen under way.
"""

from collections.abc import Iterator
from random import Random

from lab.world.people import mean_reward, usual_lift
from lab.world.tastes import APPETITES
from rl_core.config import Settings
from rl_core.models import ACTIONS, PERSON, STATES, Segment, State, Transition
from rl_core.store import Store
from rl_core.store.fields import Item
from rl_core.store.policies import SNAPSHOT_EVERY, policy_item, record_item, snapshot_item
from rl_core.work import next_version

PERSONS = 40
_PLAN = 6  # activities
_NOISE = 0.15
_TOGETHER = 25  # items of one request


def lengthen(store: Store, segment: Segment, settings: Settings, versions: int) -> None:
    """Publishes so many versions, each of which learned one session. Nobody else may write to the segment meanwhile."""
    policy, made = store.policy(segment), list[Item]()
    for lesson in _lessons(segment, versions):
        policy, record = next_version(policy, [lesson], settings)
        made.append(record_item(segment, record))
        if policy.version % SNAPSHOT_EVERY == 0:
            made.append(snapshot_item(policy))
    _put(store, [*made, policy_item(policy)])


def _lessons(segment: Segment, number: int) -> Iterator[Transition]:
    """Yields what people of the demo's tastes teach."""
    rng, appetites = Random(f"past/{segment}"), APPETITES[segment.value]
    persons = [rng.randbytes(PERSON) for _ in range(PERSONS)]
    for n in range(number):
        action, state = rng.choice(ACTIONS), State.from_row(rng.randrange(STATES))
        liked = appetites[action]
        reward = mean_reward(liked, usual_lift(liked), _PLAN, _PLAN) + rng.gauss(0, _NOISE)
        key = rng.choice(persons) + n.to_bytes(8, "big")
        yield Transition(key, state, action, min(max(reward, -1.0), 1.0), state, barred=(action,), results=())


def _put(store: Store, items: list[Item]) -> None:
    for n in range(0, len(items), _TOGETHER):
        requests = [{"PutRequest": {"Item": item}} for item in items[n : n + _TOGETHER]]
        store.client.batch_write_item(RequestItems={store.name: requests})
