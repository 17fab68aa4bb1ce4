"""Reduces a table to what must be the same however the calls failed, and checks that it is consistent in itself."""

import json
import re
from dataclasses import replace
from typing import Any

from lab.proofs.faults.bench import Item
from rl_core.learner import fold
from rl_core.models import Assessment, Policy, Segment
from rl_core.store import keys, session_number, waits
from rl_core.store.assessments import read_assessment
from rl_core.store.audit import read_act
from rl_core.store.codecs import ASSESSMENTS
from rl_core.store.policies import read_policy, read_record

Outcome = dict[str, Any]

_OPEN_FALLBACK = ("status", "shown", "segment", "state", "engagement", "issued_at", "expires_at", "due_shard", "due_at")
_STUCK = ("due#", "erasing#")
_BY_OPERATORS = {"mended", "excluded under way", "included under way"}  # reasons of records
_BY_ORDER = {"version", "counted", "since", "table"}  # depend on the number of transactions and on a fold's order


def outcome(items: list[Item], *, ordered: bool, fallback: bool = False) -> Outcome:
    """Returns the table without what is random or tells of attempts: revisions, keys (a key becomes its owner's name),
    and from where on a user's sessions may wait.

    ordered: the policy is compared bit for bit; else up to the order of learning.
    fallback: open sessions and the action they add to the profile may be drawn differently.
    """
    owners = {i["key"]["B"]: _name(i) for i in items if "key" in i and "PROFILE" not in i["sk"]["S"]}
    found: Outcome = {}
    for item in items:
        name, kind = _name(item), item["sk"]["S"].partition("#")[0]
        if kind == "VERSION":
            for learned in item["transitions"]["L"]:
                entry = {**learned["M"], "key": owners.get(learned["M"]["key"]["B"], "nobody")}
                place = name if ordered else item["pk"]["S"] + " transitions"
                found.setdefault(place, []).append(entry)
        elif kind == "POLICY":
            found[name] = {k: v for k, v in item.items() if k != "acted" and (ordered or k not in _BY_ORDER)}
            if ordered:
                found[name]["version"] = int(item["version"]["N"]) - _erasures(items, item["pk"])
        elif kind == "SNAPSHOT" and not ordered:
            continue  # where it lies depends on the number of versions; `broken` says whether its records give it
        elif "who" in item:
            found["acts"] = _sorted(_with(found.get("acts", []), item))
        else:
            found[name] = _of_user(item, ordered, fallback)
    return {name: value if ordered or isinstance(value, dict) else _sorted(value) for name, value in found.items()}


def _with(acts: list[Item], item: Item) -> list[Item]:
    """Returns the acts and this one. The runs of `after-restore` count as one, for each leaves one."""
    if item["what"]["S"] != "after-restore":
        return [*acts, {k: v for k, v in item.items() if k != "sk"}]
    act = {k: v for k, v in item.items() if k not in {"sk", "before", "after"}}
    return acts if act in acts else [*acts, act]


def _sorted(entries: list[Any]) -> list[Any]:
    """Returns the entries in a fixed order.

    The names of a map are sorted too, because DynamoDB promises no order for them.
    """
    return sorted(entries, key=lambda entry: json.dumps(entry, sort_keys=True, default=repr))


def _erasures(items: list[Item], home: Any) -> int:
    """Returns how many versions erasures took. An erasure that was cut off and taken over takes one more."""
    return sum(i["pk"] == home and "rewritten" in i for i in items)


def _name(item: Item) -> str:
    return f"{item['pk']['S']} {item['sk']['S']}"


def _is_session(item: Item) -> bool:
    """Whether it is a session; its `learned` is a version, that of a profile is a count."""
    return str(item["sk"]["S"]).startswith("SESSION#")


def _of_user(item: Item, ordered: bool, fallback: bool) -> Outcome:
    dropped = {"revision", "key", "queued"} | (set() if ordered or not _is_session(item) else {"learned", "episodes"})
    fields = {name: value for name, value in item.items() if name not in dropped}
    if fallback and fields.get("status") == {"S": "open"}:
        return {name: fields[name] for name in _OPEN_FALLBACK}
    if fallback and "recent" in fields:
        fields["recent"] = {"S": fields["recent"]["S"][:-1]}
    return fields


def broken(items: list[Item]) -> list[str]:
    """Returns what is wrong within the table.

    That is: work that is stuck, sessions that a withdrawal would not find, records that do not give the policy, and
    assessments that the profile does not know.
    """
    stuck = [f"stuck: {_name(i)}" for i in items if i.get("due_shard", {"S": ""})["S"].startswith(_STUCK)]
    return stuck + _hidden(items) + _misrecorded(items) + _unknown(items)


