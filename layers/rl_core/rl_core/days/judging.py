"""Judges each light from what was read: values in, colours out."""

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from rl_core.days.course import NO_ROW, Course, DayRow, summed
from rl_core.days.lights import (
    BEFORE,
    ENOUGH_DRAWN,
    FEWEST_REWARDS,
    LONGEST,
    OTHERS,
    RECENT,
    RULE,
    Colour,
    Light,
    Replay,
    Replayed,
    Weight,
    worst,
)
from rl_core.days.showing import shown
from rl_core.models import MILLION, Segment

_DAY = timedelta(days=1)
_LATE = timedelta(days=8)  # figures of an older final day say nothing of today
_Z = 1.96  # of a 95 % interval
_WRONG = {Replayed.DIFFERS, Replayed.UNREADABLE}


@dataclass(frozen=True, slots=True)
class Seen:
    """Holds what was read at a moment.

    `final` is the last final day. `courses` has what TREND holds, None where it cannot be read. `waiting` and
    `erasures` are seconds, 0 if nothing waits; None says that it could not be read. `waiting_at` is when `waiting` was
    read, if that was not now.
    """

    now: datetime
    final: date | None = None
    courses: Mapping[Segment, Course | None] = field(default_factory=dict)
    weights: Mapping[Segment, Weight] = field(default_factory=dict)
    replays: Mapping[Segment, Replay] = field(default_factory=dict)
    waiting: float | None = None
    parked: int | None = None
    erasures: float | None = None
    waiting_at: datetime | None = None

    def known(self) -> dict[Segment, Course]:
        """Returns the courses that go up to the last final day, if that is not too long ago."""
        if self.final is None or self.final < self.now.date() - _LATE:
            return {}
        return {s: its for s, its in self.courses.items() if its is not None and its.upto >= self.final}


def judge(seen: Seen) -> tuple[Light, ...]:
    """Returns every light, in the order of RULES."""
    days = (_fallbacks, _tries, _entropy) if seen.known() else ()
    of_days = [light(seen, seen.final) for light in days if seen.final]
    dark = [Light(name, Colour.GREY, None, seen.final, (), _UNKNOWN) for name in ("fallbacks", "tries", "entropy")]
    return (
        *(of_days or dark),
        _weight(seen),
        _reward(seen),
        _waiting(seen),
        _at_once("parked", seen.parked, seen),
        _at_once("erasures", seen.erasures, seen),
        _replay(seen),
    )


_UNKNOWN = "no final day is known of the last eight: see `DailySilentAlarm`"


def _summed_light(
    name: str, value: float | None, seen: Seen, segments: Iterable[Segment] = (), note: str = ""
) -> Light:
    """Returns the light of a figure of all segments; with one of them unknown it is not green."""
    colour, unknown = RULE[name].colour(value), [s for s in Segment if s not in seen.known()]
    if unknown:
        note = f"{note}; without {len(unknown)} segments whose TREND is missing or cannot be read".removeprefix("; ")
        colour = worst((colour, Colour.GREY))
    return Light(name, colour, value, seen.final, tuple(segments), note)


def _fallbacks(seen: Seen, final: date) -> Light:
    rows = {segment: course.rows.get(final, NO_ROW) for segment, course in seen.known().items()}
    shares = {s: its for s, row in rows.items() if shown(row.users) and (its := _fallen(row)) is not None}
    over = [s for s, its in shares.items() if RULE["fallbacks"].colour(its) is not Colour.GREEN]
    bad = sorted(over, key=lambda segment: -shares[segment])
    return replace(_summed_light("fallbacks", _fallen(summed(rows.values())), seen, bad), values=shares)


def _fallen(row: DayRow) -> float | None:
    """Returns the share of fallbacks; None where no session was to be drawn from a policy."""
    its = row.draws
    return its.fallbacks / row.sessions if its.drawn + its.fallbacks else None


def _tries(seen: Seen, final: date) -> Light:
    row, note = _latest(seen, final)
    return _summed_light("tries", row.draws.tries / row.draws.drawn if row else None, seen, note=note)


def _entropy(seen: Seen, final: date) -> Light:
    row, note = _latest(seen, final)
    return _summed_light("entropy", row.draws.entropy / MILLION / row.draws.drawn if row else None, seen, note=note)


def _latest(seen: Seen, final: date) -> tuple[DayRow | None, str]:
    """Returns the sum of the latest days on which enough sessions were drawn; None if 28 days have too few."""
    total = NO_ROW
    for n in range(LONGEST):
        day = final - n * _DAY
        total = total.plus(summed(course.rows.get(day, NO_ROW) for course in seen.known().values()))
        if total.draws.drawn >= ENOUGH_DRAWN:
            return total, f"of {total.draws.drawn} sessions drawn in {n + 1} days"
    return None, f"only {total.draws.drawn} sessions were drawn in {LONGEST} days"


