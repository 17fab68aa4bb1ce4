"""Many people who use the service side by side, without HTTP, table or clock: the core's own rules move their scores.

People open the app on most days, each at an hour of their own. A session closes when its feedback arrives: at once,
late (the phone was offline), or, if it was lost or never given, as it stands when it expires. Until then the person
stays away; other people come in between, so what a session teaches may arrive many decisions later. After each visit
a person may leave for good, the sooner the less engaged and the more tired; somebody new with the same tastes takes the
place.

What happens to whom when (endings, late and lost feedback) is drawn before the plan is known and favours no action.
Sessions are kept as values of the core without the store's attributes; a test sets them beside `sessions.lifecycle`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from heapq import heappop, heappush
from random import Random
from typing import NamedTuple

from lab.world.people import (
    Answer,
    Ending,
    Offered,
    Person,
    Visit,
    answers,
    mean_reward,
    next_visit,
    person,
    session_rating,
    usual_lift,
    willingness,
)
from lab.world.tastes import TIRED_LEAVE, Moment, Tastes
from rl_core.config import Settings
from rl_core.learner import barred, eligible
from rl_core.models import (
    NO_FACTS,
    Action,
    Activity,
    ActivityStats,
    Decision,
    Facts,
    Result,
    Segment,
    State,
    Transition,
)
from rl_core.sessions import (
    KEPT_ACTIONS,
    Entry,
    assign,
    catalogue,
    engagement_after,
    motivation_after,
    outcome_of,
    reward,
    state_of,
)

PER_SEGMENT = 20
LATE, LOST = 0.08, 0.03  # of the sessions that were done
LEAVES, LEAVES_UNENGAGED = 0.005, 0.03  # chance to leave after a visit: always, and what no engagement at all adds
NOTHING_KNOWN: Mapping[int, ActivityStats] = {}


@dataclass(slots=True)
class Life:
    """One person: as they are, and what the service knows of them."""

    person: Person
    segment: Segment
    engagement: float = 0.0
    motivation: float = 0.0
    sessions: int = 0
    recent: tuple[Action, ...] = ()
    previous: tuple[Entry, ...] = ()
    facts: Facts = NO_FACTS

    @property
    def user(self) -> str:
        return self.person.name


class Caller(NamedTuple):
    """Somebody who has opened the app and waits for a plan. `visit` and `life.person` are hidden from the service."""

    life: Life
    visit: Visit
    day: float
    state: State
    eligible: tuple[Action, ...]

    def expected(self, action: Action) -> float:
        """The exact mean of what the session would bring, had this action been served."""
        return expected(self.life.person, self.visit, action)


class Served(NamedTuple):
    """A session that is under way: its activities as the service will know them when it closes."""

    life: Life
    decision: Decision
    activities: tuple[Activity, ...]
    rating: int | None
    seen: bool


class Feedback(NamedTuple):
    """What a closed session teaches, beside the decision that made it; `session` is the user's number of it."""

    user: str
    session: int
    segment: Segment
    decision: Decision
    transition: Transition


