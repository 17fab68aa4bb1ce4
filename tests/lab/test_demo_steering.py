"""What the demo counts of people who pause, exclude kinds of plan, ask and take their data along."""

from datetime import UTC, datetime, timedelta

import pytest

from lab.demo.log import Issued, Log
from lab.demo.steering import what_was_steered
from lab.world.steps import steps

DAY = timedelta(days=1)
START = datetime(2026, 10, 5, tzinfo=UTC)
NONE = (0.0,) * 6


def issued(ends: datetime, *, answered: bool = False, expires: bool = True) -> Issued:
    return Issued("ana", 1, "one", 2, (2, 3), NONE, NONE, NONE, True, False, answered, ends, expires)


@pytest.mark.parametrize(
    ("session", "counts"),
    [
        (issued(START + DAY), False),
        (issued(START), False),
        (issued(START + 2 * DAY), True),
        (issued(START + DAY, answered=True), True),
        (issued(START + DAY, expires=False), True),
    ],
)
def test_a_plan_left_open_into_a_pause_counts_as_unseen(session: Issued, counts: bool) -> None:
    log = Log("ana", [session], pauses=[(START, START + 2 * DAY)])
    assert (log.counts(session), log.teaches(session)) == (counts, counts)


def test_what_was_done_is_said_with_its_counts() -> None:
    ana = Log("ana", [issued(START + DAY)], pauses=[(START, START + 2 * DAY)], told_paused=2)
    eve = Log("eve", without=(1, 4), explained=3, exact=2, exported=True, assessed=1)
    said = what_was_steered([ana, eve])
    assert said.startswith(
        "1 people paused for some days: 2 plans were refused meanwhile, and 1 that they had left open"
    )
    assert "1 people excluded" in said
    assert "3 times somebody asked" in said
    assert "2 of the answers had exact estimates. 1 people filled in the assessment again, and 1 took" in said


def test_steps_are_the_same_for_the_same_seed_and_some_people_take_each() -> None:
    all_steps = [steps(2026, f"person-{n}", 30) for n in range(200)]
    assert all_steps == [steps(2026, f"person-{n}", 30) for n in range(200)]
    each = [step for its in all_steps for step in its.steps]
    assert any(step.without for step in each)
    assert any(step.pause for step in each)
    assert any(step.asks for step in each)
    assert 0 < sum(its.exports for its in all_steps) < 60
