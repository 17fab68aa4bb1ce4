"""Simulated people, and the tastes they hide from the service.

A person belongs to one of the nine segments. The segment has tastes (`lab.world.tastes`); a person deviates from them,
has a disposition of their own, and in a bad spell gentle plans suit them better and hard ones worse.
The service sees none of this, only answers. The demo meets these people over HTTP, the simulator in-process.

How much of a plan gets done depends on the action; which of its activities, on the activities. That keeps the
expected reward exact: with p the willingness, n activities assigned and t of them tried on this visit,

    done        ~ Binomial(t, p)
    after-before  has mean lift(p), whatever the activity; both ratings are given with probability RATED
    E[reward]   = (t p / n + lift(p) / 5 * (1 - (1 - p RATED)^t)) / 2

where the last factor is the chance that at least one completed activity carries both ratings. How a visit ends
(`Ending`) is settled before the plan is seen, so it favours no action.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from random import Random
from typing import NamedTuple

from lab.world.tastes import USUAL, Moment, Tastes, demo_tastes, rested, tired, used_up

# What a good spell adds to the appetite for each action, and a bad one takes; the lighter plan is for bad spells.
SPELL = (0.05, 0.07, 0.04, 0.04, 0.10, -0.05)
HARD, SOUR = 2.0, 2.5  # points of difficulty that full fatigue adds to an activity, and points it takes from a rating
RATED = 0.85
MEMORY = 0.8
LEVELS = ("Low", "Moderate", "High")
GAD7 = {"Low": (0, 9), "Moderate": (10, 14), "High": (15, 21)}
MINUTES = {"Low": (0, 59), "Moderate": (60, 149), "High": (150, 400)}
TIMEZONES = (
    "Europe/Berlin", "America/New_York", "Asia/Kolkata", "America/Los_Angeles", "Asia/Tokyo",
    "Europe/London", "Australia/Sydney", "Africa/Nairobi", "America/Sao_Paulo", "UTC",
)  # fmt: skip
TAGS = (
    "floor", "kneeling", "high_impact", "upper_body", "lower_body",
    "balance", "neck", "breath_hold", "strain", "outdoors",
)  # fmt: skip
NOTES = ("Felt good.", "Was tired today.", "Too long for a lunch break.", "Slept better afterwards.")


class Ending(Enum):
    """How a visit goes, whatever the plan turns out to be."""

    BATCH = "answers everything at once"
    ONE_BY_ONE = "answers each activity after doing it"
    HALF_WAY = "answers the first half one by one, then leaves the session to expire"
    LOOKED = "sees the plan and does nothing"
    UNSEEN = "the phone prefetches the plan, nobody looks"


class Offered(NamedTuple):
    """What a person weighs in an activity that was assigned to them."""

    id: int
    type: str
    minutes: int
    intensity: str


class Answer(NamedTuple):
    """A person's feedback on one activity; None is a question left open."""

    activity_id: int
    completed: bool
    motivation_before: int | None = None
    motivation_after: int | None = None
    difficulty_rating: int | None = None
    notes: str = ""


@dataclass
class Person:
    """One simulated user: what the service is told, and what it is not.

    `spell`, `fatigue` and `used`, how far each action is used up on the day `used_on`, move by what they do.
    """

    name: str
    segment: str
    timezone: str
    avoid: tuple[str, ...]
    scores: tuple[int, int] | None
    hour: int
    first_day: int
    last_day: int
    regularity: float
    habit: Ending
    prefetches: bool
    unreliable: float
    tastes: Tastes
    deviation: tuple[float, ...]
    disposition: float
    rng: Random
    spell: float = 0.0
    fatigue: float = 0.0
    used: tuple[float, ...] = USUAL.used
    used_on: float = 0.0


class Visit(NamedTuple):
    """What is settled before the plan is seen."""

    ending: Ending
    spell: float
    moment: Moment = USUAL

    def tries(self, assigned: int) -> int:
        """How many of the assigned activities the person gets round to."""
        if self.ending is Ending.HALF_WAY:
            return assigned // 2
        return 0 if self.ending in (Ending.LOOKED, Ending.UNSEEN) else assigned


