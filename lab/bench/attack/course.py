"""A course: a segment's honest people and, if there is one, its attacker, live side by side for some days."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from datetime import datetime
from heapq import heapify, heappop, heappush

from lab.bench.attack.attackers import Actor, Case, attacker, truth_of
from lab.bench.attack.honest import DAY, START, Home, Tally
from lab.bench.attack.service import Service
from lab.world.tastes import Tastes, World, draw_tastes
from rl_core.config import Settings
from rl_core.models import Segment

EVERYBODY = 10**6  # places of lab.world that may ever be taken


@dataclass(frozen=True)
class Outcome:
    """What the honest people of a course had: their visits, the mean worth of one, the truly best action's share."""

    visits: int
    worth: float
    favourite: float


class Course:
    """A segment from its first day on, or as `kept` once returned it."""

    def __init__(self, seed: int, segment: Segment, people: int, settings: Settings) -> None:
        self._seed, self._segment = seed, segment
        self._tastes: Tastes = draw_tastes(World.BASE, seed)[segment]
        self.service = Service(segment, settings)
        self._homes = [Home(seed, segment, self._tastes, range(at, EVERYBODY, people)) for at in range(people)]
        self._due: list[tuple[datetime, int, Actor]] = [(h.begins, at, h) for at, h in enumerate(self._homes)]
        heapify(self._due)
        self.now = START

    def kept(self) -> bytes:
        """Returns the course as it now is, to be taken up again any number of times by `pickle.loads`."""
        return pickle.dumps(self)

    @property
    def visits(self) -> int:
        return sum(home.tally.visits for home in self._homes)

    def until(self, visits: int) -> None:
        """Lets whole days pass until the honest people have had so many visits."""
        while self.visits < visits:
            self._pass(1)

    def outcome(self, days: int) -> Outcome:
        """Lets so many days pass, and returns what honest people had of them."""
        for home in self._homes:
            home.tally = Tally()
        self._pass(days)
        best = truth_of(self._tastes).best
        tallies = [home.tally for home in self._homes]
        visits = max(sum(tally.visits for tally in tallies), 1)
        served = sum(tally.served.get(best, 0) for tally in tallies)
        return Outcome(visits, sum(tally.worth for tally in tallies) / visits, served / visits)

    def attacked(self, case: Case, days: int, per_day: int) -> None:
        """Lets an attacker in, who acts before anybody else of the same moment."""
        actor = attacker(case, self._seed, self.service, self._tastes, self.now, days, per_day)
        heappush(self._due, (self.now, -1, actor))

    def _pass(self, days: int) -> None:
        end = self.now + DAY * days
        while self._due[0][0] < end:
            now, place, actor = heappop(self._due)
            heappush(self._due, (actor.act(self.service, now), place, actor))
        self.now = end