def _unknown(items: list[Item]) -> list[str]:
    """Returns a line for each user whose profile and assessments do not agree on the first and the latest one."""
    profiles = [i for i in items if i["sk"]["S"] == keys.PROFILE_SK and "assessed" in i]
    known = {i["pk"]["S"]: ASSESSMENTS.read(i["assessed"]) for i in profiles}
    told: dict[str, list[Assessment]] = {}
    for item in (i for i in items if i["sk"]["S"].startswith(keys.ASSESSMENT_PREFIX)):
        told.setdefault(item["pk"]["S"], []).append(read_assessment(item))
    expected = {user: tuple(sorted(its)[n] for n in sorted({0, len(its) - 1})) for user, its in told.items()}
    return [f"assessments of {user}" for user in known.keys() | expected if known.get(user) != expected.get(user)]


def _hidden(items: list[Item]) -> list[str]:
    """Returns a line for each session that waits, or is set aside, before the first one at which a withdrawal looks."""
    firsts = {i["pk"]["S"]: int(i.get("queued", {"N": "0"})["N"]) for i in items if i["sk"]["S"] == "~PROFILE"}
    waiting = [i for i in items if _is_session(i) and waits(i) and i["status"]["S"] == "closed"]
    return [
        f"hidden from a withdrawal: {_name(i)}"
        for i in waiting
        if not 0 < firsts.get(i["pk"]["S"], 0) <= session_number(i)
    ]


def unaudited(items: list[Item]) -> list[str]:
    """Returns a line for each act of an operator without a version that it made, and for each such version without."""
    acts = [read_act(i) for i in items if i["pk"]["S"] == keys.AUDIT_PK]
    told = {(keys.segment_pk(a.segment), int(re.findall(r"\d+", a.after)[0])) for a in acts if a.segment}
    records = [(i["pk"]["S"], read_record(i)) for i in items if i["sk"]["S"].startswith(keys.VERSION_PREFIX)]
    made = {(home, r.version) for home, r in records if r.restored is not None or r.reason in _BY_OPERATORS}
    lines = [f"{home}: an act speaks of version {version}, which no operator made" for home, version in told - made]
    return lines + [f"{home}: of version {version} no act speaks" for home, version in made - told]


def _misrecorded(items: list[Item]) -> list[str]:
    """Returns a line for each policy that its version records do not give, and for each session not recorded once."""
    faults = []
    recorded: dict[tuple[str, int], list[bytes]] = {}
    for stored in (i for i in items if i["sk"]["S"] == "POLICY"):
        policy = read_policy(stored)
        replayed = Policy(policy.segment, excluded=policy.excluded)
        past = {0: replayed}
        records = [i for i in items if i["pk"] == stored["pk"] and i["sk"]["S"].startswith("VERSION#")]
        for record in sorted(records, key=lambda i: str(i["sk"]["S"])):
            read = read_record(record)
            base = replayed if read.restored is None else replace(past[read.restored], episodes=replayed.episodes)
            replayed = replace(fold(base, read.transitions, read.fold), version=replayed.version + 1)
            past[replayed.version] = replayed
            recorded[policy.segment.name, replayed.version] = [t.key for t in read.transitions]
        acts = [read.version for read in map(read_record, records) if read.reason is not None]
        if policy.acted != max(acts, default=0):
            faults.append(f"{_name(stored)} says that {policy.acted} is the latest version that is not plain learning")
        if replayed != policy:
            faults.append(f"{_name(stored)} is not what its {len(records)} records give")
        faults += [f"{_name(i)} is not what its records give" for i in items if _is_wrong_snapshot(i, stored, past)]
    all_keys = [key for keys in recorded.values() for key in keys]
    if len(set(all_keys)) < len(all_keys):
        faults.append("a session is recorded twice")
    for item in (i for i in items if _is_session(i) and "learned" in i):
        place = Segment.by_code(item["segment"]["S"]).name, int(item["learned"]["N"])
        if item["key"]["B"] not in recorded.get(place, []):
            faults.append(f"{_name(item)} says learned, its record does not")
    unmarked = [i for i in items if i.get("key", {}).get("B") in all_keys and "learned" not in i]
    return faults + [f"{_name(item)} is recorded, but not marked as learned" for item in unmarked]


def _is_wrong_snapshot(item: Item, stored: Item, past: dict[int, Policy]) -> bool:
    """Returns whether the item is a snapshot of this stored policy and is not the version that the records give."""
    if item["pk"] != stored["pk"] or not item["sk"]["S"].startswith(keys.SNAPSHOT_PREFIX):
        return False
    snapshot = read_policy(item)
    folded = past.get(snapshot.version)
    return folded is None or replace(snapshot, excluded=folded.excluded) != folded


def differences(expected: Outcome, found: Outcome) -> list[str]:
    """Returns a line for each entry that is missing, too much or different."""
    lines = [f"missing: {name}" for name in expected.keys() - found.keys()]
    lines += [f"too much: {name}" for name in found.keys() - expected.keys()]
    for name in sorted(expected.keys() & found.keys()):
        before, after = expected[name], found[name]
        if before == after:
            continue
        if isinstance(before, dict) and isinstance(after, dict):
            fields = sorted(k for k in before.keys() | after.keys() if before.get(k) != after.get(k))
            lines += [f"{name}.{k}: {after.get(k)} instead of {before.get(k)}" for k in fields]
        else:
            lines.append(f"{name}: {after} instead of {before}")
    return sorted(lines)
