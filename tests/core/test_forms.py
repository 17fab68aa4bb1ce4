"""Every model through its item and back: what has no row in a field table, or is not read again, fails here."""

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, date, datetime
from enum import Enum
from functools import partial
from types import NoneType, UnionType
from typing import Any, NamedTuple, get_args, get_origin, get_type_hints

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from rl_core.days import WHYS, Course, DayRow, DrawSums, Guard, Replay, Standing, Weight
from rl_core.days.figures import TYPES, Figures, TypeFigures
from rl_core.days.tally import ActionSums, EntrySums, SegmentDay, Share
from rl_core.learner.epsilon import Averages
from rl_core.learner.posterior import Posterior
from rl_core.models import (
    ACTIONS,
    CELLS,
    LATEST,
    STATES,
    Absence,
    Act,
    Action,
    Activity,
    ActivityStats,
    Assessment,
    Bridge,
    Closing,
    Decision,
    EndedBy,
    Facts,
    Mark,
    Marker,
    Pause,
    Policy,
    Profile,
    Refold,
    Request,
    Result,
    Segment,
    Session,
    State,
    Statement,
    Status,
    Streak,
    Transition,
    VersionRecord,
)
from rl_core.sessions import catalogue
from rl_core.store import Store
from rl_core.store.assessments import ASSESSMENT, ASSESSMENT_FORM, assessment_item, read_assessment
from rl_core.store.audit import AUDIT, AUDIT_FORM, act_item, read_act
from rl_core.store.consents import (
    REQUEST,
    REQUEST_FORM,
    STATEMENT,
    STATEMENT_FORM,
    read_request,
    read_statement,
    request_write,
    statement_write,
)
from rl_core.store.day_table import (
    ABSENCE_FORM,
    SHARD,
    ShardState,
    Watermark,
    absence_item,
    open_day_table,
    read_absence,
    read_segment_day,
    segment_day_item,
)
from rl_core.store.fields import FieldTable, Item
from rl_core.store.guards import GUARD, GUARD_FORM, REPLAY, STANDING, WEIGHT, guard_item, read_guard
from rl_core.store.items import (
    ACTIVITY,
    CLOSING,
    COUNTED,
    DECISION,
    FIGURES,
    MARK,
    MARKER,
    PROFILE,
    PROFILE_FORM,
    SESSION,
    SESSION_FORM,
    USER_DAY_FORM,
    UserDay,
    marker_item,
    profile_item,
    read_profile,
    read_session,
    read_user_day,
    session_item,
    user_day_item,
)
from rl_core.store.policies import (
    POLICY,
    POLICY_FORM,
    RECORD,
    RECORD_FORM,
    TRANSITION,
    policy_item,
    read_policy,
    read_record,
    record_item,
    snapshot_item,
)
from rl_core.store.refolds import REFOLD, REFOLD_FORM, read_refold, refold_item
from rl_core.store.sums import SEGMENT_DAY, SEGMENT_DAY_FORM
from rl_core.store.trends import TREND, TREND_FORM, read_trend, trend_item

often = settings(  # a failure is told at once, not made small
    derandomize=True, database=None, deadline=None, max_examples=40, phases=[Phase.generate]
)
seldom = settings(often, max_examples=5)

# Every field has a row.

PLACED = {  # the fields that are no row of their own: the item's key, revision and rest, and what has a table itself
    Profile: (PROFILE, {"user", "revision", "rest"}),
    Marker: (MARKER, {"user", "revision"}),
    Session: (SESSION, {"user", "number", "decision", "activities", "revision", "closing", "rest"}),
    Decision: (DECISION, set()),
    Closing: (CLOSING, set()),
    Activity: (ACTIVITY, {"rest"}),
    Policy: (POLICY, {"segment", "rest"}),
    VersionRecord: (RECORD, {"version", "transitions", "rest"}),
    Refold: (REFOLD, {"folded"}),
    Act: (AUDIT, {"id", "at"}),
    Statement: (STATEMENT, {"user", "number", "rest"}),
    Request: (REQUEST, {"user", "revision"}),
    Assessment: (ASSESSMENT, {"day"}),
    Transition: (TRANSITION, {"rest"}),
    UserDay: (COUNTED, {"mark", "figures", "revision", "rest"}),
    Mark: (MARK, {"user", "day"}),
    Figures: (FIGURES, {"rest"}),
    SegmentDay: (SEGMENT_DAY, set()),
    ShardState: (SHARD, {"revision", "parts"}),
    Course: (TREND, {"revision", "rest"}),
    Guard: (GUARD, {"revision", "rest"}),
    Standing: (STANDING, set()),
    Replay: (REPLAY, set()),
    Weight: (WEIGHT, set()),
}


