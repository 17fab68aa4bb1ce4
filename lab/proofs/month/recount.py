"""Counts the same figures from the raw log alone, in plain Python; nothing of the service is imported here.

It goes through one person's log after the other, with the specification's formulas and the calendar of the person's
time zone. The formulas are those of `lab.proofs.formulas`, which the reference model uses too; the roll-ups are
computed nowhere else. How a session was drawn is in no answer, so that is read off the stored session, attribute by
attribute.
"""

import math
import struct
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from lab.proofs.formulas import Figures, between, faded, figures, is_rated, motivated, own_day, paused_days
from lab.proofs.month.people import Entry

ONE = timedelta(days=1)
WHYS = ("fallback", "consent", "excluded", "paused", "over-weight")
UNDRAWN = [0] * (4 + len(WHYS))
Row = dict[str, Any]


@dataclass
class Session:
    """A session as the log tells it; `belongs` is the day on which it was first shown or answered."""

    segment: str
    action: int
    issued_e: float
    expires: datetime
    offered: dict[int, tuple[str, str, int]]  # id: name, type, minutes
    belongs: date | None = None
    answers: dict[int, dict[str, Any]] = field(default_factory=dict)
    done_on: dict[int, date] = field(default_factory=dict)
    reward: float | None = None
    open: bool = True
    draw: list[int] = field(default_factory=lambda: list(UNDRAWN))

    def figures(self, rating: int | None) -> Figures:
        return figures(self.answers.values(), len(self.offered), self.issued_e, rating)

    def done(self) -> list[int]:
        return [i for i, a in self.answers.items() if a["completed"]]

    def lifts(self) -> dict[int, int]:
        """Returns the lift in points of motivation by activity id, where both ratings were given."""
        rated = {i: self.answers[i] for i in self.done() if is_rated(self.answers[i])}
        return {i: a["motivation_after"] - a["motivation_before"] for i, a in rated.items()}


@dataclass
class Day:
    """A day on which the person was active, with the values at its first moment."""

    zone: str
    segment: str
    since: datetime
    e: float
    m: float
    newcomer: bool
    moved: int  # how many moves of the scores came before
    goes_on: bool  # whether all days since the active one before it were paused
    gad7_change: int | None  # from the first assessment to the latest, if they are of two days


class Move(NamedTuple):
    """A change of the scores: when it happened, the day of the session that caused it, and the new scores."""

    at: datetime
    belongs: date
    e: float
    m: float


