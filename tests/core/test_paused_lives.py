"""Lives at random, against a reference that keeps every pause and every active day; the profile drops most of them."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest

from rl_core.config import Settings
from rl_core.days import figures_of
from rl_core.errors import TooManyPausesError
from rl_core.models import Mark, Policy, Profile, Segment, Session, Status, Why
from rl_core.sessions import (
    MOST_PAUSES,
    Answer,
    engagement_now,
    expire,
    issue,
    pause_at,
    pause_ended,
    pause_until,
    record,
    show,
    streak_now,
)

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
ONE, HOUR = timedelta(days=1), timedelta(hours=1)
POLICY = Policy(Segment.HIGH_LOW)
ZONES = ("UTC", "Pacific/Kiritimati", "Etc/GMT+12", "America/St_Johns", "Pacific/Honolulu", "Asia/Kathmandu")
STEPS = 300


class Life:
    """A user who looks, answers, pauses and travels at random, and what the contract says of score and streak.

    `active` holds each active day, and whether every day since the one before it was paused, as it was then judged.
    """

    def __init__(self, seed: int) -> None:
        self.rng, self.now, self.score = Random(seed), NOW, 0.0
        hours = self.rng.choice((24, 48, 120))
        self.settings = Settings(table_name="none", session_hours=hours, sessions_per_day=1000)
        self.profile = Profile("ana", bytes(16), Segment.HIGH_LOW, NOW)
        self.sessions: list[Session] = []
        self.pauses: list[tuple[datetime, datetime]] = []
        self.active: list[tuple[date, bool]] = []
        self.marks: list[Mark] = []

    # What the contract says.

    def paused(self, day: date) -> bool:
        """Whether a pause held at any moment of the day."""
        zone = ZoneInfo(self.profile.timezone)
        begin, end = (datetime.combine(day + n * ONE, time(), zone).astimezone(UTC) for n in (0, 1))
        return any(since < end and begin < until for since, until in self.pauses)

    def today(self) -> date:
        day = self.now.astimezone(ZoneInfo(self.profile.timezone)).date()
        return max(day, self.active[-1][0]) if self.active else day

    def away(self) -> list[date]:
        """The days strictly between the latest active day and today."""
        last = self.active[-1][0] if self.active else self.today()
        return [last + n * ONE for n in range(1, (self.today() - last).days)]

    def faded(self) -> float:
        score = self.score
        for day in self.away():
            score = score if self.paused(day) else score - 0.2 * score
        return score

    def visited(self) -> None:
        if not self.active or self.active[-1][0] != self.today():
            goes_on = all(map(self.paused, self.away()))
            self.score = self.faded()
            self.active.append((self.today(), goes_on))

    def streak(self, until: date) -> int:
        """The length of the streak as it stands on this day, with all completions up to then."""
        done = {a.completed_on for s in self.sessions for a in s.activities if a.completed_on}
        days = [its for its in self.active if its[0] <= until]
        if not days or days[-1][0] != until:
            days.append((until, all(map(self.paused, self.away()))))
        length = int(days[-1][0] in done)
        for (_, goes_on), (before, _) in zip(days[:0:-1], days[-2::-1], strict=True):
            if not goes_on or before not in done:
                break
            length += 1
        return length

    # What the user does.

    def step(self) -> None:
        self.now += self.rng.choice((1, 1, 3, 8, 20, 24, 40, 70)) * HOUR
        does = (self.travel, self.end, self.pause, self.pause, self.job, self.look, self.answer, *3 * (self.visit,))
        self.rng.choice(does)()

    def travel(self) -> None:
        self.profile = replace(self.profile, timezone=self.rng.choice(ZONES))

    def pause(self) -> None:
        until = self.now + self.rng.choice((1, 5, 24, 30, 72, 200)) * HOUR
        try:
            self.profile = pause_until(self.profile, until, self.now)
        except TooManyPausesError:
            return
        held = [pause for pause in self.pauses if pause[1] >= self.now]
        self.pauses = [pause for pause in self.pauses if pause not in held]
        self.pauses.append((held[0][0] if held else self.now, until))

    def end(self) -> None:
        self.profile = pause_ended(self.profile, self.now)
        self.pauses = [(since, min(until, self.now)) for since, until in self.pauses]

    def expired(self) -> bool:
        return self.sessions[-1].status is Status.OPEN and self.now >= self.sessions[-1].expires_at

    def job(self) -> None:
        if self.sessions and self.expired():
            self.close(*expire(self.sessions[-1], self.profile, self.settings, self.now))

    def close(self, session: Session, profile: Profile) -> None:
        held = any(since <= session.expires_at < until for since, until in self.pauses)
        silent = held and not session.answered
        assert (session.why is Why.PAUSED) == silent
        assert (session.status is Status.UNSEEN) == (silent or not (session.shown or session.answered))
        self.score = session.closing.engagement_after if session.closing else self.score
        self.sessions[-1], self.profile = session, profile

    def look(self) -> None:
        if pause_at(self.profile.pauses, self.now):
            return
        latest, shown = (self.sessions[-1] if self.sessions else None), self.rng.random() < 0.8
        if latest is not None and latest.status is Status.OPEN and not self.expired():
            if shown:
                self.visited()
                self.sessions[-1], self.profile, mark = show(latest, self.profile, self.now)
                self.marks += [mark] if mark else []
            return
        made = issue(self.profile, latest, POLICY, self.settings, self.now, shown=shown)
        if made.expired is not None:
            self.close(made.expired, made.profile)
        assert made.session.engagement == self.faded()
        if shown:
            self.visited()
        self.sessions.append(made.session)
        self.profile = made.profile
        self.marks += [made.mark] if made.mark else []

    def visit(self) -> None:
        self.look()
        self.now += HOUR
        self.answer()

    def answer(self) -> None:
        if not self.sessions or self.sessions[-1].status is not Status.OPEN or self.expired():
            return
        session, done = self.sessions[-1], self.rng.random() < 0.8
        said = {self.rng.randint(1, len(session.activities)): Answer(completed=done)}
        self.visited()
        self.sessions[-1], self.profile, mark = record(session, self.profile, said, self.settings, self.now)
        self.marks += [mark] if mark else []
        closing = self.sessions[-1].closing
        self.score = closing.engagement_after if closing else self.score

    def check(self) -> int:
        """Compares the profile with what the contract says, and returns the streak."""
        assert engagement_now(self.profile, self.now) == self.faded()
        streak = streak_now(self.profile, self.sessions[:-2:-1], self.now)
        assert streak == self.streak(self.today())
        assert len(self.profile.pauses) <= MOST_PAUSES
        return streak


@pytest.mark.parametrize("group", range(4))
def test_score_and_streak_are_those_of_somebody_of_whom_nothing_is_dropped(group: int) -> None:
    streaks, bridges = set[int](), set[int]()
    for seed in range(10 * group, 10 * group + 10):
        life = Life(seed)
        for _ in range(STEPS):
            life.step()
            streaks.add(life.check())
            bridges.add(len(life.profile.bridges))
        assert len(life.pauses) > len(life.profile.pauses)
        for mark in life.marks:
            assert figures_of(mark, life.sessions[mark.session - 1 :]).streak_days == life.streak(mark.day)
    assert max(streaks) >= 4
    assert max(bridges) >= 2