@pytest.mark.parametrize("model", PLACED)
def test_every_field_of_a_model_has_a_row_in_its_table(model: Any) -> None:
    table, elsewhere = PLACED[model]
    rows = {f.name.partition(".")[0] for f in table.fields}
    names = {f.name for f in fields(model)} if is_dataclass(model) else set(model._fields)
    forgotten = [f"{model.__name__}.{name} has no row in its field table" for name in sorted(names - rows - elsewhere)]
    assert forgotten == []
    assert elsewhere <= names - rows


@pytest.mark.parametrize("name", ["counted", "gone", "late"])
def test_a_share_is_stored_with_every_field(name: str) -> None:
    stored = {f.name.removeprefix(f"{name}.") for f in COUNTED.fields if f.name.startswith(f"{name}.")}
    assert stored == {f.name for f in fields(Share)}


@pytest.mark.parametrize("table", [PROFILE, MARK])
def test_a_streak_is_stored_with_every_field(table: FieldTable) -> None:
    stored = {f.name.removeprefix("streak.") for f in table.fields if f.name.startswith("streak.")}
    assert stored == {f.name for f in fields(Streak)}


# Any value of a type. A model's fields are found by their types, so that a new one is tried without a word here.

WHOLE = st.integers(0, 10**9)
FLOATS = st.floats(-1e3, 1e3).filter(lambda x: x == 0 or abs(x) > 1e-99)
CODES = st.integers(0, 2**24 - 1)
TIMES = st.integers(0, 2**32).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
NEWER = {"a_newer_releases": {"M": {"own": {"L": [{"N": "1"}, {"B": b"\x00"}]}}}}
RESTS = st.sampled_from([{}, NEWER])
NEWER_VALUES: dict[Any, list[Enum]] = {
    Status: [Status("suspended")],
    EndedBy: [EndedBy("operator")],
    Action: [Action(6), Action(9)],
}
SIMPLE: dict[Any, SearchStrategy[Any]] = {
    bool: st.booleans(),
    int: WHOLE,
    float: FLOATS,
    str: st.text(),
    bytes: st.binary(max_size=16),
    date: st.dates(),
    datetime: TIMES,
    NoneType: st.none(),
    State: st.integers(0, STATES - 1).map(State.from_row),
    Pause: st.tuples(TIMES, TIMES).map(lambda ends: Pause(*sorted(ends))),
    Bridge: st.builds(Bridge, st.dates(max_value=date(5000, 1, 1)), st.dates(min_value=date(5000, 1, 2))),
    Assessment: st.builds(Assessment, st.dates(), st.integers(0, 21), st.integers(0, 10_080)),
    Mapping[str, Any]: RESTS,
    Mapping[str, float]: st.dictionaries(st.sampled_from(["discount", "drift", "another"]), FLOATS),
    dict[int, ActivityStats]: st.deferred(lambda: st.dictionaries(CODES, of(ActivityStats))),
    Mapping[Segment, tuple[int, int]]: st.dictionaries(st.sampled_from(Segment), st.tuples(WHOLE, WHOLE)),
    Mapping[bytes, int]: st.dictionaries(st.binary(min_size=8, max_size=8), WHOLE, max_size=7),
    dict[int, EntrySums]: st.deferred(lambda: st.dictionaries(CODES, of(EntrySums))),
    Mapping[date, DayRow]: st.deferred(lambda: st.dictionaries(st.dates(), of(DayRow), max_size=9)),
    Mapping[str, Standing]: st.deferred(lambda: st.dictionaries(st.text(), of(Standing), max_size=9)),
    Mapping[Segment, Replay]: st.deferred(lambda: st.dictionaries(of(Segment), of(Replay))),
    Mapping[Segment, Weight]: st.deferred(lambda: st.dictionaries(of(Segment), of(Weight))),
    dict[Segment, SegmentDay]: st.deferred(lambda: st.dictionaries(of(Segment), of(SegmentDay), max_size=2)),
}


