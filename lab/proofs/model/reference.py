"""Models what Fettle promises in plain Python, without a table, revisions or races.

Nothing of the service is imported here. The formulas are those of `lab.proofs.formulas`, which the recount uses too.
"""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import NamedTuple

from lab.proofs.formulas import Figures, Said, day_is_over, faded, figures, motivated, own_day

BLANK: Said = {
    "completed": None,
    "motivation_before": None,
    "motivation_after": None,
    "difficulty_rating": None,
    "notes": "",
    "at": None,
    "on": None,
}


@dataclass
class Known:
    """What is known of a person, by action: how many of the present segment's sessions count and what they came to, and
    how many count from earlier segments. `latest` holds the actions of the latest five sessions that the person saw.
    """

    counts: dict[int, int] = field(default_factory=dict)
    sums: dict[int, int] = field(default_factory=dict)
    earlier: dict[int, int] = field(default_factory=dict)
    latest: list[int] = field(default_factory=list)

    def taught(self, action: int, reward: float) -> None:
        self.counts[action] = self.counts.get(action, 0) + 1
        self.sums[action] = self.sums.get(action, 0) + round(1_000_000 * reward)

    def taught_elsewhere(self, action: int, sessions: int = 1) -> None:
        self.earlier[action] = self.earlier.get(action, 0) + sessions

    def move(self) -> None:
        for action, sessions in self.counts.items():
            self.taught_elsewhere(action, sessions)
        self.counts, self.sums = {}, {}

    def frozen(self) -> tuple[tuple[int, ...], ...]:
        """Returns the four parts as they are stored."""
        parts = (self.counts, self.sums, self.earlier)
        return (*(tuple(part.get(action, 0) for action in range(6)) for part in parts), tuple(self.latest))


@dataclass
class Plan:
    """A session.

    `engaged` is the engagement after it; `episodes` is the count that its answer gave when it was learned from; `known`
    is what was known of the person when it was drawn.
    """

    number: int
    key: bytes
    segment: str
    engagement: float
    expires: int
    shown: bool
    fallback: bool
    answers: list[Said]
    action: int
    known: tuple[tuple[int, ...], ...]
    status: str = "open"
    ended_by: str | None = None
    rating: int | None = None
    notes: str = ""
    reward: float | None = None
    engaged: float | None = None
    motivated: float | None = None
    day: date | None = None
    episodes: int | None = None
    why: str | None = None

    def figures(self, rating: int | None = None) -> Figures:
        return figures(self.answers, len(self.answers), self.engagement, rating)

    @property
    def delta(self) -> float:
        return (self.figures().engagement if self.engaged is None else self.engaged) - self.engagement

    def merged(self, position: int, said: Said, now: int, today: date) -> Said:
        """Returns an activity's answers with these over them: a field left out keeps its value, null clears it."""
        new = self.answers[position - 1] | said
        new["notes"] = new["notes"] or ""
        new["at"], new["on"] = (new["at"] or now, new["on"] or today) if new["completed"] else (None, None)
        return new


class Day(NamedTuple):
    """The mark of a day, with the values at the day's first moment."""

    segment: str
    timezone: str
    session: int
    engagement: float
    motivation: float
    first_ever: bool


class Counts(NamedTuple):
    """Counts what a person's day has had: sessions issued, and closed sessions that are learned from."""

    day: date | None = None
    issued: int = 0
    taught: int = 0


@dataclass
class Person:
    """A user of the service.

    `held` is the day that a person who asked to be erased had used up, and the second at which it is over. `bare` is
    true when nothing but that day is left of the person. An erasure that was put off `failures` times is tried again at
    the second `due`.
    """

    segment: str
    timezone: str = "UTC"
    avoid: list[str] = field(default_factory=list)
    engagement: float = 0.0  # as of `seen`
    motivation: float = 0.0
    seen: date | None = None
    days: dict[date, Day] = field(default_factory=dict)
    erasing: bool = False
    plans: list[Plan] = field(default_factory=list)
    counts: Counts = field(default_factory=Counts)
    held: tuple[date, int] | None = None
    bare: bool = False
    due: int = 0
    failures: int = 0
    known: Known = field(default_factory=Known)

    def move(self, segment: str) -> None:
        """Puts the person into a segment; in another one than before what is known of them starts anew."""
        if segment != self.segment:
            self.segment = segment
            self.known.move()

    def today(self, now: int) -> date:
        return own_day(datetime.fromtimestamp(now, UTC), self.timezone, self.seen)

    def score(self, now: int) -> float:
        return faded(self.engagement, self.seen, self.today(now))

    def counted(self, now: int) -> Counts:
        """Returns the counts of the person's present day, which never runs backwards."""
        day = own_day(datetime.fromtimestamp(now, UTC), self.timezone, self.counts.day)
        return self.counts if day == self.counts.day else Counts(day)

    def day_over(self, now: int) -> int:
        """Returns the second at which the day of the counts is over."""
        return day_is_over(self.counted(now).day or self.today(now), self.timezone)

    def active(self, now: int, number: int) -> date:
        """Records that the person was shown that session or answered; the first time on a day writes a mark."""
        today = self.today(now)
        if today != self.seen:
            self.engagement, first = self.score(now), self.seen is None
            self.seen = today
            self.days[today] = Day(self.segment, self.timezone, number, self.engagement, self.motivation, first)
        return today

    def done_today(self, now: int) -> int:
        """Returns how many completions count for today; each counts for the person's day when it was made."""
        return [a["on"] for p in self.plans for a in p.answers].count(self.today(now))


