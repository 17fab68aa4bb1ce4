"""What the two policies of the template let people see of the console, call by call, as IAM would judge it."""

from datetime import timedelta

import pytest

from lab.bench.full import trend
from rl_core.models import Segment
from rl_core.store import DayTable, Watermark, act_write
from tests.acting import act_of
from tests.console.conftest import Opened, words
from tests.functions.conftest import NOW, World
from tests.functions.test_versions import live
from tests.operate.test_rights import client_under


@pytest.mark.parametrize("title", ["Now", "Days", "Audit"])
def test_who_observes_sees_every_screen_that_shows_no_user(opened: Opened, world: World, title: str) -> None:
    live(world, 2)
    final = NOW.date() - timedelta(days=4)
    for segment in Segment:
        world.store.client.put_item(TableName=world.store.name, Item=trend(segment, final))
    DayTable(world.store.name, world.store.client).save_watermark(Watermark(final, 0))
    world.store.write(act_write(act_of()))
    world.store.client = client_under("FettleObserver")
    console = opened(title)
    assert not console.error
    assert "of 40 read units" in words(console)


def test_who_operates_is_told_a_decision(opened: Opened, world: World) -> None:
    world.issue("ana")
    world.store.client = client_under("FettleOperator")
    console = opened("Decision")
    console.text_input[0].set_value("ana")
    assert "It comes out again, bit for bit" in words(console.button[0].click().run())
