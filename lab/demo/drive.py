"""A simulated person's phone: everything they do goes over HTTP, and every answer is checked."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import httpx

from lab.world.people import (
    Answer,
    Ending,
    Offered,
    Person,
    Visit,
    answers,
    expected_reward,
    next_visit,
    session_rating,
)

ACTIONS = range(6)
Json = dict[str, Any]


class SurpriseError(Exception):
    """The service answered something that it must not answer here."""


@dataclass(frozen=True)
class Issued:
    """One session as the phone got it, with what only the lab knows: what each action would bring on this visit."""

    user: str
    session_id: int
    segment: str
    action: int
    eligible: tuple[int, ...]
    expected: tuple[float, ...]
    seen: bool
    tried: bool


@dataclass
class Phone:
    """One person's connection to the service; used by one thread at a time."""

    person: Person
    http: httpx.Client
    token: str
    cooldown: int
    away_until: datetime | None = None
    issued: list[Issued] = field(default_factory=list)
    requests: int = 0

    def visit(self, now: datetime) -> bool:
        """One opening of the app; False if the person left a session behind and stays away until it has expired."""
        if self.away_until is not None and now < self.away_until:
            return False
        if newcomer := not self.issued:
            self._introduce()
        visit = next_visit(self.person, newcomer)
        plan = self._plan(visit)
        self.issued.append(self._noted(plan, visit))
        if visit.ending is not Ending.UNSEEN:
            self._use(visit, plan)
        finishes = visit.ending in (Ending.BATCH, Ending.ONE_BY_ONE)
        self.away_until = None if finishes else datetime.fromisoformat(plan["expires_at"])
        return True

    def history(self) -> list[Json]:
        """All sessions as the service remembers them, oldest first."""
        sessions: list[Json] = []
        query = "?limit=100"
        while True:
            page = self._call("GET", f"/activity/history/{query}")
            sessions += page["sessions"]
            if page["next_token"] is None:
                return sessions[::-1]
            query = f"?limit=100&next_token={page['next_token']}"

    def _introduce(self) -> None:
        """The first profile, by segment or by assessment; both must land in the person's segment."""
        person, profile = self.person, Json(timezone=self.person.timezone, avoid=list(self.person.avoid))
        if person.scores is None:
            profile["segment"] = person.segment
        else:
            profile["gad7_score"], profile["active_minutes_per_week"] = person.scores
        stored = self._call("PUT", "/profile/", profile)
        _expect(stored["segment"] == person.segment, f"{person.name} was put into {stored['segment']}")

    def _plan(self, visit: Visit) -> Json:
        """The session for this visit. Some phones prefetch it; then the one that is shown must be the same."""
        if visit.ending is Ending.UNSEEN:
            return self._call("GET", "/activity/recommended/?prefetch=true")
        if not self.person.prefetches:
            return self._call("GET", "/activity/recommended/")
        early = self._call("GET", "/activity/recommended/?prefetch=true")
        plan = self._call("GET", "/activity/recommended/")
        _expect(plan == early, f"{self.person.name} was shown another session than the one prefetched")
        return plan

    def _noted(self, plan: Json, visit: Visit) -> Issued:
        """The session beside the truth, once it is clear that the service may serve it."""
        recent = [issued.action for issued in self.issued[len(self.issued) - self.cooldown :]] if self.cooldown else []
        eligible = tuple(action for action in ACTIONS if action not in recent)
        number, action, assigned = plan["session_id"], plan["rl_action_id"], len(plan["activities"])
        who = f"{self.person.name}, session {number}"
        _expect(number == len(self.issued) + 1, f"{who}: expected session {len(self.issued) + 1}")
        _expect(action in eligible, f"{who}: action {action} was served again within the cool-down")
        _expect(5 <= assigned <= 7, f"{who}: {assigned} activities")
        expected = tuple(expected_reward(self.person, visit, a, assigned) for a in ACTIONS)
        seen = visit.ending is not Ending.UNSEEN
        return Issued(
            self.person.name, number, self.person.segment, action, eligible, expected, seen, "a try" in plan["reason"]
        )

    def _use(self, visit: Visit, plan: Json) -> None:
        """Does the plan, or some of it, and says so."""
        offered = [
            Offered(a["id"], a["type"], a["duration_minutes"], a["intensity"]) for a in plan["activities"]
        ]  # fmt: skip
        reported = answers(self.person, visit, plan["rl_action_id"], offered)
        if visit.ending is Ending.BATCH:
            self._batch(reported, session_rating(self.person, plan["rl_action_id"], reported))
            return
        for answer in reported:
            self._call("POST", f"/activity/{answer.activity_id}/complete/", _wire(answer))
        rating = session_rating(self.person, plan["rl_action_id"], reported)
        if visit.ending is Ending.ONE_BY_ONE and rating is not None:
            self._batch(reported, rating)

    def _batch(self, reported: list[Answer], rating: int | None) -> None:
        """The session's feedback at once, or its rating after the last single answer; either way it must be learned."""
        feedback = Json(activities=[_wire(answer) | {"activity_id": answer.activity_id} for answer in reported])
        if rating is not None:
            feedback["overall_session_rating"] = rating
        learning = self._call("POST", "/activity/feedback-batch/", feedback)["training_metrics"]["learning"]
        _expect(learning == "applied", f"{self.person.name}: learning was {learning}")

    def _call(self, method: str, path: str, body: Json | None = None) -> Json:
        """One request; anything but 200 ends the run, with the problem's own words."""
        response = self.http.request(method, path, json=body, headers={"Authorization": f"Bearer {self.token}"})
        self.requests += 1
        _expect(response.status_code == 200, f"{method} {path} answered {response.status_code}: {response.text}")
        answer: Json = response.json()
        return answer


def _wire(answer: Answer) -> Json:
    """The answer's JSON; questions left open are left out."""
    said = Json(completed=answer.completed)
    for name in ("motivation_before", "motivation_after", "difficulty_rating"):
        if (value := getattr(answer, name)) is not None:
            said[name] = value
    return said | ({"notes": answer.notes} if answer.notes else {})


def _expect(holds: bool, otherwise: str) -> None:
    if not holds:
        raise SurpriseError(otherwise)