@dataclass
class Model:
    """Holds all people, what each segment learned (sessions by their key), whom it excludes (the first eight bytes of
    their keys), and which policies are unreadable or contended.
    """

    segments: tuple[str, ...]
    now: int
    sessions_per_day: int = 1000
    learned_per_day: int = 1000
    people: dict[str, Person] = field(default_factory=dict)
    contended: bool = False
    unreadable: set[str] = field(default_factory=set)
    learned: dict[str, dict[bytes, Plan]] = field(default_factory=dict)
    excluded: dict[str, set[bytes]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.learned = {segment: {} for segment in self.segments}
        self.excluded = {segment: set() for segment in self.segments}

    def told(self) -> str:
        """Returns everything but the time as text: while it stays the same, the table must stay the same."""
        return repr((self.people, self.unreadable, self.learned, self.excluded))

    def plan(self, user: str, number: int) -> Plan | None:
        plans = self.people[user].plans
        return plans[number - 1] if 0 < number <= len(plans) else None

    def takes(self, plan: Plan) -> bool:
        return plan.status == "open" and self.now < plan.expires

    def refuses(self, person: Person) -> bool:
        """Returns whether all sessions of the person's day have been issued."""
        return person.counted(self.now).issued >= self.sessions_per_day

    def issue(self, person: Person, plan: Plan) -> None:
        counts = person.counted(self.now)
        person.counts = counts._replace(issued=counts.issued + 1)
        person.plans.append(plan)

    def delete(self, person: Person) -> None:
        """Marks the person as in erasure; a day that is used up is kept until it is over."""
        counts = person.counted(self.now)
        used_up = self.refuses(person) or 0 < self.learned_per_day <= counts.taught
        if person.erasing:
            return
        if used_up and counts.day:
            person.held = counts.day, person.day_over(self.now)
        person.erasing, person.due = True, self.now

    def close(
        self, person: Person, plan: Plan, by: str, rating: int | None = None, notes: str = "", out: bool = False
    ) -> None:
        """Closes the plan; `out` says that a policy was read by which it is excluded, whatever the day's counts."""
        came_to = plan.figures(rating)
        for answer in plan.answers:
            answer["completed"] = bool(answer["completed"])
        person.engagement = plan.engaged = came_to.engagement
        person.motivation = plan.motivated = motivated(person.motivation, came_to.lift)
        plan.status, plan.ended_by, plan.reward, plan.rating, plan.notes = "closed", by, came_to.reward, rating, notes
        person.counts = counts = person.counted(self.now)
        over = counts.taught >= self.learned_per_day
        plan.why = "fallback" if plan.fallback else "excluded" if out else "over-weight" if over else None
        at_once = by != "expiry" and not self.contended and self.may_learn(plan)
        if at_once and self.excludes(plan):
            plan.why = "excluded"
        person.known.latest = [*person.known.latest, plan.action][-5:]
        if plan.why is None:
            person.counts = counts._replace(taught=counts.taught + 1)
            if plan.segment == person.segment:
                person.known.taught(plan.action, plan.reward)
            else:
                person.known.taught_elsewhere(plan.action)
            if at_once:
                self.learn(plan)
                plan.episodes = self.episodes(plan.segment)

    def may_learn(self, plan: Plan) -> bool:
        return plan.status == "closed" and plan.why is None and plan.segment not in self.unreadable

    def excludes(self, plan: Plan) -> bool:
        return plan.key[:8] in self.excluded[plan.segment]

    def episodes(self, segment: str) -> int:
        """Returns how many sessions the segment's policy counts."""
        return sum(key[:8] not in self.excluded[segment] for key in self.learned[segment])

    def learn(self, plan: Plan) -> None:
        assert plan.key not in self.learned[plan.segment]
        assert plan.reward is not None
        plan.status = "learned"
        self.learned[plan.segment][plan.key] = plan

    def erase(self, person: Person) -> bool:
        """Removes what was learned from the person from every readable policy; returns whether nothing of it is left.

        If something is left the person waits, each time twice as long, up to 15 minutes.
        """
        person.plans = [plan for plan in person.plans if plan.status == "learned"]
        for plan in person.plans:
            if plan.segment not in self.unreadable:
                self.learned[plan.segment].pop(plan.key, None)
                self.excluded[plan.segment].discard(plan.key[:8])
        left = any(plan.segment in self.unreadable for plan in person.plans)
        if left:
            person.due = self.now + 60 * min(2**person.failures, 15)
            person.failures += 1
        return not left

    def expire(self, person: Person, read: str = "") -> bool:
        """Closes the latest session as it stands if it has expired, and returns whether it did.

        `read` is the segment whose policy was read for that.
        """
        plan = person.plans[-1] if person.plans else None
        if plan is None or plan.status != "open" or self.now < plan.expires:
            return False
        if plan.shown or any(a["completed"] is not None for a in plan.answers):
            out = plan.segment == read and plan.segment not in self.unreadable and self.excludes(plan)
            self.close(person, plan, "expiry", out=out)
        else:
            plan.status, plan.ended_by = "unseen", "expiry"
        return True

    def complete(self, user: str, number: int, position: int, said: Said) -> int:
        """Applies the completion and returns the status that answers it."""
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
        """Applies the batch and returns the status that answers it.

        `items` are answers by position, `more` has the rating and notes that the batch states.
        """
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
        """Applies the rating and notes of a batch that agrees with a closed session, and returns the status that
        answers it.
        """
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


def iso(seconds: int | None) -> str | None:
    return None if seconds is None else f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"
