"""Reads what the lights are judged by, within a budget of read units, and judges them. Writes nothing."""

from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple, TypeVar

from rl_core.config import Settings
from rl_core.days import LESSONS, RULE, Colour, Guard, Light, Replay, Replayed, Seen, Weight, judge
from rl_core.errors import PolicyUnreadableError, SpentError, UnavailableError
from rl_core.models import PERSON, Policy, Segment
from rl_core.store import Watch
from rl_core.work.checking import check

UNITS = 200.0  # of one run
_FOR_WEIGHTS = 110.0  # of these, at least
_FRESH = timedelta(hours=2)  # so old may be what the guard saw, which runs each hour
_WRONG = {Replayed.DIFFERS, Replayed.UNREADABLE}
T = TypeVar("T")


class Look(NamedTuple):
    """Holds the lights, what the guard keeps of them, and when the guard ran last, None if it never did."""

    lights: tuple[Light, ...]
    guard: Guard
    ran: datetime | None = None


def look(watch: Watch, settings: Settings, now: datetime) -> Look:
    """Returns the lights as of now.

    One segment's policy is replayed, the one whose last check is the longest ago; of the others, what the guard saw
    last stands. So do the weights of segments for which no units are left. Raises UnavailableError when the table
    cannot be reached, UnreadableItemError when what the guard kept cannot be parsed.
    """
    before = watch.guard()
    seen = _seen(watch, before, settings, now)
    seen = replace(seen, waiting=_or_none(lambda: watch.oldest_waiting(now, settings.index_shards)))
    policies = _policies(watch)
    replays = _replays(watch, before.replays, policies, settings, now)
    weights = _weights(watch, before.weights, policies, now)
    return _judged(replace(seen, replays=replays, weights=weights), before)


def glance(watch: Watch, settings: Settings, now: datetime) -> Look:
    """Returns the lights as of now, from less reading than `look`: no policy is replayed.

    What the guard saw last of replays and weights stands, but that policies which cannot be read are told at once, and
    that a weight which was too great is weighed again. So does what it saw waiting, where the budget does not cover
    all index partitions. Raises as `look` does.
    """
    before = watch.guard()
    seen, policies = _seen(watch, before, settings, now), _policies(watch)
    seen = _with_waiting(seen, watch, before, settings.index_shards)
    great = {segment: policies.get(segment) for segment in Segment if _is_great(before.weights.get(segment))}
    weights = _weights(watch, before.weights, great, now)
    told = {s: its for s, its in before.replays.items() if its.result is not Replayed.UNREADABLE or s not in policies}
    return _judged(replace(seen, replays=told | _unreadable(policies, now), weights=weights), before)


def _is_great(weight: Weight | None) -> bool:
    return weight is not None and RULE["weight"].colour(weight.share) is not Colour.GREEN


def _with_waiting(seen: Seen, watch: Watch, before: Guard, partitions: int) -> Seen:
    """Returns what was seen with how long the oldest session waits: read now, or as the guard saw it lately."""
    if watch.has_room_for_waiting(partitions):
        return replace(seen, waiting=_or_none(lambda: watch.oldest_waiting(seen.now, partitions)))
    last = before.lights.get("waiting")
    if last is None or seen.now - last.at > _FRESH:
        return seen
    return replace(seen, waiting=last.value, waiting_at=last.at)


def _seen(watch: Watch, before: Guard, settings: Settings, now: datetime) -> Seen:
    """Returns what is read at every look, but for the sessions that wait, which take most to read."""
    watermark = watch.watermark()
    return Seen(
        now,
        final=watermark.day if watermark else None,
        courses=_or_none(watch.lately) or {},
        parked=_or_none(watch.parked_sessions),
        erasures=_or_none(lambda: watch.erasures(now, settings.index_shards, _waited(before, now))),
    )


