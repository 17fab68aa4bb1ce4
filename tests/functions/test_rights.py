"""Every right of a function is used: a story in which each function does all that it can."""

from collections import defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

import pytest

from local.permissions import Need, needs_of
from local.phone import Json, Phone, bodies, ids, to_functions
from rl_core.models import Segment, person_of
from rl_core.store import DAY_SHARDS, Store, act_write
from rl_core.store.keys import day_shard_of
from tests.acting import act_of
from tests.conftest import ERASURES, TEMPLATE, event_of, rights_of
from tests.functions.conftest import NOW
from tests.functions.invoked import FUNCTIONS
from tests.functions.test_learning_job import spoil


@pytest.fixture
def store(store_apart: Store) -> Store:
    """A table whose client tells these tests alone what it is asked for."""
    return store_apart


DAY = timedelta(days=1)
DONE = {"completed": True}
Rights = dict[str, set[str]]


class Story:
    """Calls functions, and notes what each of them asked of the table."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.needs = defaultdict[str, set[Need]](set)
        self._function = ""
        store.client.meta.events.register("provide-client-params.dynamodb", self._note)

    def _note(self, params: Any, model: Any, **_: Any) -> None:
        if self._function:
            self.needs[self._function] |= set(needs_of(model.name, params))

    def invoke(self, function: str, event: Any) -> Any:
        self._function = function
        try:
            return FUNCTIONS.invoke(function, event)
        finally:
            self._function = ""

    def phone(self, user: str, at: datetime) -> Phone[Json]:
        return Phone(bodies(to_functions(self.invoke, user, at)))

    def job(self, function: str, at: datetime) -> Any:
        return self.invoke(function, {"time": at.isoformat()})

    def used(self, function: str) -> Rights:
        """The rights of the function that it used, as `rights_of` tells them."""
        found = defaultdict[str, set[str]](set)
        for need in self.needs[function]:
            if need.resource == ERASURES:
                found["erasures"].add(need.action)
                continue
            index = "index " if "/index/" in need.resource else ""
            for place in rights_of(function):
                if any(fnmatchcase(index + key, place) for key in need.keys):
                    found[place].add(need.action)
        return dict(found)


@pytest.fixture
def story(store: Store, queue: None, setting: Callable[[str, str], None]) -> Story:
    """Ana and Ben, from their first day to what the jobs make of it."""
    setting("LEARNED_PER_DAY", "1")
    told = Story(store)
    _answers(told)
    _days(told)
    _refuses(told)
    _leaves(told)
    return told


def _answers(story: Story) -> None:
    """Three days with a session each, in three segments of which nothing is known yet: by completions, by a batch, and
    one that expires; then answers to a session that is long over.
    """
    first, second, third = (story.phone("ana", NOW + n * DAY) for n in range(3))
    first.put_profile(segment=Segment.HIGH_LOW.value)
    for activity in ids(first.recommend()):
        first.complete(activity, **DONE)
    second.put_profile(segment=Segment.HIGH_HIGH.value)
    second.batch([{"activity_id": activity, **DONE} for activity in ids(second.recommend())])
    third.put_profile(segment=Segment.LOW_LOW.value)
    third.recommend()
    assert story.job("Learn", NOW + 5 * DAY)["learned"] == 1
    later = story.phone("ana", NOW + 6 * DAY)
    later.recommend()
    later.complete(11, **DONE)
    later.batch([{"activity_id": 11, **DONE}])
    later.history()
    later.stats()
    later.explanation(1)
    fourth = later.recommend()["session_id"]  # the first that is drawn from a policy with a version
    assert later.explanation(fourth)["exact"]
    later.assessments()
    later.export()


def _days(story: Story) -> None:
    """A session that cannot be read, which the learner parks; and the first day, as the daily job counts it."""
    story.phone("ben", NOW).put_profile(segment=Segment.HIGH_LOW.value)
    story.phone("ben", NOW).recommend()
    spoil("USER#ben", "SESSION#00000001", eligible={"S": "no digits"})
    assert story.job("Learn", NOW + 3 * DAY)["parked"] == 1
    story.job("DailyDispatch", NOW + 6 * DAY)
    (sample,) = event_of("daily_engagement")["Records"]
    for shard in range(DAY_SHARDS):
        body = f'{{"date": "{NOW.date()}", "shard": {shard}, "time": "{(NOW + 6 * DAY).isoformat()}"}}'
        story.invoke("DailyEngagement", {"Records": [sample | {"body": body}]})


def _refuses(story: Story) -> None:
    """Ben has two sessions that wait, withdraws, asks twice for what was learned to be taken back, and pauses."""
    spoil("USER#ben", "SESSION#00000001", eligible={"S": "01235"})
    later = story.phone("ben", NOW + 6 * DAY)
    later.put_consent(learn=False, unlearn=True, text_version="1")
    later.recommend()
    later.put_consent(unlearn=True, text_version="1")
    later.get_consent()
    later.put_pause(f"{NOW + 8 * DAY:%Y-%m-%dT%H:%M:%SZ}")
    later.delete_pause()
    story.job("Guard", NOW + 6 * DAY)


def _leaves(story: Story) -> None:
    """Ana learns once more, leaves on the same day, whose cap is used up, and is gone when it is over.

    Another release counted the first day, so it is sent to be counted anew.
    """
    spoil("DAILY", f"DAY#{NOW.date()}#{day_shard_of('ana'):02d}", form={"N": "1"})
    last = story.phone("ana", NOW + 7 * DAY)
    last.batch([{"activity_id": activity, **DONE} for activity in ids(last.recommend())])
    profile = story.store.profile("ana")
    assert profile is not None
    story.store.write(act_write(act_of(person=person_of(profile.key))))
    last.delete_profile()
    for hours in (1, 24):
        story.job("Erasure", NOW + 7 * DAY + timedelta(hours=hours))
    assert story.store.session("ana", 1) is None
    assert story.store.get("USER#ana", "~PROFILE") is None


def test_every_function_uses_each_right_to_the_table_that_its_role_has(story: Story) -> None:
    granted = {name: rights_of(name) for name in TEMPLATE.functions}
    del granted["DailyDispatch"]["queue DailyQueue"]
    assert {name: story.used(name) for name in TEMPLATE.functions} == granted