class Life:
    """Counts one person's month."""

    def __init__(self) -> None:
        self.zone, self.segment = "UTC", ""
        self.e = self.m = 0.0
        self.seen: date | None = None
        self.sessions: dict[int, Session] = {}
        self.days: dict[date, Day] = {}
        self.moves: list[Move] = []
        self.pauses: list[tuple[int, int]] = []
        self.gad7: dict[date, int] = {}  # by the person's day, the last score of that day

    def live(self, log: Iterable[Entry]) -> None:
        for entry in log:
            self._expire(entry.at)
            getattr(self, f"_{entry.kind}")(entry.at, entry.what)

    def _expire(self, now: datetime) -> None:
        for session in self.sessions.values():
            if session.open and now >= session.expires:
                session.open, at = False, int(session.expires.timestamp())
                paused = not session.answers and any(since <= at < until for since, until in self.pauses)
                if session.belongs is not None and not paused:
                    self._close(session, session.expires, None)

    def _profile(self, at: datetime, what: Row) -> None:
        del at
        self.zone, self.segment = what["timezone"], what["segment"]

    def _paused(self, at: datetime, what: Row) -> None:
        """Moves the end of the pause that holds, or begins another one; an end at this moment ends it."""
        now, until = int(at.timestamp()), int(what["until"].timestamp())
        held = [pause for pause in self.pauses if pause[1] >= now]
        self.pauses = [pause for pause in self.pauses if pause not in held]
        self.pauses.append((held[0][0] if held else now, until))

    def _assessed(self, at: datetime, what: Row) -> None:
        anxiety = (what["gad7_score"] >= 10) + (what["gad7_score"] >= 15)
        activity = (what["active_minutes_per_week"] >= 60) + (what["active_minutes_per_week"] >= 150)
        levels = ("Low", "Moderate", "High")
        self.segment = f"{levels[anxiety]} Anxiety, {levels[activity]} Activity"
        self.gad7[max((self._today(at), *self.gad7))] = what["gad7_score"]

    def _gad7_change(self) -> int | None:
        if len(self.gad7) < 2:
            return None
        return self.gad7[max(self.gad7)] - self.gad7[min(self.gad7)]

    def _today(self, at: datetime) -> date:
        return own_day(at, self.zone, self.seen)

    def _score(self, today: date) -> float:
        return faded(self.e, self.seen, today, paused_days(self.pauses, self.zone, self.seen, today))

    def _active(self, at: datetime) -> date:
        today = self._today(at)
        if today != self.seen:
            self.e, newcomer = self._score(today), self.seen is None
            paused = paused_days(self.pauses, self.zone, self.seen, today)
            goes_on, moved = paused == set(between(self.seen, today)), len(self.moves)
            self.days[today] = Day(
                self.zone, self.segment, at, self.e, self.m, newcomer, moved, goes_on, self._gad7_change()
            )
            self.seen = today
        return today

    def _prefetched(self, at: datetime, what: Row) -> None:
        if what["session_id"] not in self.sessions:
            self.sessions[what["session_id"]] = Session(
                segment=self.segment,
                action=what["rl_action_id"],
                issued_e=self._score(self._today(at)),
                expires=datetime.fromisoformat(what["expires_at"]),
                offered={a["id"]: (a["name"], a["type"], a["duration_minutes"]) for a in what["activities"]},
            )

    def _shown(self, at: datetime, what: Row) -> None:
        today = self._active(at)
        self._prefetched(at, what)
        session = self.sessions[what["session_id"]]
        session.belongs = session.belongs or today

    def _answered(self, at: datetime, what: Row) -> None:
        today = self._active(at)
        session = self.sessions[what["session"]]
        session.belongs = session.belongs or today
        session.answers |= what["answers"]
        session.done_on |= {i: today for i, a in what["answers"].items() if a["completed"]}
        if what.get("ends") or len(session.answers) == len(session.offered):
            session.open = False
            self._close(session, at, what.get("rating"))

    def _close(self, session: Session, at: datetime, rating: int | None) -> None:
        came_to = session.figures(rating)
        session.reward = came_to.reward
        self.e, self.m = came_to.engagement, motivated(self.m, came_to.lift)
        self._moved(at, session)

    def _rated(self, at: datetime, what: Row) -> None:
        if what["session"] == max(self.sessions):
            session = self.sessions[what["session"]]
            self.e = session.figures(what["rating"]).engagement
            self._moved(at, session)

    def _moved(self, at: datetime, session: Session) -> None:
        assert session.belongs is not None
        self.moves.append(Move(at, session.belongs, self.e, self.m))

    def row(self, day: date) -> Row:
        """Returns the figures of the day."""
        its, own = self.days[day], [s for s in self.sessions.values() if s.belongs == day]
        e, m = its.e, its.m
        for move in self.moves[its.moved :]:
            if move.belongs <= day and move.at.astimezone(ZoneInfo(its.zone)).date() <= day:
                e, m = move.e, move.m
        lifts = [lift for s in own for lift in s.lifts().values()]
        by_type = {}
        for kind in ("exercise", "meditation", "journaling"):
            offered = [(s, i) for s in own for i, (_, its_type, _) in s.offered.items() if its_type == kind]
            done = [(s, i) for s, i in offered if i in s.done()]
            by_type[kind] = (len(offered), len(done), sum(s.offered[i][2] for s, i in done))
        return {
            "sessions": len(own),
            "assigned": sum(len(s.offered) for s in own),
            "completed": sum(len(s.done()) for s in own),
            "by_type": by_type,
            "rated": len(lifts),
            "lift": sum(lifts),
            "engagement": e,
            "motivation": m,
            "streak": self._streak(day),
        }

    def _streak(self, day: date) -> int:
        """Returns the number of successive days with a completion up to this day, or up to the active one before.

        Paused days between two of them do not count.
        """
        done = {on for s in self.sessions.values() for on in s.done_on.values()}
        length, active = int(day in done), sorted((its for its in self.days if its <= day), reverse=True)
        for later, before in pairwise(active):
            if not self.days[later].goes_on or before not in done:
                break
            length += 1
        return length

    def gone_on(self, day: date) -> date | None:
        """Returns the day on which the person dropped out whose latest active day this one was; None if they did not.

        That is the seventh day away that was not paused, where the person was on that latest active day.
        """
        back = min((its for its in self.days if its > day), default=day + 100 * ONE)
        paused = paused_days(self.pauses, self.days[day].zone, day, back)
        away = [its for its in between(day, back) if its not in paused]
        return away[6] if len(away) > 6 else None

    def last_action(self, day: date) -> int:
        """Returns the action of the last session that belongs to this day or an earlier one."""
        return [s.action for _, s in sorted(self.sessions.items()) if s.belongs and s.belongs <= day][-1]


