"""A segment whose sessions cannot be learned costs the job's run next to nothing, however many wait."""

from collections.abc import Callable
from datetime import timedelta
from itertools import count
from typing import Any

import pytest

from lab.bench.races import settle
from local.clock import SteppedClock
from local.stack import Stack
from local.units import client_of_functions
from rl_core.models import Segment
from rl_core.store import Store
from tests.conftest import counted

BACKLOG = 5_000  # many pages
AT_ONCE = 25  # items in one call of batch_write_item
STUCK = Segment.HIGH_LOW
OTHERS = [segment for segment in Segment if segment is not STUCK]
UNREADABLE_POLICY = {"pk": {"S": f"SEGMENT#{STUCK.name}"}, "sk": {"S": "POLICY"}, "learner": {"S": "posterior/99"}}

Item = dict[str, Any]


def unreadable(item: Item) -> Item:
    return item | {"activities": {"S": "rubbish"}}


def wait_behind(stack: Stack, segment: Segment, item: Item) -> None:
    """Stores this due session as that of five thousand people of the segment."""
    place = {"segment": {"S": segment.code}, "due_shard": {"S": f"due#{segment.name}#0"}}
    for start in range(0, BACKLOG, AT_ONCE):
        users = [{"pk": {"S": f"USER#waiting-{n}"}} for n in range(start, start + AT_ONCE)]
        puts: Any = [{"PutRequest": {"Item": item | place | user}} for user in users]
        assert not stack.dynamodb.batch_write_item(RequestItems={stack.table_name: puts})["UnprocessedItems"]


def give_first_turn(stack: Stack, segment: Segment) -> None:
    """Moves the clock to the next minute in which the job begins with the segment, and has the whole run ahead."""
    minutes = (stack.clock.now() + timedelta(minutes=n) for n in count(1))
    turn = next(at for at in minutes if at.minute and int(at.timestamp() // 60) % 9 == list(Segment).index(segment))
    assert isinstance(stack.clock, SteppedClock)
    stack.clock.advance_to(turn)


@pytest.mark.parametrize("spoilt", [dict, unreadable])
def test_five_thousand_sessions_behind_an_unreadable_policy_delay_no_other_segment(
    stack: Stack, table: Store, spoilt: Callable[[Item], Item]
) -> None:
    before = {segment: table.policy(segment).episodes for segment in OTHERS}
    for segment in OTHERS:
        settle(table, segment, [f"{spoilt.__name__}-{segment.code}"], stack.clock.now(), due=True)
    due = table.get(f"USER#{spoilt.__name__}-{OTHERS[0].code}", "SESSION#00000001")
    wait_behind(stack, STUCK, spoilt(dict(due or {})))
    stack.dynamodb.put_item(TableName=stack.table_name, Item=UNREADABLE_POLICY)
    give_first_turn(stack, STUCK)
    with counted(client_of_functions()) as calls:
        report = stack.run_schedule("Learn")
    assert (report["learned"], report["parked"]) == (len(OTHERS), 0)
    assert {segment: table.policy(segment).episodes - 1 for segment in OTHERS} == before
    assert calls["due"] == 1 + len(Segment)  # of the stuck segment one page, as of the others
    assert calls["BatchGetItem"] == calls["TransactWriteItems"] == len(OTHERS)
    assert calls["UpdateItem"] == 0
