"""What Fettle promises, said again in plain words: no table, no revision, no race. Only the formulas of the spec."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

Said = dict[str, Any]
BLANK: Said = {
    "completed": None,
    "motivation_before": None,
    "motivation_after": None,
    "difficulty_rating": None,
    "notes": "",
    "at": None,
    "on": None,
}


class Figures(NamedTuple):
    rate: float
    lift: float
    reward: float
    engagement: float


@dataclass
class Plan:
    """A session. `engaged` is the score it left behind, `episodes` what was answered when it was learned from."""

    number: int
    key: bytes
    segment: str
    engagement: float
    expires: int
    shown: bool
    fallback: bool
    answers: list[Said]
    status: str = "open"
    ended_by: str | None = None
    rating: int | None = None
    notes: str = ""
    reward: float | None = None
    engaged: float | None = None
    motivated: float | None = None
    day: date | None = None
    episodes: int | None = None

    def figures(self, rating: int | None = None) -> Figures:
        done = [a for a in self.answers if a["completed"]]
        rated = [a for a in done if a["motivation_before"] and a["motivation_after"]]
        rate = len(done) / len(self.answers)
        lift = mean([a["motivation_after"] - a["motivation_before"] for a in rated])
        fit = mean([1 - abs(a["difficulty_rating"] - 3) for a in done if a["difficulty_rating"]])
        moved = self.engagement + 0.2 * (rate - self.engagement) + 0.05 * fit + 0.1 * ((rating or 3) - 3)
        return Figures(rate, lift, (rate + lift / 5) / 2, min(max(moved, 0.0), 1.0))

    @property
    def delta(self) -> float:
        return (self.figures().engagement if self.engaged is None else self.engaged) - self.engagement

    def merged(self, position: int, said: Said, now: int, today: date) -> Said:
        """An activity's answers with these on top: left out keeps, null clears."""
        new = self.answers[position - 1] | said
        new["notes"] = new["notes"] or ""
        new["at"], new["on"] = (new["at"] or now, new["on"] or today) if new["completed"] else (None, None)
        return new


class Day(NamedTuple):
    """The mark of a day: what stood at its first moment."""

    segment: str
    timezone: str
    session: int
    engagement: float
    motivation: float
    first_ever: bool


@dataclass
class Person:
    segment: str
    timezone: str = "UTC"
    avoid: list[str] = field(default_factory=list)
    engagement: float = 0.0  # as of `seen`
    motivation: float = 0.0
    seen: date | None = None
    days: dict[date, Day] = field(default_factory=dict)
    erasing: bool = False
    plans: list[Plan] = field(default_factory=list)

    def today(self, now: int) -> date:
        """Their own day, which never runs backwards."""
        here = datetime.fromtimestamp(now, ZoneInfo(self.timezone)).date()
        return max(here, self.seen or here)

    def score(self, now: int) -> float:
        """Engagement, less a fifth of itself for each whole day away."""
        missed = (self.today(now) - self.seen).days - 1 if self.seen else 0
        return self.engagement * 0.8 ** max(missed, 0)

    def active(self, now: int, number: int) -> date:
        """They were shown that session, or answered: the first time on a day is written down."""
        today = self.today(now)
        if today != self.seen:
            self.engagement, first = self.score(now), self.seen is None
            self.seen = today
            self.days[today] = Day(self.segment, self.timezone, number, self.engagement, self.motivation, first)
        return today

    def done_today(self, now: int) -> int:
        """Completions of today, each on the day it had where they then were."""
        return [a["on"] for p in self.plans for a in p.answers].count(self.today(now))