def _weight(seen: Seen) -> Light:
    late = [s for s, its in seen.weights.items() if seen.now - its.at > _DAY]
    values = {s: its.share for s, its in seen.weights.items() if s not in late and its.others >= OTHERS}
    colours = {s: RULE["weight"].colour(value) for s, value in values.items()}
    return _by_segment("weight", values, colours, late, seen.now)


def _reward(seen: Seen) -> Light:
    found = {s: its for s, course in seen.known().items() if (its := change(course, seen.final or course.upto))}
    values = {s: its.difference for s, its in found.items() if its.difference is not None}
    colours = {s: found[s].colour() for s in values}
    return _by_segment("reward", values, colours, found.keys() - values.keys(), seen.final)


def _by_segment(
    name: str,
    values: Mapping[Segment, float],
    colours: Mapping[Segment, Colour],
    unknown: Collection[Segment],
    as_of: date | datetime | None,
) -> Light:
    """Returns a light over segments: the worst of those that are known, grey if none is. It names all not green."""
    ordered = sorted(values, key=values.__getitem__, reverse=not RULE[name].below)
    bad = [s for colour in (Colour.RED, Colour.YELLOW) for s in ordered if colours[s] is colour]
    value = values[(bad or ordered)[0]] if values else None
    segments = (*bad, *(s for s in Segment if s in unknown))
    return Light(name, worst(colours.values()), value, as_of, segments, values=values)


@dataclass(frozen=True, slots=True)
class Change:
    """Holds the change of a segment's mean reward and the upper end of its interval; None where too little is known."""

    difference: float | None = None
    upper: float = 0.0

    def colour(self) -> Colour:
        """Returns red or yellow where the whole interval lies below 0."""
        if self.difference is None:
            return Colour.GREY
        rule = RULE["reward"]
        return rule.colour(self.difference) if self.upper < rule.yellow else Colour.GREEN


def change(course: Course, final: date) -> Change | None:
    """Returns how the mean reward of the latest 7 days up to `final` differs from that of the 28 before.

    Returns None for a segment in which nothing happened. The interval is normal, from sums and sums of squares. Users
    are counted by the day on which most were served, because the same user may come on many days.
    """
    begin = final - (RECENT - 1) * _DAY
    sides = [course.between(begin, final), course.between(begin - BEFORE * _DAY, begin - _DAY)]
    if not any(sides):
        return None
    (now, now_variance), (then, then_variance) = (_mean(summed(rows.values())) for rows in sides)
    if not all(_enough(rows.values()) for rows in sides):
        return Change()
    return Change(now - then, now - then + _Z * math.sqrt(now_variance + then_variance))


def _enough(rows: Iterable[DayRow]) -> bool:
    its = list(rows)
    return sum(row.rewarded for row in its) >= FEWEST_REWARDS and shown(max(row.served for row in its))


def _mean(row: DayRow) -> tuple[float, float]:
    """Returns the mean reward and the variance of that mean."""
    n = row.rewarded
    if n < FEWEST_REWARDS:
        return 0.0, 0.0
    mean = row.rewards / n
    variance = max(0, row.reward_squares - row.rewards * row.rewards / n) / (n - 1)
    return mean / MILLION, variance / n / MILLION**2


def _waiting(seen: Seen) -> Light:
    light = _at_once("waiting", seen.waiting, seen)
    if seen.waiting_at is None:
        return light
    return replace(light, as_of=seen.waiting_at, note=f"as the guard saw it at {seen.waiting_at:%Y-%m-%d %H:%M} UTC")


def _at_once(name: str, value: float | None, seen: Seen) -> Light:
    return Light(name, RULE[name].colour(value), value, seen.now)


def _replay(seen: Seen) -> Light:
    """Returns red while the last check of any segment was wrong; grey unless all nine were checked within a day."""
    wrong = [s for s, its in seen.replays.items() if its.result in _WRONG]
    late = [s for s in Segment if s not in wrong and not _checked(seen.replays.get(s), seen.now)]
    unfinished = [s for s in late if s in seen.replays and seen.replays[s].result is Replayed.UNFINISHED]
    colour = Colour.RED if wrong else Colour.GREY if late else Colour.GREEN
    draws = sum(its.draws for its in seen.replays.values())
    note = f"{len(Segment) - len(wrong) - len(late)} of {len(Segment)} segments are equal; {draws} draws recomputed"
    if unfinished:
        note += f"; not finished: {len(unfinished)}"
    return Light("replay", colour, len(wrong) if not late or wrong else None, seen.now, (*wrong, *late), note)


def _checked(its: Replay | None, now: datetime) -> bool:
    return its is not None and its.result is Replayed.EQUAL and now - its.at <= _DAY
