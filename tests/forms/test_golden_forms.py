"""Every form that was ever stored reads as it did, is written as it was, and its past can be replayed and mended."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from rl_core import learner
from rl_core.config import settings
from rl_core.models import Policy, Segment
from rl_core.store import Store
from rl_core.store.assessments import ASSESSMENT_FORM, assessment_item, read_assessment
from rl_core.store.audit import AUDIT_FORM, act_item, read_act
from rl_core.store.consents import (
    REQUEST_FORM,
    STATEMENT_FORM,
    read_request,
    read_statement,
    request_write,
    statement_write,
)
from rl_core.store.day_table import ABSENCE_FORM, absence_item, read_absence, read_segment_day, segment_day_item
from rl_core.store.erasures import ERASURE_FORM, erasure_item, read_erasure
from rl_core.store.guards import GUARD_FORM, guard_item, read_guard
from rl_core.store.items import (
    PROFILE_FORM,
    SESSION_FORM,
    USER_DAY_FORM,
    marker_item,
    profile_item,
    read_profile,
    read_session,
    read_user_day,
    session_item,
    user_day_item,
)
from rl_core.store.policies import (
    POLICY_FORM,
    RECORD_FORM,
    policy_item,
    read_policy,
    read_record,
    record_item,
    snapshot_item,
)
from rl_core.store.refolds import REFOLD_FORM, read_refold, refold_item
from rl_core.store.sums import SEGMENT_DAY_FORM
from rl_core.store.trends import TREND_FORM, read_trend, trend_item
from rl_core.work import policy_at, unlearn
from tests.acting import mend, roll_back
from tests.forms.golden import FOLDER, SHARDS, load, plain
from tests.functions.conftest import NOW, turn

READERS: dict[str, Callable[[Any], Any]] = {
    "profile": read_profile,
    "session": read_session,
    "policy": read_policy,
    "snapshot": read_policy,
    "record": read_record,
    "refold": read_refold,
    "user-day": read_user_day,
    "segment-day": read_segment_day,
    "erasure": read_erasure,
    "statement": read_statement,
    "request": read_request,
    "audit": read_act,
    "assessment": read_assessment,
    "absence": read_absence,
    "trend": read_trend,
    "guard": read_guard,
}
FORMS = {
    "profile": PROFILE_FORM,
    "session": SESSION_FORM,
    "policy": POLICY_FORM,
    "snapshot": POLICY_FORM,
    "record": RECORD_FORM,
    "refold": REFOLD_FORM,
    "user-day": USER_DAY_FORM,
    "segment-day": SEGMENT_DAY_FORM,
    "erasure": ERASURE_FORM,
    "statement": STATEMENT_FORM,
    "request": REQUEST_FORM,
    "audit": AUDIT_FORM,
    "assessment": ASSESSMENT_FORM,
    "absence": ABSENCE_FORM,
    "trend": TREND_FORM,
    "guard": GUARD_FORM,
}
SEGMENT = Segment.LOW_HIGH
OF_TABLES = {f"{kind}.2.posterior-2" for kind in ("policy", "snapshot")}  # a table's form came within form 2
PASTS = {
    "posterior/1": ("record.1", "snapshot.1", "policy.1"),
    "posterior/2": ("record.3", "snapshot.2.posterior-2", "policy.2.posterior-2"),
}


GOLDEN = [
    pytest.param(path.stem.partition(".")[0], entry, id=f"{path.stem}-{place}")
    for path in sorted(FOLDER.glob("*.json"))
    for place, entry in enumerate(load(path.stem))
]


WRITERS: dict[str, Callable[[Any], Any]] = {  # of the items that are written as they were read
    "policy": policy_item,
    "snapshot": snapshot_item,
    "record": lambda model: record_item(SEGMENT, model),
    "refold": lambda model: refold_item(model, SHARDS),
    "audit": act_item,
    "erasure": erasure_item,
    "statement": lambda model: statement_write(model).item,
    "assessment": lambda model: assessment_item("ana", model),
    "absence": absence_item,
}
AS_READ: dict[str, Callable[[Any], Any]] = {
    "session": lambda its: session_item(its, SHARDS),
    "user-day": user_day_item,
    "request": lambda its: request_write(its, SHARDS).item,
    "trend": lambda its: trend_item(Segment.HIGH_LOW, its),
    "guard": guard_item,
}


def written(kind: str, model: Any, item: Any) -> Any:
    """The item that the present code writes for a model; what has a revision as if it had not been read in between."""
    if kind == "profile":
        as_read = replace(model, revision=model.revision - 1)
        return marker_item(as_read, SHARDS) if "erasing" in item else profile_item(as_read)
    if kind in AS_READ:
        return AS_READ[kind](replace(model, revision=model.revision - 1))
    if kind == "segment-day":
        return segment_day_item(Segment.HIGH_LOW, item["sk"]["S"], model)
    return WRITERS[kind](model)


MILLIONTHS = {"rewards": 10**6, "reward_squares": 10**12}  # form 1 of a segment's day had floats of ones
OTHERWISE = {  # attributes that the present form writes otherwise
    "segment-day.1": {"actions", "by_action", "by_entry"},
    "refold.1": {"persons", "lessons"},
    **{f"profile.{form}": {"queued"} for form in range(1, 5)},
}


def told(expected: Any, found: Any, name: str = "") -> Any:
    """What was found, as far as the golden entry speaks of it: a field that came later is not expected."""
    if isinstance(expected, str) and isinstance(found, int) and name in MILLIONTHS:
        return expected if round(float.fromhex(expected) * MILLIONTHS[name]) == found else found
    if isinstance(expected, dict) and isinstance(found, dict):
        return {name: told(each, found[name], name) for name, each in expected.items() if name in found}
    if isinstance(expected, list) and isinstance(found, dict):  # form 1 of a refold had no last versions of persons
        return sorted(found)
    if isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        return [told(a, b) for a, b in zip(expected, found, strict=True)]
    return found


def test_there_are_golden_items_of_every_kind_in_every_form() -> None:
    every = {f"{kind}.{form}" for kind, present in FORMS.items() for form in range(1, present + 1)}
    assert {path.stem for path in FOLDER.glob("*.json")} == every | OF_TABLES


@pytest.mark.parametrize("kind", ["policy", "record"])
def test_there_is_a_golden_item_of_every_learner_in_every_form(kind: str) -> None:
    items = [entry["reads"] for path in FOLDER.glob(f"{kind}.*.json") for entry in load(path.stem)]
    learners = {its["learner"] if kind == "policy" else its["fold"]["learner"] for its in items}
    assert learners - {""} == set(learner.ALGORITHMS)


@pytest.mark.parametrize(("kind", "entry"), GOLDEN)
def test_a_golden_item_reads_as_it_did_when_it_was_stored(kind: str, entry: dict[str, Any]) -> None:
    assert told(entry["reads"], plain(READERS[kind](entry["item"]))) == entry["reads"]


@pytest.mark.parametrize(("kind", "entry"), GOLDEN)
def test_a_golden_item_is_written_as_it_was_in_the_present_form(kind: str, entry: dict[str, Any]) -> None:
    item, model = entry["item"], READERS[kind](entry["item"])
    found, otherwise = written(kind, model, item), OTHERWISE.get(f"{kind}.{item['form']['N']}", set())
    kept = {name: value for name, value in found.items() if name not in otherwise}
    assert kept == {name: value for name, value in item.items() if name not in otherwise} | {
        "form": {"N": str(FORMS[kind])}
    }
    assert READERS[kind](found) == model


def test_a_release_of_form_1_reads_the_same_sums_in_a_segments_day_and_no_counts_of_users() -> None:
    (entry,) = load("segment-day.2")
    ours, theirs = (read_segment_day(item) for item in (entry["item"], entry["item"] | {"form": {"N": "1"}}))
    assert theirs == replace(
        ours,
        served=0,
        actions=tuple(replace(sums, users=0) for sums in ours.actions),
        entries={code: replace(sums, users=0) for code, sums in ours.entries.items()},
    )


@pytest.fixture(params=PASTS)
def past(store: Store, request: pytest.FixtureRequest) -> Policy:
    """The table with a golden past of a segment, by one learner or form; what its last version stored."""
    records, snapshots, policies = PASTS[request.param]
    for entry in load(records) + load(snapshots):
        store.call("put_item", Item=entry["item"])
    last = load(policies)[4]["item"]
    store.call("put_item", Item=last)
    assert read_policy(last).learner == request.param
    return read_policy(last)


def test_the_golden_past_folds_to_the_golden_policy_bit_for_bit(store: Store, past: Policy) -> None:
    assert policy_at(store, SEGMENT, past.version, from_start=True) == past
    assert policy_at(store, SEGMENT, past.version) == past


def test_the_golden_past_mends_a_lost_policy(store: Store, past: Policy) -> None:
    store.call("delete_item", Key={"pk": {"S": f"SEGMENT#{SEGMENT.name}"}, "sk": {"S": "POLICY"}})
    mended = mend(store, SEGMENT)
    assert replace(mended, version=past.version) == past


def test_the_golden_past_can_be_rolled_back_over_a_change_of_learner(store: Store, past: Policy) -> None:
    restored = roll_back(store, SEGMENT, 40, "as it was by averages")
    assert restored.learner == "epsilon/1"
    assert policy_at(store, SEGMENT, restored.version, from_start=True) == restored


def test_an_erasure_folds_the_golden_past_without_a_session(store: Store, past: Policy) -> None:
    gone = next(store.records(SEGMENT, 40, 41)).transitions[0].key
    assert unlearn(store, SEGMENT, {gone[:8]: (41, 41)}, settings(), turn(NOW)) == {gone[:8]}
    after = store.policy(SEGMENT)
    without = [t for r in store.records(SEGMENT) for t in r.transitions]
    assert gone not in {t.key for t in without}
    assert sum(map(sum, learner.visits(after))) == sum(map(sum, learner.visits(past))) - 1
    assert policy_at(store, SEGMENT, after.version, from_start=True) == after