@dataclass
class Model:
    """Everybody, what each segment learned (reward by session key), and what is out of order with the policies."""

    segments: tuple[str, ...]
    now: int
    people: dict[str, Person] = field(default_factory=dict)
    contended: bool = False
    unreadable: set[str] = field(default_factory=set)
    learned: dict[str, dict[bytes, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.learned = {segment: {} for segment in self.segments}

    def told(self) -> str:
        """All but the time: when this stays the same, so must the table."""
        return repr((self.people, self.unreadable, self.learned))

    def plan(self, user: str, number: int) -> Plan | None:
        plans = self.people[user].plans
        return plans[number - 1] if 0 < number <= len(plans) else None

    def takes(self, plan: Plan) -> bool:
        return plan.status == "open" and self.now < plan.expires

    def close(self, person: Person, plan: Plan, by: str, rating: int | None = None, notes: str = "") -> None:
        figures = plan.figures(rating)
        for answer in plan.answers:
            answer["completed"] = bool(answer["completed"])
        person.engagement = plan.engaged = figures.engagement
        person.motivation += 0.2 * (figures.lift / 5 - person.motivation)
        plan.motivated = person.motivation
        plan.status, plan.ended_by, plan.reward, plan.rating, plan.notes = "closed", by, figures.reward, rating, notes
        if by != "expiry" and not self.contended and self.may_learn(plan):
            self.learn(plan)
            plan.episodes = len(self.learned[plan.segment])

    def may_learn(self, plan: Plan) -> bool:
        return plan.status == "closed" and not plan.fallback and plan.segment not in self.unreadable

    def learn(self, plan: Plan) -> None:
        assert plan.key not in self.learned[plan.segment]
        assert plan.reward is not None
        plan.status = "learned"
        self.learned[plan.segment][plan.key] = plan.reward

    def erase(self, person: Person) -> bool:
        """Forgets what was learned from somebody, where it can be; whether nothing of it is left."""
        person.plans = [plan for plan in person.plans if plan.status == "learned"]
        for plan in person.plans:
            if plan.segment not in self.unreadable:
                self.learned[plan.segment].pop(plan.key, None)
        return not any(plan.segment in self.unreadable for plan in person.plans)

    def expire(self, person: Person) -> bool:
        """Closes the latest session as it stands, if its time is over."""
        plan = person.plans[-1] if person.plans else None
        if plan is None or plan.status != "open" or self.now < plan.expires:
            return False
        if plan.shown or any(a["completed"] is not None for a in plan.answers):
            self.close(person, plan, "expiry")
        else:
            plan.status, plan.ended_by = "unseen", "expiry"
        return True

    def complete(self, user: str, number: int, position: int, said: Said) -> int:
        """The status that answers this completion, done."""
        person = self.people.get(user)
        if person is None or person.erasing:
            return 409 if person else 404
        plan = self.plan(user, number)
        if plan is None or not 1 <= position <= len(plan.answers):
            return 404
        merged = plan.merged(position, said, self.now, person.today(self.now))
        if merged == plan.answers[position - 1]:
            return 200
        if not self.takes(plan):
            return 409
        plan.day = plan.day or person.today(self.now)
        person.active(self.now, number)
        plan.answers[position - 1] = merged
        if all(a["completed"] is not None for a in plan.answers):
            self.close(person, plan, "completions")
        return 200

    def batch(self, user: str, number: int, items: dict[int, Said], more: Said) -> int:
        """The status that answers this batch, done; `items` by position, `more` the rating and notes it states."""
        person = self.people.get(user)
        if person is None or person.erasing:
            return 409 if person else 404
        plan = self.plan(user, number)
        if plan is None or not all(1 <= p <= len(plan.answers) for p in items):
            return 404
        merged = {p: plan.merged(p, said, self.now, person.today(self.now)) for p, said in items.items()}
        if self.takes(plan):
            plan.day = plan.day or person.today(self.now)
            person.active(self.now, number)
            for position, answer in merged.items():
                plan.answers[position - 1] = answer
            self.close(person, plan, "batch", more.get("overall_session_rating"), more.get("notes") or "")
            return 200
        agrees = all(plan.answers[p - 1] == answer for p, answer in merged.items())
        return self.rate(person, plan, more) if agrees and plan.engaged is not None else 409

    def rate(self, person: Person, plan: Plan, more: Said) -> int:
        """A batch that agrees with a closed session: its rating and notes are known, or may still be added."""
        rating = more.get("overall_session_rating", plan.rating)
        notes = more.get("notes", plan.notes) or ""
        if (rating, notes) == (plan.rating, plan.notes):
            return 200
        if plan.ended_by != "completions" or plan.rating not in (None, rating) or plan.notes not in ("", notes):
            return 409
        plan.rating, plan.notes = rating, notes
        if plan is person.plans[-1]:
            person.engagement = plan.engaged = plan.figures(rating).engagement
        return 200


def mean(values: list[int]) -> float:
    return sum(values) / len(values) if values else 0.0


def iso(seconds: int | None) -> str | None:
    return None if seconds is None else f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"
