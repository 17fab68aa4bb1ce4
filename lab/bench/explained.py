"""What an explanation reads where it reads most: of a plan drawn just before the segment's policy is kept whole."""

from random import Random

from rl_core.config import Settings
from rl_core.models import ACTIONS, STATES, Facts, Result, Segment, State, Transition
from rl_core.store import Put, Store, publish_writes
from rl_core.work import next_version

# By how many sessions a version of the segment learns from.
SEGMENTS = {
    "explanation, 1 learned at a time": (Segment.LOW_LOW, 1),
    "explanation, 90 at a time": (Segment.LOW_HIGH, 90),
}
_A_MONTH = 30  # sessions that each person has had
_ENTRIES = range(60)  # of the catalogue that a segment's sessions come from


def learn_until_due(table_name: str, segment: Segment, each: int) -> list[Put]:
    """Publishes versions, each learned from so many sessions of people of a month, until a snapshot is due.

    Returns the writes of the version that would bring the snapshot.
    """
    store, how, rng = Store(table_name), Settings(table_name=table_name), Random(11)
    while True:
        after, record = next_version(store.policy(segment), [_transition(rng) for _ in range(each)], how)
        writes = publish_writes(after, record)
        if any(put.name == "snapshot" for put in writes):
            return writes
        store.write(*writes)


def _transition(rng: Random) -> Transition:
    counts = [0] * len(ACTIONS)
    for action in rng.choices(ACTIONS, k=_A_MONTH):
        counts[action] += 1
    sums = tuple(round(n * rng.uniform(-100_000, 900_000)) for n in counts)
    action = rng.choice(ACTIONS)
    return Transition(
        key=rng.randbytes(16),
        state=State.from_row(rng.randrange(STATES)),
        action=action,
        reward=rng.uniform(-0.4, 0.9),
        next_state=State.from_row(rng.randrange(STATES)),
        barred=(action,),
        results=tuple(Result(entry, True, rng.randrange(4)) for entry in rng.sample(_ENTRIES, 6)),
        facts=Facts(tuple(counts), sums, (0,) * len(ACTIONS), tuple(rng.choices(ACTIONS, k=5))),
    )
