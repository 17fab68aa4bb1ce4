"""Models a person, what is known of them, their sessions and their days, in plain Python.

Nothing of the service is imported here. The formulas are those of `lab.proofs.formulas`, which the recount uses too.
"""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import NamedTuple

from lab.proofs.formulas import Figures, Said, between, day_is_over, faded, figures, own_day
from lab.proofs.model.consent import Consent
from lab.proofs.model.pauses import Pause, Pauses

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

    def blur(self) -> None:
        """Keeps nothing but the count that bounds the person's weight: no plan may be personal."""
        self.move()
        self.latest = []

    def frozen(self) -> tuple[tuple[int, ...], ...]:
        """Returns the four parts as they are stored."""
        parts = (self.counts, self.sums, self.earlier)
        return (*(tuple(part.get(action, 0) for action in range(6)) for part in parts), tuple(self.latest))


@dataclass
class Plan:
    """A session.

    `engaged` is the engagement after it; `episodes` is the count that its answer gave when it was learned from; `known`
    is what was known of the person when it was drawn, `eligible` what could be drawn; `barred` is what could not be
    drawn when it closed. `even` says that the person wanted no personal plan; `parked` why it was set aside.
    """

    number: int
    key: bytes
    segment: str
    engagement: float
    expires: int
    shown: bool
    fallback: bool
    even: bool
    answers: list[Said]
    action: int
    known: tuple[tuple[int, ...], ...]
    eligible: list[int]
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
    parked: str | None = None
    barred: set[int] = field(default_factory=set)

    @property
    def waits(self) -> bool:
        """Returns whether it waits to be learned from, or would if it were not set aside."""
        return self.status == "closed" and self.why is None

    def drop(self) -> None:
        """Makes it a closed session that is not learned from, by the person's wish."""
        self.status, self.why, self.parked, self.episodes = "closed", "consent", None, None

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
    goes_on: bool  # whether every day since the active one before it was paused
    pauses: tuple[Pause, ...]


class Counts(NamedTuple):
    """Counts what a person's day has had: sessions issued, closed sessions that are learned from, and grants."""

    day: date | None = None
    issued: int = 0
    taught: int = 0
    grants: int = 0


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
    without: list[int] = field(default_factory=list)
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
    consent: Consent = field(default_factory=Consent)
    pauses: Pauses = field(default_factory=Pauses)

    def move(self, segment: str) -> None:
        """Puts the person into a segment; in another one than before what is known of them starts anew."""
        if segment != self.segment:
            self.segment = segment
            self.known.move()

    def today(self, now: int) -> date:
        return own_day(datetime.fromtimestamp(now, UTC), self.timezone, self.seen)

    def score(self, now: int) -> float:
        return faded(self.engagement, self.seen, self.today(now), self.paused(now))

    def paused(self, now: int) -> set[date]:
        """Returns the paused days since the person was seen, where the person is now."""
        return self.pauses.days(self.timezone, self.seen, self.today(now))

    def goes_on(self, now: int) -> bool:
        """Returns whether every day since the person was seen was a paused one."""
        return self.paused(now) == set(between(self.seen, self.today(now)))

    def streak(self, now: int) -> int:
        """Returns how many active days with a completion follow each other up to today, over paused days."""
        done = {a["on"] for p in self.plans for a in p.answers}
        days = [(day, its.goes_on) for day, its in sorted(self.days.items())]
        if self.seen != self.today(now):
            days.append((self.today(now), self.goes_on(now)))
        length = int(days[-1][0] in done)
        for (_, goes_on), (before, _) in zip(days[:0:-1], days[-2::-1], strict=True):
            if not goes_on or before not in done:
                break
            length += 1
        return length

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
            self.engagement, first, goes_on = self.score(now), self.seen is None, self.goes_on(now)
            self.seen, pauses = today, tuple(self.pauses.kept)
            self.days[today] = Day(
                self.segment, self.timezone, number, self.engagement, self.motivation, first, goes_on, pauses
            )
            self.pauses.seen(today, now)
        return today

    def done_today(self, now: int) -> int:
        """Returns how many completions count for today; each counts for the person's day when it was made."""
        return [a["on"] for p in self.plans for a in p.answers].count(self.today(now))


def iso(seconds: int | None) -> str | None:
    return None if seconds is None else f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"