def lives_of(log: Sequence[Entry], items: Iterable[Row] = ()) -> dict[str, Life]:
    """Returns each person's month from the log, which is in order of time; sessions open at its end expire.

    `items` are all items of the table; those of sessions say how each was drawn.
    """
    lives: dict[str, Life] = defaultdict(Life)
    mine: dict[str, list[Entry]] = defaultdict(list)
    for entry in log:
        mine[entry.user].append(entry)
    for user, entries in mine.items():
        lives[user].live(entries)
        lives[user]._expire(entries[-1].at + timedelta(days=30))
    for item in items:
        user, (kind, _, number) = item["pk"]["S"].removeprefix("USER#"), item["sk"]["S"].partition("#")
        if kind == "SESSION" and user in lives and int(number) in lives[user].sessions:
            lives[user].sessions[int(number)].draw = _draw(item)
    return dict(lives)


def _draw(item: Row) -> list[int]:
    """Returns what a stored session adds: drawn, fallbacks, tries, entropy in millionths, and by why it closed."""
    said = {name: item[name]["BOOL"] for name in ("fallback", "even", "explored") if name in item}
    read = not said.get("fallback") and not said.get("even")
    packed = bytes(item["chances"]["B"])
    chances = struct.unpack(f"<{len(packed) // 8}d", packed)
    entropy = sum(p * math.log(1 / p) for p in chances if p) / math.log(len(chances))
    why = item["why"]["S"] if "why" in item else "fallback" if said.get("fallback") and "reward" in item else ""
    return [
        int(read),
        int(bool(said.get("fallback"))),
        int(read and bool(said.get("explored"))),
        round(10**6 * entropy) if read else 0,
        *(int(word == why) for word in WHYS),
    ]


def segment_row(lives: Iterable[Life], segment: str, day: date) -> Row:
    """Returns every figure that is kept of a segment's day."""
    everybody = list(lives)
    active = [life for life in everybody if day in life.days and life.days[day].segment == segment]
    theirs = [
        (who, s)
        for who, life in enumerate(everybody)
        for s in life.sessions.values()
        if s.belongs == day and s.segment == segment
    ]
    changes = [c for life in active if (c := life.days[day].gad7_change) is not None]
    gone = [
        (life, latest)
        for life in everybody
        for latest, its in life.days.items()
        if its.segment == segment and latest < day == life.gone_on(latest)
    ]
    names: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0, 0])
    offered: dict[str, set[int]] = defaultdict(set)
    for who, s in theirs:
        for i, (name, _, _) in s.offered.items():
            lift = s.lifts().get(i)
            offered[name].add(who)
            for place, value in enumerate((1, i in s.done(), lift is not None, lift or 0, (lift or 0) ** 2)):
                names[name][place] += value
    return {
        "users": len(active),
        "new_users": sum(life.days[day].newcomer for life in active),
        "dropouts": [sum(life.last_action(latest) == a for life, latest in gone) for a in range(6)],
        "gad7": [len(changes), sum(changes), sum(c * c for c in changes)],
        "served": len({who for who, _ in theirs}),
        "actions": [_of_action([(who, s) for who, s in theirs if s.action == a]) for a in range(6)],
        "names": {name: [*sums, len(offered[name])] for name, sums in names.items()},
        "draws": [sum(its) for its in zip(UNDRAWN, *(s.draw for _, s in theirs), strict=True)],
    }


def trend_row(lives: Iterable[Life], segment: str, day: date) -> list[int]:
    """Returns what TREND keeps of a segment's day."""
    its = segment_row(lives, segment, day)
    sums = [sum(of_one[place] for of_one in its["actions"]) for place in (0, 6, 7, 8, 1, 2)]
    return [its["users"], its["served"], *sums, *its["draws"]]


def _of_action(theirs: Sequence[tuple[int, Session]]) -> list[int]:
    """Returns the sums of one action's sessions, rewards in millionths, and the number of people."""
    pairs = [(len(s.offered), len(s.done())) for _, s in theirs]
    rewards = [round(s.reward * 10**6) for _, s in theirs if s.reward is not None]
    return [
        len(pairs),
        sum(a for a, _ in pairs),
        sum(c for _, c in pairs),
        sum(a * a for a, _ in pairs),
        sum(c * c for _, c in pairs),
        sum(a * c for a, c in pairs),
        len(rewards),
        sum(rewards),
        sum(r * r for r in rewards),
        len({who for who, _ in theirs}),
    ]
