"""Lets a simulated person use the service: everything goes through the person's phone, and every answer is checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from lab.demo.log import Issued, Log, Said
from lab.world.people import (
    GAD7,
    Answer,
    Ending,
    Offered,
    Person,
    Visit,
    answers,
    expected_reward,
    next_visit,
    session_rating,
    unworn,
    willingness,
)
from lab.world.steps import NO_STEPS, Step, Steps
from lab.world.tastes import REMEMBERED, Moment
from lab.world.wishes import Wish
from local.phone import Json, Phone, Request, Send, pages, whole_pages

ACTIONS = range(6)
TEXT = "demo-1"  # the version of the text that people read before they say anything of consent
MOST_BARRED, MOST_WORDS = 4, 20
EVEN = "you do not want personal plans"  # what the reason of an even draw says


class SurpriseError(Exception):
    """Raised when the service answers what it must not answer here."""


@dataclass
class User:
    """A person with a phone that sends by `send`; only one thread may use it at a time."""

    person: Person
    send: Send
    cooldown: int
    wishes: Sequence[Wish] = ()
    steps: Steps = NO_STEPS
    away_until: datetime | None = None
    opened: int = 0
    requests: int = 0

    def __post_init__(self) -> None:
        self.phone = Phone(self._body)
        self.log = Log(self.person.name)

    def visit(self, now: datetime) -> bool:
        """Opens the app once, says what the person wants to say of consent, and steers the service.

        Returns False if the person does no more, because they pause, or stay away until an abandoned session has
        expired.
        """
        if newcomer := not self.opened:
            self._introduce()
        self.opened += 1
        for wish in self.wishes:
            if wish.opening == self.opened:
                self._say(wish, now)
        steps = [step for step in self.steps.steps if step.opening == self.opened]
        for step in steps:
            self._exclude(step)
            self._assess_again(step)
        if self._is_refused(now):
            return False
        if self.away_until is not None and now < self.away_until:
            return False
        recent = tuple(issued.action for issued in self.log.issued[-len(REMEMBERED) :])
        visit = next_visit(self.person, newcomer, Moment(recent=recent))
        plan = self._plan(visit)
        issued = self._noted(plan, visit, now)
        self.log.issued.append(issued)
        for _ in (step for step in steps if step.asks):
            self._ask(plan, issued)
        if visit.ending is not Ending.UNSEEN:
            self._use(visit, plan)
        for step in steps:
            self._pause(step, now)
        self.away_until = issued.ends if issued.expires else None
        return True

    def history(self) -> list[Json]:
        """Returns all sessions of the service's history, oldest first."""
        found = pages(lambda token: self.phone.history(100, token))
        return [session for page in found for session in page][::-1]

    def take_along(self) -> None:
        """Takes along all that is held of the person. Raises SurpriseError unless every session is among it."""
        found = list(whole_pages(self.phone.export))
        sessions = [session["session_id"] for page in found for session in page["sessions"]]
        said = sum(len(page["consents"]) for page in found)
        _expect(sessions == [issued.session_id for issued in self.log.issued], f"{self.person.name} took {sessions}")
        _expect(bool(said) == bool(self.log.said), f"{self.person.name} took {said} statements of consent")
        self.log.exported = True

    def _exclude(self, step: Step) -> None:
        """Excludes kinds of plan for good, if the step says so."""
        if step.without:
            self.log.without = step.without
            stored = self.phone.put_profile(without=list(step.without))["without"]
            _expect(stored == list(step.without), f"{self.person.name} is without {stored}")

    def _assess_again(self, step: Step) -> None:
        """Fills in the assessment again, if the step says so, with a score that leaves the person in their segment."""
        if step.better and self.person.scores is not None:
            gad7, minutes = self.person.scores
            least, most = GAD7[self.person.segment.split(" ")[0]]
            now = min(max(gad7 - step.better, least), most)
            stored = self.phone.put_profile(gad7_score=now, active_minutes_per_week=minutes)
            _expect(stored["segment"] == self.person.segment, f"{self.person.name} was moved to {stored['segment']}")
            kept = [its["gad7_score"] for its in self.phone.assessments(1)["assessments"]]
            _expect(kept in ([now], []), f"{self.person.name}'s latest assessment is {kept}")
            self.log.assessed += 1

    def _pause(self, step: Step, now: datetime) -> None:
        """Pauses from now on, if the step says so."""
        if step.pause:
            until = now + timedelta(days=step.pause)
            answer = self.phone.put_pause(f"{until:%Y-%m-%dT%H:%M:%SZ}")
            _expect(datetime.fromisoformat(answer["until"]) == until, f"{self.person.name} pauses until {answer}")
            self.log.pauses.append((now, until))

    def _is_refused(self, now: datetime) -> bool:
        """Returns whether the person pauses. Raises SurpriseError unless the service then refuses a plan."""
        if not self.log.pauses or now >= self.log.pauses[-1][1]:
            return False
        answer, self.requests = Phone(self.send).recommend(), self.requests + 1
        until = f"{self.log.pauses[-1][1]:%Y-%m-%dT%H:%M:%SZ}"
        told = (answer.status, answer.body.get("type"), answer.body.get("until"))
        _expect(told == (409, "paused", until), f"{self.person.name} pauses, and was answered {told}")
        self.log.told_paused += 1
        return True

    def _ask(self, plan: Json, issued: Issued) -> None:
        """Asks why the plan was given. Raises SurpriseError unless the explanation fits the plan."""
        its, who = self.phone.explanation(plan["session_id"]), f"{self.person.name}, session {plan['session_id']}"
        chances = {action["rl_action_id"]: action["probability"] for action in its["actions"]}
        _expect(tuple(chances) == issued.eligible, f"{who}: explained by {tuple(chances)}")
        _expect(abs(sum(chances.values()) - 1) < 1e-3, f"{who}: explained by chances {chances}")
        _expect((its["drawn"] == "best") <= (not issued.tried), f"{who}: a try is explained as the best")
        _expect(0 < len(its["sentence"].split()) <= MOST_WORDS, f"{who}: {its['sentence']}")
        self.log.explained += 1
        self.log.exact += its["exact"]

    def _introduce(self) -> None:
        """Puts the first profile, by segment or by assessment.

        Raises SurpriseError if the service stores another segment.
        """
        person, profile = self.person, Json(timezone=self.person.timezone, avoid=list(self.person.avoid))
        if person.scores is None:
            profile["segment"] = person.segment
        else:
            profile["gad7_score"], profile["active_minutes_per_week"] = person.scores
        stored = self.phone.put_profile(**profile)
        _expect(stored["segment"] == person.segment, f"{person.name} was put into {stored['segment']}")

    def _say(self, wish: Wish, now: datetime) -> None:
        """States the wish, and notes it. Raises SurpriseError unless the answer agrees with all that was said."""
        words = {"personalise": wish.personalise, "learn": wish.learn, "unlearn": wish.unlearn or None}
        answer = self.phone.put_consent(
            text_version=TEXT, **{name: word for name, word in words.items() if word is not None}
        )
        self.log.said.append(Said(now, len(self.log.issued), wish.personalise, wish.learn, wish.unlearn))
        stands = {"personalise": self.log.personal, "learn": self.log.willing}
        _expect(
            {name: answer[name]["granted"] for name in stands} == stands, f"{self.person.name} is taken for {answer}"
        )
        _expect(not wish.unlearn or answer["unlearning"] == "pending", f"{self.person.name} is not to be unlearned")

    def _plan(self, visit: Visit) -> Json:
        """Returns the session for this visit. Some phones prefetch it first; the shown session must be the same."""
        if visit.ending is Ending.UNSEEN:
            return self.phone.recommend(prefetch=True)
        if not self.person.prefetches:
            return self.phone.recommend()
        early = self.phone.recommend(prefetch=True)
        plan = self.phone.recommend()
        _expect(plan == early, f"{self.person.name} was shown another session than the one prefetched")
        return plan

    def _noted(self, plan: Json, visit: Visit, now: datetime) -> Issued:
        """Checks that the service may serve this session, and returns it with the mean rewards of all actions."""
        before = self.log.issued
        barred = set(self.log.without)
        for earlier in before[: -self.cooldown - 1 : -1]:
            if len(barred | {earlier.action}) > MOST_BARRED:
                break
            barred.add(earlier.action)
        eligible = tuple(action for action in ACTIONS if action not in barred)
        number, action, assigned = plan["session_id"], plan["rl_action_id"], len(plan["activities"])
        who = f"{self.person.name}, session {number}"
        _expect(number == len(before) + 1, f"{who}: expected session {len(before) + 1}")
        _expect(action in eligible, f"{who}: action {action} is excluded, or was served within the cool-down")
        _expect(5 <= assigned <= 7, f"{who}: {assigned} activities")
        _expect(self.log.personal != (EVEN in plan["reason"]), f"{who}: {plan['reason']}")
        finishes = visit.ending in (Ending.BATCH, Ending.ONE_BY_ONE)
        return Issued(
            user=self.person.name,
            session_id=number,
            segment=self.person.segment,
            action=action,
            eligible=eligible,
            expected=tuple(expected_reward(self.person, visit, a, assigned) for a in ACTIONS),
            rested=tuple(expected_reward(self.person, unworn(visit), a, assigned) for a in ACTIONS),
            liking=tuple(willingness(self.person, visit, a) for a in ACTIONS),
            seen=visit.ending is not Ending.UNSEEN,
            tried="a try" in plan["reason"],
            answered=visit.ending not in (Ending.LOOKED, Ending.UNSEEN),
            ends=now if finishes else datetime.fromisoformat(plan["expires_at"]),
            expires=not finishes,
        )

    def _use(self, visit: Visit, plan: Json) -> None:
        """Does some or all of the plan, and sends the feedback."""
        offered = [
            Offered(a["id"], a["type"], a["duration_minutes"], a["intensity"]) for a in plan["activities"]
        ]  # fmt: skip
        reported = answers(self.person, visit, plan["rl_action_id"], offered)
        if visit.ending is Ending.BATCH:
            self._batch(reported, session_rating(self.person, plan["rl_action_id"], reported))
            return
        for answer in reported:
            self.phone.complete(answer.activity_id, **_as_json(answer))
        rating = session_rating(self.person, plan["rl_action_id"], reported)
        if visit.ending is Ending.ONE_BY_ONE and rating is not None:
            self._batch(reported, rating)

    def _batch(self, reported: list[Answer], rating: int | None) -> None:
        """Sends the session's feedback at once, or its rating after the last single answer.

        The session must be learned, unless the person does not let it.
        """
        items = [_as_json(answer) | {"activity_id": answer.activity_id} for answer in reported]
        rated = {} if rating is None else {"overall_session_rating": rating}
        its = self.phone.batch(items, **rated)["training_metrics"]
        due = ("applied", None) if self.log.teaches(self.log.issued[-1]) else ("none", "consent")
        _expect((its["learning"], its["why"]) == due, f"{self.person.name}: learning was {its['learning']}")

    def _body(self, request: Request) -> Json:
        """Returns the body of the answer. Raises SurpriseError, with the answer's text, unless the status is 200."""
        answer = self.send(request)
        self.requests += 1
        _expect(answer.status == 200, f"{request} answered {answer.status}: {answer.text}")
        body: Json = answer.body
        return body


def _as_json(answer: Answer) -> Json:
    """Returns the answer as JSON, without the questions left open."""
    said = Json(completed=answer.completed)
    for name in ("motivation_before", "motivation_after", "difficulty_rating"):
        if (value := getattr(answer, name)) is not None:
            said[name] = value
    return said | ({"notes": answer.notes} if answer.notes else {})


def _expect(holds: bool, otherwise: str) -> None:
    if not holds:
        raise SurpriseError(otherwise)
