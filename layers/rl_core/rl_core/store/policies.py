"""The policy and its version records in their wire form.

The arrays are packed little-endian: `values` holds V (9), A(s,a) (54), A(a) (6), the variances of V (9) and A(a) (6),
reference, noise and pooling as float64; `counts` n(s,a) (54) as uint32; `activities` five numbers an entry (CRC-32 of
the slug, assigned, completed, rated as uint32; lift_points as int32). n(s) and n(a) are sums of n(s,a), not stored.
"""

import struct
from itertools import accumulate
from typing import Any

from rl_core.config import Learner
from rl_core.errors import PolicyUnreadableError, UnreadableItemError
from rl_core.models import (
    ACTIONS,
    CELLS,
    STATES,
    Action,
    ActivityStats,
    Policy,
    Result,
    Segment,
    State,
    Transition,
    VersionRecord,
)
from rl_core.store import keys
from rl_core.store.attributes import (
    Item,
    Stored,
    actions,
    maybe_int,
    number,
    read_actions,
    read_float,
    read_int,
    strict,
    string,
)

POLICY_FORMAT = 3
_ENDS = tuple(accumulate((STATES, CELLS, len(ACTIONS), STATES + len(ACTIONS), 3)))  # of the arrays in `values`
_VALUES = struct.Struct(f"<{_ENDS[-1]}d")
_COUNTS = struct.Struct(f"<{CELLS}I")
_STATS = struct.Struct("<IIIIi")
_RESULT = struct.Struct("<I?b")
_NO_LIFT = -128
_CONSTANTS = ("pooling_visits", "discount", "value_window", "drift")


def policy_item(policy: Policy) -> Item:
    return _whole(policy) | ({} if policy.refolding is None else {"refolding": number(policy.refolding)})


def _whole(policy: Policy) -> Item:
    activities = b"".join(
        _STATS.pack(entry, s.assigned, s.completed, s.rated, s.lift_points)
        for entry, s in sorted(policy.activities.items())
    )
    return {
        "pk": string(keys.segment_pk(policy.segment)),
        "sk": string(keys.POLICY_SK),
        "format": number(POLICY_FORMAT),
        "version": number(policy.version),
        "episodes": number(policy.episodes),
        "values": {
            "B": _VALUES.pack(
                *policy.values,
                *policy.state_advantages,
                *policy.action_advantages,
                *policy.variances,
                policy.reference,
                policy.noise,
                policy.pooling,
            )
        },
        "counts": {"B": _COUNTS.pack(*policy.counts)},
        "activities": {"B": activities},
    }


def read_policy(item: Stored) -> Policy:
    """The stored policy. Raises PolicyUnreadableError for another format or size: refused, not guessed at."""
    try:
        return _read_policy(item)
    except UnreadableItemError as error:
        raise PolicyUnreadableError(str(error)) from error


@strict
def _read_policy(item: Stored) -> Policy:
    if (form := read_int(item, "format")) != POLICY_FORMAT:
        raise PolicyUnreadableError(f"the stored policy has format {form}, this code reads {POLICY_FORMAT}")
    values = _VALUES.unpack(item["values"]["B"])
    return Policy(
        segment=Segment[item["pk"]["S"].removeprefix("SEGMENT#")],
        version=read_int(item, "version"),
        episodes=read_int(item, "episodes"),
        values=values[: _ENDS[0]],
        state_advantages=values[_ENDS[0] : _ENDS[1]],
        action_advantages=values[_ENDS[1] : _ENDS[2]],
        variances=values[_ENDS[2] : _ENDS[3]],
        reference=values[-3],
        noise=values[-2],
        pooling=values[-1],
        counts=_COUNTS.unpack(item["counts"]["B"]),
        activities={e: ActivityStats(*rest) for e, *rest in _STATS.iter_unpack(item["activities"]["B"])},
        refolding=maybe_int(item, "refolding"),
    )


def snapshot_item(policy: Policy) -> Item:
    """The whole policy as of its version."""
    return _whole(policy) | {"sk": string(keys.snapshot_sk(policy.version))}


def record_item(segment: Segment, record: VersionRecord) -> Item:
    """How a version came to be: what it learned, in order, and with which constants; or why else it is there."""
    learner = record.learner
    item: Item = {
        "pk": string(keys.segment_pk(segment)),
        "sk": string(keys.version_sk(record.version)),
        "learner": {"L": [string(learner.exploration), *(number(getattr(learner, name)) for name in _CONSTANTS)]},
        "transitions": {"L": [{"M": _transition_map(t)} for t in record.transitions]},
    }
    for name, version in (("restored", record.restored), ("rewritten", record.rewritten)):
        if version is not None:
            item[name] = number(version)
    if record.reason is not None:
        item["reason"] = string(record.reason)
    return item


@strict
def read_record(item: Stored) -> VersionRecord:
    exploration, *constants = item["learner"]["L"]
    return VersionRecord(
        version=int(item["sk"]["S"].removeprefix(keys.VERSION_PREFIX)),
        learner=Learner.model_validate(
            {"exploration": exploration["S"]} | {name: n["N"] for name, n in zip(_CONSTANTS, constants, strict=True)}
        ),
        transitions=tuple(_read_transition(t["M"]) for t in item["transitions"]["L"]),
        restored=maybe_int(item, "restored"),
        rewritten=maybe_int(item, "rewritten"),
        reason=item["reason"]["S"] if "reason" in item else None,
    )


def _transition_map(t: Transition) -> Item:
    results = b"".join(_RESULT.pack(r.entry, r.completed, _NO_LIFT if r.lift is None else r.lift) for r in t.results)
    return {
        "key": {"B": t.key},
        "s": number(t.state.row),
        "a": number(int(t.action)),
        "r": number(t.reward),
        "next": number(t.next_state.row),
        "barred": actions(t.barred),
        "results": {"B": results},
    }


def _read_transition(item: Stored) -> Transition:
    results: Any = _RESULT.iter_unpack(item["results"]["B"])
    return Transition(
        key=item["key"]["B"],
        state=State.from_row(read_int(item, "s")),
        action=Action(read_int(item, "a")),
        reward=read_float(item, "r"),
        next_state=State.from_row(read_int(item, "next")),
        barred=read_actions(item, "barred"),
        results=tuple(Result(entry, done, None if lift == _NO_LIFT else lift) for entry, done, lift in results),
    )