class Crowd:
    """`per_segment` people in each of the segments that `tastes` has, who go on coming for ever.

    `call()` brings the next one; `serve()` gives them a session; `heard()` hands over what sessions taught whose
    feedback has arrived since it was last asked. With `slates` each session gets a slate of its own from the segment's
    statistics; without, the one first assigned for its segment and action. What people do of a plan depends on the
    action alone, so that figures are the same either way, in a fraction of the time.
    """

    def __init__(
        self,
        tastes: Mapping[str, Tastes],
        seed: int,
        settings: Settings,
        per_segment: int = PER_SEGMENT,
        slates: bool = False,
    ) -> None:
        self._seed, self._settings, self._tastes, self._slates = seed, settings, tastes, slates
        self._chance = Random(f"{seed}/crowd")
        self._due: list[tuple[float, int, Life, Served | None]] = []
        self._entries = 0
        self._heard: list[Feedback] = []
        self._born, self._served = dict.fromkeys(tastes, 0), dict.fromkeys(tastes, 0)
        for segment in tastes:
            for _ in range(per_segment):
                self._arrive(segment, int(self._chance.random() * 3))

    def call(self) -> Caller:
        """The next person to open the app. Whatever was due before that has happened."""
        while True:
            day, _, life, served = heappop(self._due)
            if served is None:
                return self._caller(life, day)
            self._close(served, day)

    def serve(
        self,
        caller: Caller,
        decision: Decision,
        stats: Mapping[int, ActivityStats] = NOTHING_KNOWN,
        rng: Random | None = None,
    ) -> tuple[Entry, ...]:
        """Gives the caller a session by this decision; they use it, and its closing is set. Returns the plan.

        `stats` are the segment's activity statistics and `rng` the decision's generator; both only matter with
        `slates`. Raises ValueError when the action is not eligible.
        """
        if decision.action not in caller.eligible:
            raise ValueError(f"action {int(decision.action)} is barred by the cool-down")
        life, action = caller.life, decision.action
        if self._slates:
            plan = slate(life.segment, action, life.person.avoid, life.previous, stats, rng or self._chance)
        else:
            plan = first_slate(life.segment, action)
        life.sessions += 1
        life.recent = (*life.recent, action)[-KEPT_ACTIONS:]
        life.previous = plan
        self._served[life.person.segment] += 1
        self._use(caller, decision, plan)
        return plan

    def heard(self) -> list[Feedback]:
        """What closed sessions taught since last asked, in the order of their closing."""
        heard, self._heard = self._heard, []
        return heard

    def _arrive(self, segment: str, day: int) -> None:
        place = self._born[segment]
        self._born[segment] += 1
        someone = person(self._seed, segment, place, days=10**6, tastes=self._tastes[segment])
        self._later(day + someone.hour / 24, Life(someone, Segment(segment)))

    def _later(self, day: float, life: Life, served: Served | None = None) -> None:
        self._entries += 1
        heappush(self._due, (day, self._entries, life, served))

    def _caller(self, life: Life, day: float) -> Caller:
        state = state_of(life.engagement, life.motivation)
        moment = Moment(day, life.engagement, state.row, life.recent, self._served[life.person.segment])
        visit = next_visit(life.person, newcomer=life.sessions == 0, moment=moment)
        return Caller(life, visit, day, state, eligible(life.recent, self._settings.action_cooldown))

    def _use(self, caller: Caller, decision: Decision, plan: Sequence[Entry]) -> None:
        """The person does the plan, or some of it; the answers reach the service now, late or never."""
        life, visit = caller.life, caller.visit
        reported = answers(life.person, visit, decision.action, offered(plan))
        rating = session_rating(life.person, decision.action, reported)
        way = self._chance.random()
        finished = visit.ending in (Ending.BATCH, Ending.ONE_BY_ONE)
        arrives = finished and way >= LOST
        if way < LOST:
            reported = []
        wait = self._settings.session_hours / 24
        if arrives:
            wait *= self._chance.random() if way < LOST + LATE else 0.0
        served = Served(life, decision, told(plan, reported), rating if arrives else None, _seen(visit, reported))
        self._later(caller.day + wait, life, served)

    def _close(self, served: Served, day: float) -> None:
        """The session closes as it stands; the person's next visit, or somebody else's first one, is set."""
        life = served.life
        if served.seen:
            self._heard.append(self._learn_of(served))
        if self._chance.random() < leaving(life.engagement, life.person.fatigue):
            self._arrive(life.person.segment, int(day) + 1)
            return
        nights = 1
        while self._chance.random() >= life.person.regularity:
            nights += 1
        self._later(int(day) + nights + life.person.hour / 24, life)

    def _learn_of(self, served: Served) -> Feedback:
        """Moves the scores and the facts, as the closing of a session does, and says what it taught."""
        life, decision = served.life, served.decision
        outcome = outcome_of(served.activities, served.rating)
        life.engagement = engagement_after(life.engagement, outcome)
        life.motivation = motivation_after(life.motivation, outcome)
        facts = life.facts
        life.facts = facts.learned(decision.action, reward(outcome)).had(decision.action)
        transition = Transition(
            key=b"",
            state=decision.state,
            action=decision.action,
            reward=reward(outcome),
            next_state=state_of(life.engagement, life.motivation),
            barred=barred(life.recent, self._settings.action_cooldown),
            results=results(served.activities) if self._slates else (),
            facts=facts,
        )
        return Feedback(life.user, life.sessions, life.segment, decision, transition)


def leaving(engagement: float, fatigue: float) -> float:
    """The chance that a person leaves for good after a visit."""
    return LEAVES + LEAVES_UNENGAGED * (1.0 - engagement) + TIRED_LEAVE * fatigue


def expected(person: Person, visit: Visit, action: Action) -> float:
    """The exact mean of what a session by this action brings on this visit.

    Without the person's disposition, which adds the same whatever is served: it would only blur comparisons.
    """
    willing, size = willingness(person, visit, action), plan_size(action)
    return mean_reward(willing, usual_lift(willing), visit.tries(size), size)


def _seen(visit: Visit, reported: Sequence[Answer]) -> bool:
    """Whether the service may learn from the session: shown or answered at all."""
    return visit.ending is not Ending.UNSEEN or bool(reported)


def told(plan: Sequence[Entry], reported: Sequence[Answer]) -> tuple[Activity, ...]:
    """The plan's activities with the person's answers; what they did not get round to stays unanswered."""
    given = [
        Activity(
            entry.slug, a.completed, None, None, a.motivation_before, a.motivation_after, a.difficulty_rating, a.notes
        )
        for entry, a in zip(plan, reported, strict=False)
    ]
    return (*given, *(_unanswered(entry.slug) for entry in plan[len(given) :]))


@cache
def _unanswered(slug: str) -> Activity:
    return Activity(slug)


def results(activities: Sequence[Activity]) -> tuple[Result, ...]:
    """What the policy counts of each activity."""
    book = catalogue().by_slug
    return tuple(Result(book[a.slug].code, bool(a.completed), a.lift) for a in activities)


def offered(plan: Sequence[Entry]) -> list[Offered]:
    """What the person weighs in the plan; an activity is known by its position."""
    return [_offer(entry.slug, position) for position, entry in enumerate(plan)]


@cache
def _offer(slug: str, position: int) -> Offered:
    entry = catalogue().by_slug[slug]
    return Offered(position, entry.type, entry.duration_minutes, entry.intensity)


def slate(
    segment: Segment,
    action: Action,
    avoid: Collection[str],
    previous: Sequence[Entry],
    stats: Mapping[int, ActivityStats],
    rng: Random,
) -> tuple[Entry, ...]:
    """The plan as the service assigns it."""
    book = catalogue()
    names = {entry.name for entry in previous}
    return assign(segment, book.by_segment[segment], action, avoid, names, stats, rng)


@cache
def first_slate(segment: Segment, action: Action) -> tuple[Entry, ...]:
    return slate(segment, action, (), (), NOTHING_KNOWN, Random(0))


@cache
def plan_size(action: Action) -> int:
    """How many activities the action's plan has, in any segment."""
    return len(first_slate(Segment.LOW_LOW, action))