def of(kind: Any) -> SearchStrategy[Any]:
    """Any value of this type."""
    if kind in SIMPLE:
        return SIMPLE[kind]
    if is_dataclass(kind):
        return models(kind)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return st.sampled_from([*kind, *NEWER_VALUES.get(kind, ())])
    if isinstance(kind, UnionType):
        return st.one_of(*map(of, get_args(kind)))
    assert get_origin(kind) is tuple, f"tell `SIMPLE` of this file how to make any {kind}"
    return st.lists(of(get_args(kind)[0]), max_size=7).map(tuple)


def models(kind: Any) -> SearchStrategy[Any]:
    """Any value of this model that can occur."""
    annotated = get_type_hints(kind)
    hints = {f.name: annotated[f.name] for f in fields(kind)}
    values = {n: ONLY[kind, n] if (kind, n) in ONLY else of(hint) for n, hint in hints.items()}
    return st.builds(kind, **values).map(AS_IT_OCCURS.get(kind, lambda value: value))


def timed(activity: Activity) -> Activity:
    """A completion has both its moment and its day, or neither."""
    both = activity.completed_at and activity.completed_on
    return activity if both else replace(activity, completed_at=None, completed_on=None)


def lifted(result: Result) -> Result:
    """Only what was completed has a lift."""
    return result if result.completed else replace(result, lift=None)


def averages(counts: list[int], floats: list[float]) -> dict[str, Any]:
    table = Averages(30)
    table.counts, table.values = counts, floats
    return {"learner": "epsilon/1", "table": table.encode()}


def posterior(counts: list[int], floats: list[float]) -> dict[str, Any]:
    table = Posterior(30)
    table.counts, table.values = counts, floats
    return {"learner": "posterior/2", "table": table.encode()}


COUNTS, VALUES = (st.lists(one, min_size=n, max_size=n) for one, n in ((WHOLE, CELLS), (FLOATS, STATES)))
LEARNED = st.one_of(
    st.just({"learner": "", "table": b""}),
    st.builds(averages, COUNTS, VALUES),
    st.builds(posterior, COUNTS, VALUES),
)
BY_ACTION = st.tuples(*[WHOLE] * len(ACTIONS))
ONLY: dict[tuple[Any, str], SearchStrategy[Any]] = {
    (Facts, "counts"): BY_ACTION,
    (Facts, "sums"): st.tuples(*[st.integers(-(10**12), 10**12)] * len(ACTIONS)),
    (Facts, "earlier"): BY_ACTION,
    (Facts, "latest"): st.lists(st.deferred(lambda: of(Action)), max_size=LATEST).map(tuple),
    (Profile, "avoid"): st.lists(st.sampled_from(list(catalogue().tags)), unique=True).map(tuple),
    (Session, "number"): st.integers(1, 10**8 - 1),
    (Act, "id"): st.binary(min_size=4, max_size=4).map(bytes.hex),
    (Act, "at"): st.datetimes(timezones=st.just(UTC)).filter(lambda at: at.year >= 1970),
    (Statement, "number"): st.integers(1, 10**8 - 1),
    (Policy, "learner"): st.just(""),
    (Policy, "table"): st.just(b""),
    (VersionRecord, "excluded"): st.none() | st.lists(st.binary(min_size=8, max_size=8)).map(tuple),
    (Policy, "excluded"): st.lists(st.binary(min_size=8, max_size=8)).map(tuple),
    (ActivityStats, "lift_points"): st.integers(-(10**9), 10**9),
    (EntrySums, "lift"): st.integers(-(2**31), 2**31 - 1),
    (Result, "entry"): CODES,
    (Result, "lift"): st.none() | st.integers(-4, 4),
    (Figures, "types"): st.tuples(*[st.builds(TypeFigures, WHOLE, WHOLE, WHOLE)] * len(TYPES)),
    (SegmentDay, "gad7_change"): st.integers(-(10**9), 10**9),
    (SegmentDay, "dropouts"): st.tuples(*[WHOLE] * len(ACTIONS)),
    (DrawSums, "why"): st.tuples(*[WHOLE] * len(WHYS)),
    (DayRow, "rewards"): st.integers(-(10**15), 10**15),
    (DayRow, "reward_squares"): st.integers(0, 2**64),
    (ActionSums, "rewards"): st.integers(-(10**15), 10**15),
    (ActionSums, "reward_squares"): st.integers(0, 2**64),
    (SegmentDay, "actions"): st.deferred(lambda: st.tuples(*[of(ActionSums)] * len(ACTIONS))),
}
AS_IT_OCCURS: dict[Any, Callable[[Any], Any]] = {Activity: timed, Result: lifted}


