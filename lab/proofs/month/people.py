"""Simulates people in many time zones, and logs what they did and were shown.

They look, answer some activities, come back after midnight or not at all, rate late, and fly across the date line. The
log is all that the recount knows.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

from local.phone import Json, Phone, ids
from rl_core.models import Segment

ZONES = (
    "Pacific/Kiritimati",
    "Asia/Kathmandu",
    "America/St_Johns",
    "Etc/GMT+12",
    "Pacific/Pago_Pago",
    "Australia/Lord_Howe",
    "Pacific/Chatham",
    "Europe/London",
    "America/New_York",
    "UTC",
)
SEGMENTS = tuple(segment.value for segment in Segment)
HOURS = (0, 0, 7, 8, 12, 18, 20, 22, 23, 23)  # many near midnight, where mistakes in the day are likely


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the log: `kind` is profile, assessed, shown, prefetched, answered, rated or paused."""

    user: str
    at: datetime
    kind: str
    what: Json


@dataclass(slots=True)
class Plan:
    """Holds what the person knows of the session on their phone."""

    number: int
    ids: list[int]
    expires: datetime
    answers: dict[int, Json] = field(default_factory=dict)
    over: bool = False
    rated: bool = True


class Person:
    """One simulated user; the same name and seed give the same life, except for the sessions served."""

    def __init__(self, name: str, seed: int, keenness: float = 1.0) -> None:
        self.name, self._rng = name, Random(f"{seed}/{name}")
        self.zone, self._segment = self._rng.choice(ZONES), self._rng.choice(SEGMENTS)
        self._keenness = keenness * self._rng.choice((0.04, 0.08, 0.12, 0.2, 0.5))
        self._travels, self._pauses = self._rng.random() < 0.05, self._rng.random() < 0.3
        self._paused_until: datetime | None = None
        self._travels = self._rng.random() < 0.05
        self._assessing = Random(f"{seed}/{name}/scores")  # apart, so that the lives are otherwise as they were
        self._assesses = self._assessing.choice((0.0, 0.0, 0.3, 0.6))
        self._plan: Plan | None = None
        self._known = False

    def visits(self, first: date, days: int) -> list[datetime]:
        """Returns when the person opens the app, in UTC; some do so for a while only, and are newcomers or dropouts."""
        begin = self._rng.choice((0, 0, 0, self._rng.randrange(days)))
        end = self._rng.choice((days, days, self._rng.randrange(days) + 1))
        return [moment for n in range(begin, end) for moment in self._of_day(first + timedelta(days=n))]

    def _of_day(self, day: date) -> Iterator[datetime]:
        for _ in range(1 + (self._rng.random() < 0.15)):
            if self._rng.random() < self._keenness:
                hour, minute, second = self._rng.choice(HOURS), self._rng.randrange(60), self._rng.randrange(60)
                local = datetime(day.year, day.month, day.day, hour, minute, second, tzinfo=ZoneInfo(self.zone))
                yield local.astimezone(UTC)

    def visit(self, at: datetime, phone: Phone[Json]) -> Iterator[Entry]:
        """Makes one visit with a phone of that time, and yields the lines of the log."""
        if not self._known or (self._travels and self._rng.random() < 0.3):
            yield self._move(at, phone)
        for _ in range(2):
            if self._assessing.random() < self._assesses:
                yield self._assess(at, phone)
        if self._paused_until and at < self._paused_until:
            if self._rng.random() < 0.5:
                if self._plan and not self._free(at):
                    yield from self._act(self._plan, at, phone)
                return
            yield self._end_pause(at, phone)
        yield from self._visit(at, phone)
        if self._pauses and self._rng.random() < 0.3:
            yield self._pause(at, phone)

    def _visit(self, at: datetime, phone: Phone[Json]) -> Iterator[Entry]:
        plan = self._plan
        if plan and plan.over and not plan.rated and self._rng.random() < 0.5:
            yield self._rate(plan, at, phone)
        if self._free(at) and self._rng.random() < 0.12:
            yield self._look(at, phone, "prefetched")
            if self._rng.random() < 0.4:
                return
        elif self._free(at) or self._rng.random() < 0.6:
            yield self._look(at, phone, "shown")
        if self._plan and not self._free(at):
            yield from self._act(self._plan, at, phone)

    def _free(self, at: datetime) -> bool:
        """Returns whether the person has no open session."""
        return self._plan is None or self._plan.over or at >= self._plan.expires

    def _move(self, at: datetime, phone: Phone[Json]) -> Entry:
        """Puts the first profile, or moves to another time zone and sometimes another segment."""
        if self._known:
            self.zone = self._rng.choice(ZONES)
            self._segment = self._rng.choice((self._segment, self._rng.choice(SEGMENTS)))
        self._known = True
        body = {"segment": self._segment, "timezone": self.zone}
        phone.put_profile(**body)
        return Entry(self.name, at, "profile", body)

    def _pause(self, at: datetime, phone: Phone[Json]) -> Entry:
        """Pauses for some hours or days, perhaps with a session open."""
        self._paused_until = at + timedelta(hours=self._rng.choice((1, 5, 20, 30, 60, 100, 200)))
        phone.put_pause(f"{self._paused_until:%Y-%m-%dT%H:%M:%SZ}")
        return Entry(self.name, at, "paused", {"until": self._paused_until})

    def _end_pause(self, at: datetime, phone: Phone[Json]) -> Entry:
        phone.delete_pause()
        self._paused_until = None
        return Entry(self.name, at, "paused", {"until": at})

    def _assess(self, at: datetime, phone: Phone[Json]) -> Entry:
        """Gives both scores, which may change the segment; sometimes twice at one visit."""
        scores = {
            "gad7_score": self._assessing.randint(0, 21),
            "active_minutes_per_week": self._assessing.choice((0, 59, 60, 149, 150, 900)),
        }
        self._segment = phone.put_profile(**scores)["segment"]
        return Entry(self.name, at, "assessed", scores)

    def _look(self, at: datetime, phone: Phone[Json], kind: str) -> Entry:
        answer = phone.recommend(prefetch=True) if kind == "prefetched" else phone.recommend()
        if self._plan is None or self._plan.number != answer["session_id"]:
            self._plan = Plan(answer["session_id"], ids(answer), datetime.fromisoformat(answer["expires_at"]))
        return Entry(self.name, at, kind, answer)

    def _act(self, plan: Plan, at: datetime, phone: Phone[Json]) -> Iterator[Entry]:
        """Gives no answers, some, all of them one by one, or a batch."""
        dice, left = self._rng.random(), [i for i in plan.ids if i not in plan.answers]
        if dice < 0.15:
            return
        if dice < 0.55:
            yield self._batch(plan, at, left, phone)
            return
        for identifier in left if dice > 0.85 else left[: len(left) // 2]:
            said = self._say()
            phone.complete(identifier, **said)
            plan.answers[identifier] = said
            yield Entry(self.name, at, "answered", {"session": plan.number, "answers": {identifier: said}})
        plan.over = len(plan.answers) == len(plan.ids)
        plan.rated = not plan.over

    def _batch(self, plan: Plan, at: datetime, left: list[int], phone: Phone[Json]) -> Entry:
        said = {identifier: self._say() for identifier in left[: self._rng.randint(1, len(left))]}
        items = [{"activity_id": i, **answer} for i, answer in said.items()]
        rated = {"overall_session_rating": self._rng.randint(1, 5)} if self._rng.random() < 0.4 else {}
        phone.batch(items, **rated)
        plan.over = True
        rating = rated.get("overall_session_rating")
        what = {"session": plan.number, "answers": said, "ends": True, "rating": rating}
        return Entry(self.name, at, "answered", what)

    def _rate(self, plan: Plan, at: datetime, phone: Phone[Json]) -> Entry:
        """Rates a session that completions ended at an earlier visit."""
        rating = self._rng.randint(1, 5)
        again = [{"activity_id": plan.ids[0], **plan.answers[plan.ids[0]]}]
        phone.batch(again, overall_session_rating=rating)
        plan.rated = True
        return Entry(self.name, at, "rated", {"session": plan.number, "rating": rating})

    def _say(self) -> Json:
        said: Json = {"completed": self._rng.random() < 0.65}
        if self._rng.random() < 0.8:
            said |= {"motivation_before": self._rng.randint(1, 5), "motivation_after": self._rng.randint(1, 5)}
        return said | ({"difficulty_rating": self._rng.randint(1, 5)} if self._rng.random() < 0.4 else {})