def _judged(seen: Seen, before: Guard) -> Look:
    lights = judge(seen)
    known = before.seen(lights, seen.now)
    ran = max((its.at for its in before.lights.values()), default=None)
    return Look(lights, replace(before, lights=known, replays=seen.replays, weights=seen.weights), ran)


def _waited(before: Guard, now: datetime) -> float:
    """Returns how many seconds the oldest erasure that the guard saw waiting would wait by now; 0 if it saw none."""
    seen = before.lights.get("erasures")
    return seen.value + (now - seen.at).total_seconds() if seen and seen.value else 0.0


def _or_none(read: Callable[[], T]) -> T | None:
    """Returns what was read; None when the budget ended before."""
    try:
        return read()
    except SpentError:
        return None


def _policies(watch: Watch) -> dict[Segment, Policy | None]:
    """Returns each segment's policy, None where it cannot be read; leaves out those that the budget did not reach."""
    found: dict[Segment, Policy | None] = {}
    with suppress(SpentError):
        for segment in Segment:
            try:
                found[segment] = watch.policy(segment, consistent=False)
            except PolicyUnreadableError as error:
                if isinstance(error.__cause__, UnavailableError):
                    raise error.__cause__ from error
                found[segment] = None
    return found


def _replays(
    watch: Watch,
    before: Mapping[Segment, Replay],
    policies: Mapping[Segment, Policy | None],
    settings: Settings,
    now: datetime,
) -> dict[Segment, Replay]:
    """Returns the last check of each segment's policy: one is checked now, and each that was wrong, if units are left.

    A policy that cannot be read is told at once.
    """
    found = dict(before)
    wrong = [s for s in Segment if s in before and before[s].result in _WRONG and policies.get(s) is not None]
    with watch.keeping(_FOR_WEIGHTS):
        for segment in dict.fromkeys([_next(before, now), *wrong]):
            if watch.left >= 1 and (its := check(watch, segment, settings, now)):
                found[segment] = its
    return found | _unreadable(policies, now)


def _unreadable(policies: Mapping[Segment, Policy | None], now: datetime) -> dict[Segment, Replay]:
    return {segment: Replay(Replayed.UNREADABLE, 0, 0, now) for segment, policy in policies.items() if policy is None}


def _next(before: Mapping[Segment, Replay], now: datetime) -> Segment:
    """Returns the segment whose turn it is: one that was never checked, or the one whose check is the longest ago.

    When a run is repeated it is the same segment again.
    """
    again = [s for s, its in before.items() if its.at == now and its.result is not Replayed.UNREADABLE]
    if again:
        return again[0]
    never = [segment for segment in Segment if segment not in before]
    return never[0] if never else min(Segment, key=lambda segment: before[segment].at)


def _weights(
    watch: Watch, before: Mapping[Segment, Weight], policies: Mapping[Segment, Policy | None], now: datetime
) -> dict[Segment, Weight]:
    """Returns who teaches how much of each segment, as far as the units go; those read the longest ago come first."""
    found = dict(before)
    readable = {segment: policy for segment, policy in policies.items() if policy is not None}
    turn = sorted(readable, key=lambda segment: before[segment].at.timestamp() if segment in before else 0)
    with suppress(SpentError):
        for segment in turn:
            found[segment] = weigh(watch, readable[segment], now)
    return found


def weigh(watch: Watch, policy: Policy, now: datetime) -> Weight:
    """Returns the greatest share that one person has in a segment's latest lessons, leaving out whom it excludes."""
    taught, total = Counter[bytes](), 0
    for record in watch.latest_records(policy.segment) if policy.version else ():
        lessons = record.transitions[::-1][: LESSONS - total]
        taught.update(t.key[:PERSON] for t in lessons)
        total += len(lessons)
        if total == LESSONS:
            break
    counted = {person: n for person, n in taught.items() if person not in policy.excluded}
    most = max(counted.values(), default=0)
    return Weight(most / max(1, sum(counted.values())), max(0, len(counted) - 1), now)