class Kind(NamedTuple):
    """One kind of item: any value that it holds, and how that is written and read."""

    values: SearchStrategy[Any]
    write: Callable[[Any], Item]
    read: Callable[[Item], Any]


def stored_segment_day(day: SegmentDay) -> Item:
    return segment_day_item(Segment.HIGH_LOW, "DAY#2026-11-23", day)


def stored_statement(statement: Statement) -> Item:
    return statement_write(statement).item


def stored_assessment(assessment: Assessment) -> Item:
    return assessment_item("ana", assessment)


def stored_trend(course: Course) -> Item:
    return trend_item(Segment.HIGH_LOW, course)


def stored_request(request: Request) -> Item:
    return request_write(request, 1).item


def stored_record(record: VersionRecord) -> Item:
    return record_item(Segment.HIGH_LOW, record)


POLICIES = st.builds(lambda policy, learned: replace(policy, **learned), of(Policy), LEARNED)
REFOLDS = st.builds(lambda refold, folded: replace(refold, folded=replace(folded, rest={})), of(Refold), POLICIES)
FORMS = {
    "profile": PROFILE_FORM,
    "marker": PROFILE_FORM,
    "session": SESSION_FORM,
    "policy": POLICY_FORM,
    "record": RECORD_FORM,
    "refold": REFOLD_FORM,
    "statement": STATEMENT_FORM,
    "request": REQUEST_FORM,
    "act": AUDIT_FORM,
    "assessment": ASSESSMENT_FORM,
    "absence": ABSENCE_FORM,
    "user's day": USER_DAY_FORM,
    "segment's day": SEGMENT_DAY_FORM,
    "trend": TREND_FORM,
    "guard": GUARD_FORM,
}
KINDS = {
    "profile": Kind(of(Profile), profile_item, read_profile),
    "marker": Kind(of(Marker), partial(marker_item, partitions=1), read_profile),
    "session": Kind(of(Session), partial(session_item, partitions=1), read_session),
    "policy": Kind(POLICIES, policy_item, read_policy),
    "record": Kind(of(VersionRecord), stored_record, read_record),
    "statement": Kind(of(Statement), stored_statement, read_statement),
    "request": Kind(of(Request), stored_request, read_request),
    "act": Kind(of(Act), act_item, read_act),
    "absence": Kind(of(Absence), absence_item, read_absence),
    "assessment": Kind(of(Assessment), stored_assessment, read_assessment),
    "refold": Kind(REFOLDS, partial(refold_item, partitions=1), read_refold),
    "user's day": Kind(of(UserDay), user_day_item, read_user_day),
    "segment's day": Kind(of(SegmentDay), stored_segment_day, read_segment_day),
    "trend": Kind(of(Course), stored_trend, read_trend),
    "guard": Kind(of(Guard), guard_item, read_guard),
}


@often
@pytest.mark.parametrize("name", KINDS)
@given(data=st.data())
def test_every_model_comes_back_from_its_item_as_it_went_one_revision_later(name: str, data: st.DataObject) -> None:
    kind = KINDS[name]
    value = data.draw(kind.values)
    later = {"revision": value.revision + 1} if hasattr(value, "revision") else {}
    assert kind.read(kind.write(value)) == (replace(value, **later) if later else value)