def population(seed: int, per_segment: int, days: int, tastes: Mapping[str, Tastes] | None = None) -> list[Person]:
    """The whole cast, segment by segment; the same seed makes the same people. Without tastes, the demo's."""
    return [
        person(seed, segment, place, days, its)
        for segment, its in (tastes or demo_tastes()).items()
        for place in range(per_segment)
    ]


def person(seed: int, segment: str, place: int, days: int, tastes: Tastes) -> Person:
    """The person who comes at this place in their segment."""
    name = f"{segment.lower().replace(',', '').replace(' ', '-')}-{place}"
    rng = Random(f"{seed}/{name}")
    drops_out = rng.random() < 0.15
    return Person(
        name=name,
        segment=segment,
        timezone=rng.choice(TIMEZONES),
        avoid=tuple(rng.sample(TAGS, rng.choice((0, 0, 0, 1, 2)))),
        scores=_scores(segment, rng) if place % 2 else None,
        hour=rng.choice((6, 7, 8, 12, 17, 19, 21)),
        first_day=rng.randrange(3),
        last_day=rng.randrange(days // 4, days - days // 4) if drops_out else days,
        regularity=rng.uniform(0.85, 1.0),
        habit=Ending.ONE_BY_ONE if place % 4 == 3 else Ending.BATCH,
        prefetches=place % 8 == 2,
        unreliable=rng.uniform(0.02, 0.14),
        tastes=tastes,
        deviation=tuple(rng.gauss(0.0, tastes.deviation) for _ in tastes.appetites),
        disposition=min(max(rng.gauss(0.0, 0.4), -0.8), 0.8),
        rng=rng,
    )


def _scores(segment: str, rng: Random) -> tuple[int, int]:
    """A GAD-7 score and active minutes a week that land in the segment (spec 4)."""
    anxiety, activity = (part.split()[0] for part in segment.split(", "))
    return rng.randint(*GAD7[anxiety]), rng.randint(*MINUTES[activity])


def days_out(person: Person) -> Iterator[int]:
    """The days, counted from the start, on which the person opens the app unless something keeps them away."""
    yield person.first_day
    for day in range(person.first_day + 1, person.last_day):
        if person.rng.random() < person.regularity:
            yield day


def next_visit(person: Person, newcomer: bool = False, moment: Moment = USUAL) -> Visit:
    """Draws how the coming visit goes, before any plan is known; newcomers finish what they begin."""
    if person.tastes.fades:
        moment = moment._replace(used=rested(person.used, moment.day - person.used_on))
    return Visit(_ending(person, newcomer), person.spell, moment._replace(fatigue=person.fatigue))


def _ending(person: Person, newcomer: bool) -> Ending:
    if newcomer:
        return person.habit
    if person.tastes.looks and person.rng.random() < person.tastes.looks:
        return Ending.LOOKED
    if person.rng.random() >= person.unreliable:
        return person.habit
    return person.rng.choice((Ending.HALF_WAY, Ending.HALF_WAY, Ending.LOOKED, Ending.UNSEEN))


def unworn(visit: Visit) -> Visit:
    """The same visit, had the person had nothing lately."""
    return visit._replace(moment=visit.moment._replace(recent=USUAL.recent, used=USUAL.used))


def willingness(person: Person, visit: Visit, action: int) -> float:
    """The chance that an activity of this action's plan gets done on this visit."""
    liking = clip(person.tastes.appetites[action] + person.deviation[action])
    liking = liking + SPELL[action] * visit.spell + person.tastes.shift(action, visit.moment)
    return clip(liking * person.tastes.left(action, visit.moment))


def lift(person: Person, willing: float) -> float:
    """Mean motivation points that an activity brings this person."""
    return usual_lift(willing) + person.disposition


def usual_lift(willing: float) -> float:
    """The same for a person without a disposition: people gain from what they like (0.25 -> -0.8, 0.86 -> +1.5)."""
    return 3.8 * willing - 1.75


def expected_reward(person: Person, visit: Visit, action: int, assigned: int) -> float:
    """The exact mean of the session's reward, had this action been served (the formula in the module's docstring)."""
    willing = willingness(person, visit, action)
    return mean_reward(willing, lift(person, willing), visit.tries(assigned), assigned)


def mean_reward(willing: float, points: float, tried: int, assigned: int) -> float:
    """E[reward] with mean lift `points`, `tried` of the `assigned` activities being tried."""
    any_rated = 1.0 - (1.0 - willing * RATED) ** tried
    return (tried * willing / assigned + points / 5.0 * any_rated) / 2.0


def answers(person: Person, visit: Visit, action: int, plan: Sequence[Offered]) -> list[Answer]:
    """What the person reports of the activities they got round to, in the plan's order; moves their spell and wear."""
    willing, tried = willingness(person, visit, action), plan[: visit.tries(len(plan))]
    done = sum(person.rng.random() < willing for _ in tried)
    chosen = set(sorted(tried, key=lambda offered: _reluctance(offered, person.rng))[:done])
    person.spell = MEMORY * person.spell + (1.0 - MEMORY) * (2.0 * done / len(plan) - 1.0)
    _wear(person, visit.moment, action, done / len(plan), bool(tried))
    return [_answer(person, offered, willing) if offered in chosen else Answer(offered.id, False) for offered in tried]


def _wear(person: Person, moment: Moment, action: int, done: float, tried: bool) -> None:
    if person.tastes.demand is not None:
        person.fatigue = tired(person.fatigue, person.tastes.demand[action], done)
    if person.tastes.fades and tried:
        person.used, person.used_on = used_up(moment.used, action), moment.day


def _reluctance(offered: Offered, rng: Random) -> float:
    return rng.random() * (1.0 + offered.minutes / 30.0 + 0.3 * LEVELS.index(offered.intensity))


def _answer(person: Person, offered: Offered, willing: float) -> Answer:
    before, after = _ratings(person, willing)
    return Answer(
        activity_id=offered.id,
        completed=True,
        motivation_before=before,
        motivation_after=after,
        difficulty_rating=_difficulty(person, offered) if person.rng.random() < 0.4 else None,
        notes=person.rng.choice(NOTES) if person.rng.random() < 0.03 else "",
    )


def _ratings(person: Person, willing: float) -> tuple[int | None, int | None]:
    """Motivation before and after; the gain is drawn first, so that the ends of the scale do not shorten it."""
    rng = person.rng
    gain = int(lift(person, willing) + 10.0 + rng.random()) - 10 + rng.choice((-1, 0, 0, 1))
    before = min(max(round(2.5 + person.spell + rng.random()), 1, 1 - gain), 5, 5 - gain)
    if rng.random() < RATED:
        return before, before + gain
    return (before, None) if rng.random() < 0.5 else (None, None)


def _difficulty(person: Person, offered: Offered) -> int:
    felt = 2.0 + LEVELS.index(offered.intensity) - 0.5 * person.spell + person.rng.uniform(-0.8, 0.8)
    felt += HARD * person.fatigue
    return min(max(round(felt), 1), 5)


def session_rating(person: Person, action: int, reported: Sequence[Answer]) -> int | None:
    """One to five for the session as a whole, about every third time."""
    if person.rng.random() >= person.tastes.rates or not reported:
        return None
    done = sum(answer.completed for answer in reported) / len(reported)
    felt = 1.5 + 2.5 * done + person.tastes.regard[action] + person.rng.uniform(-0.7, 0.7) - SOUR * person.fatigue
    return min(max(round(felt), 1), 5)


def clip(share: float) -> float:
    """A willingness: nobody does everything, or nothing."""
    return min(max(share, 0.05), 0.95)
