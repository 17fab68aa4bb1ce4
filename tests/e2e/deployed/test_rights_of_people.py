"""What people may do with the command line under the stack's managed policies, as MiniStack enforces them.

MiniStack judges by action and passes over `dynamodb:LeadingKeys`: tests/test_managed_policies.py and
tests/operate/test_rights.py are about those.
"""

from collections.abc import Iterator
from typing import NamedTuple

import httpx
import pytest

from rl_core.models import Segment
from rl_core.store import Due, Store, keys, latest_acts
from rl_core.store.fields import read_time
from tests.e2e.deployed.people import Person
from tests.e2e.deployment import Deployment
from tests.integration.conftest import Phone, done, everything, ok

SEGMENT = Segment.MODERATE_HIGH  # in which no other test of the deployment teaches
POLICY = keys.segment_pk(SEGMENT), keys.POLICY_SK
WHY = ("--reason", "a try")
READS = ("versions", "trend", "weight", "exclude", "exclude --dry-run", "check", "audit")
WRITES = ("rollback", "exclude person", "include", "unpark", "unlearn", "mend")


class Stage(NamedTuple):
    """Names two persons who taught the segment, the second one excluded, and two users: one withdrew, of the other a
    session is set aside.
    """

    person: str
    excluded: str
    withdrew: str
    aside: str

    def words(self, command: str) -> tuple[str, ...]:
        """Returns the command as it is typed."""
        segment = SEGMENT.name
        return {
            "exclude --dry-run": ("exclude", segment, self.person, "--dry-run"),
            "check": ("check",),
            "audit": ("audit",),
            "rollback": ("rollback", segment, "1", *WHY),
            "exclude person": ("exclude", segment, self.person, *WHY),
            "include": ("include", segment, self.excluded, *WHY),
            "unpark": ("unpark", self.aside, "2", *WHY),
            "unlearn": ("unlearn", self.withdrew, *WHY),
            "mend": ("mend", segment, *WHY),
        }.get(command, (command, segment))


@pytest.fixture(scope="module")
def store(deployment: Deployment) -> Store:
    """The table, as MiniStack's root sees it."""
    return Store(deployment.table_name, deployment.dynamodb)


@pytest.fixture(scope="module")
def observer(deployment: Deployment) -> Person:
    return Person.under("FettleObserver", deployment)


@pytest.fixture(scope="module")
def operator(deployment: Deployment) -> Person:
    return Person.under("FettleOperator", deployment)


@pytest.fixture(scope="module")
def stage(deployment: Deployment, store: Store, http: httpx.Client, operator: Person) -> Stage:
    """People whom the segment knows, and nobody but those who act at work on the table."""
    deployment.stop_schedules()
    fay, gus, hal = (Phone.named(name, deployment, http) for name in ("fay", "gus", "hal"))
    for phone in (fay, gus, hal):
        ok(phone.put_profile(segment=SEGMENT.value))
        ok(phone.batch(done(phone.plan())))
    ok(fay.put_consent(text_version="v1", learn=False))
    hal.plan()
    set_aside(store, hal.user, 2)
    excluded = person_of(store, gus)
    assert operator.types("exclude", SEGMENT.name, excluded).error == ""
    return Stage(person_of(store, hal), excluded, fay.user, hal.user)


def person_of(store: Store, phone: Phone) -> str:
    """The user as `weight` names them."""
    return store.head(phone.user).sessions[0].person.hex()


def set_aside(store: Store, user: str, session: int) -> None:
    """Sets a session of a user aside, as the job does with one that it cannot close."""
    item = store.get(keys.user_pk(user), keys.session_sk(session))
    assert item is not None
    place = Due(item["due_shard"]["S"], keys.user_pk(user), keys.session_sk(session), read_time(item["due_at"]))
    store.park(place, "set aside")


@pytest.fixture
def damaged(store: Store) -> Iterator[None]:
    """The segment's policy cannot be read. Afterwards it is as it was, if it is still damaged."""
    whole = store.get(*POLICY)
    assert whole is not None
    rubbish = {**whole, "table": {"B": b"rubbish"}}
    store.call("put_item", Item=rubbish)
    yield
    if store.get(*POLICY) == rubbish:
        store.call("put_item", Item=dict(whole))


@pytest.mark.parametrize("command", READS)
def test_who_observes_may_look(observer: Person, stage: Stage, command: str) -> None:
    typed = observer.types(*stage.words(command))
    assert typed.error == ""
    assert typed.code in ({0, 1, 2, 3} if command == "check" else {0})
    assert {"exclude": stage.excluded, "weight": stage.person}.get(command, "") in typed.told


@pytest.mark.parametrize("command", [it for it in WRITES if it != "mend"])
def test_who_observes_is_refused_in_one_sentence_and_nothing_changes(
    deployment: Deployment, observer: Person, stage: Stage, command: str
) -> None:
    before = everything(deployment)
    refused(observer, stage.words(command))
    assert everything(deployment) == before


@pytest.mark.usefixtures("damaged")
def test_who_observes_mends_nothing(deployment: Deployment, observer: Person, stage: Stage) -> None:
    before = everything(deployment)
    refused(observer, stage.words("mend"))
    assert everything(deployment) == before


def refused(person: Person, words: tuple[str, ...]) -> None:
    """Types the command, and sees it refused."""
    typed = person.types(*words)
    said = f"{person.arn} is not allowed to {words[0]} (dynamodb:PutItem); FettleOperator may\n"
    assert (typed.code, typed.told, typed.error) == (2, "", said)


def test_an_operator_may_and_is_on_record_by_the_name_that_sts_gives(
    store: Store, operator: Person, stage: Stage
) -> None:
    for command in ("unpark", "unlearn", "include", "exclude person", "rollback"):
        typed = operator.types(*stage.words(command))
        assert (typed.code, typed.error) == (0, "")
    said = [(act.what, act.who, act.reason) for act in latest_acts(store, 5)]
    assert said == [(what, operator.arn, "a try") for what in ("rollback", "exclude", "include", "unlearn", "unpark")]
    assert store.policy(SEGMENT).excluded == (bytes.fromhex(stage.person),)


@pytest.mark.usefixtures("damaged")
def test_an_operator_mends(store: Store, operator: Person, stage: Stage) -> None:
    assert operator.types(*stage.words("mend")).code == 0
    (act,) = latest_acts(store, 1)
    assert (act.what, act.who, store.policy(SEGMENT).acted) == ("mend", operator.arn, store.policy(SEGMENT).version)