@often
@given(day=of(UserDay))
def test_the_rest_of_a_days_figures_comes_back_though_it_is_not_compared(day: UserDay) -> None:
    found = read_user_day(user_day_item(day)).figures
    assert (found and found.rest) == (day.figures and day.figures.rest)


@often
@given(policy=POLICIES)
def test_a_snapshot_is_the_policy_without_the_hold_of_an_erasure(policy: Policy) -> None:
    snapshot = read_policy(snapshot_item(policy))
    assert (snapshot, snapshot.acted) == (replace(policy, refolding=None, hold=None), 0)


@often
@given(policy=POLICIES)
def test_who_acted_last_on_a_policy_comes_back_though_it_is_not_compared(policy: Policy) -> None:
    assert read_policy(policy_item(policy)).acted == policy.acted


# What has its default is not stored; what is stored says in which form; what a newer release put there stays.


def test_what_has_its_default_is_not_stored(profile: Profile, session: Session) -> None:
    new = Profile(profile.user, profile.key, profile.segment, profile.created_at)
    unseen = replace(session, shown=False, decision=replace(session.decision, explored=False))
    place = {"pk", "sk", "revision", "form"}
    assert profile_item(new).keys() == place | {"key", "created_at", "segment", "engagement", "motivation"}
    assert policy_item(Policy(Segment.LOW_LOW)).keys() == {"pk", "sk", "form", "version"}
    decision = {"state", "eligible", "chances", "action", "epsilon"}
    own = {"key", "status", "segment", "engagement", "issued_at", "expires_at", "activities", "due_shard", "due_at"}
    assert session_item(unseen, 1).keys() == place | decision | own
    assert session_item(unseen, 1)["activities"]["L"][0] == {"M": {"s": {"S": "478-breathing-5"}}}


def test_a_day_that_is_the_sessions_own_is_not_stored_again_with_each_completion(session: Session) -> None:
    on, after = date(2026, 11, 23), date(2026, 11, 24)
    done = [replace(session.activities[0], completed_at=session.issued_at, completed_on=day) for day in (on, after)]
    stored = session_item(replace(session, day=on, activities=tuple(done)), 1)["activities"]["L"]
    assert ["o" in activity["M"] for activity in stored] == [False, True]


@seldom
@pytest.mark.parametrize("name", KINDS)
@given(data=st.data())
def test_every_item_says_which_form_it_has(name: str, data: st.DataObject) -> None:
    assert KINDS[name].write(data.draw(KINDS[name].values))["form"] == {"N": str(FORMS[name])}


@often
@pytest.mark.parametrize("name", ["profile", "session", "policy", "record", "statement", "user's day"])
@given(data=st.data())
def test_what_a_newer_release_put_into_an_item_and_its_form_survive_a_read_and_a_write(
    name: str, data: st.DataObject
) -> None:
    kind = KINDS[name]
    item = kind.write(data.draw(kind.values)) | NEWER | {"form": {"N": "9"}}
    again = kind.write(kind.read(item))
    assert {k: v for k, v in again.items() if k != "revision"} == {k: v for k, v in item.items() if k != "revision"}


def test_what_a_newer_release_put_into_a_part_of_an_item_stays_in_that_part(session: Session) -> None:
    item = session_item(session, 1)
    item["activities"]["L"][1]["M"] |= NEWER
    again = session_item(read_session(item), 1)
    assert [NEWER.items() <= activity["M"].items() for activity in again["activities"]["L"]] == [False, True]


# The items that only `DayTable` writes.


def test_the_watermark_comes_back_as_it_went_one_revision_later(store: Store) -> None:
    open_day_table().save_watermark(Watermark(date(2026, 11, 23), 0))
    assert open_day_table().watermark() == Watermark(date(2026, 11, 23), 1)


@pytest.mark.parametrize("final", [True, False])
def test_the_state_of_a_shard_comes_back_as_it_went_one_revision_later(store: Store, final: bool) -> None:
    day, parts = date(2026, 11, 23), {Segment.HIGH_LOW: SegmentDay(users=3)}
    open_day_table().save_shard(day, 7, ShardState(0, False, {}), ShardState(0, final, parts, 5))
    assert open_day_table().shard(day, 7) == ShardState(1, final, parts, 5)
