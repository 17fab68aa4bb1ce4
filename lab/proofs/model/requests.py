"""Lets users send single requests, in any order that Hypothesis chooses."""

from functools import partial
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from lab.proofs.formulas import Said
from lab.proofs.model.draws import (
    GRANTED,
    USERS,
    batches,
    hours,
    malformed,
    mores,
    positions,
    profiles,
    saids,
    times,
    users,
    wishes,
)
from lab.proofs.model.person import Plan
from lab.proofs.model.reference import Model
from lab.proofs.model.user import User

Request = partial[Any]


class Requests(RuleBasedStateMachine):
    """Has a rule for each request; `last` holds each user's last accepted one with its answer."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.model = model
        self.users = {user: User(model, user) for user in USERS}
        self.last: dict[str, tuple[Request, Any]] = {}

    def do(self, user: str, request: Request) -> None:
        """Sends the request, and keeps it with its answer if it was accepted."""
        answer = request()
        if answer is not None:
            self.last[user] = (request, answer)

    def latest(self, user: str, back: int = 0) -> int:
        """Returns the number of the user's latest session, or with `back` of an earlier one."""
        person = self.model.people.get(user)
        return max(len(person.plans) - back, 1) if person else 1

    def latest_plan(self, user: str, back: int = 0) -> Plan | None:
        return self.model.plan(user, self.latest(user, back)) if user in self.model.people else None

    @rule(user=users, wanted=profiles)
    def put_profile(self, user: str, wanted: Said) -> None:
        self.do(user, partial(self.users[user].put, wanted))

    @rule(user=users, prefetch=st.booleans())
    def recommend(self, user: str, prefetch: bool) -> None:
        self.do(user, partial(self.users[user].recommend, prefetch))

    @rule(user=users, back=st.sampled_from([0, 0, 0, 1]), position=positions, said=saids)
    def complete(self, user: str, back: int, position: int, said: Said) -> None:
        self.do(user, partial(self.users[user].complete, self.latest(user, back), position, said))

    @rule(user=users, fresh=st.booleans(), answers=st.lists(saids, min_size=7, max_size=7))
    def complete_the_rest(self, user: str, fresh: bool, answers: list[Said]) -> None:
        """Completes the activities without an answer one by one; with `fresh`, asks for a session first."""
        if fresh:
            self.do(user, partial(self.users[user].recommend, False))
        plan = self.latest_plan(user)
        for position in range(1, len(plan.answers) + 1 if plan else 1):
            if plan and plan.answers[position - 1]["completed"] is None:
                self.do(user, partial(self.users[user].complete, plan.number, position, answers[position - 1]))

    @rule(user=users, fresh=st.booleans(), back=st.sampled_from([0, 0, 0, 1]), items=batches, more=mores)
    def batch(self, user: str, fresh: bool, back: int, items: dict[int, Said], more: Said) -> None:
        if fresh:
            self.do(user, partial(self.users[user].recommend, False))
        self.do(user, partial(self.users[user].batch, self.latest(user, back), items, more))

    @rule(user=users, back=st.sampled_from([0, 0, 1]), position=st.integers(1, 5), more=mores)
    def batch_that_agrees(self, user: str, back: int, position: int, more: Said) -> None:
        """Sends a batch that repeats an answer; if completions ended the session, it may still add rating and notes."""
        plan = self.latest_plan(user, back)
        if plan is not None and plan.engaged is not None:
            said = {"completed": plan.answers[position - 1]["completed"]}
            self.do(user, partial(self.users[user].batch, plan.number, {position: said}, more))

    @rule(user=users, answers=st.lists(saids, min_size=7, max_size=7), rating=st.integers(1, 5))
    def rate_after_the_next(self, user: str, answers: list[Said], rating: int) -> None:
        """Rates a session that completions ended after the next one was issued: the rating must not move any score."""
        self.complete_the_rest(user, True, answers)
        self.do(user, partial(self.users[user].recommend, False))
        self.batch_that_agrees(user, 1, 1, {"overall_session_rating": rating})

    @rule(user=users)
    def repeat(self, user: str) -> None:
        """Sends the last accepted request again.

        The answer must be the same, unless time or a job changed what it concerns.
        """
        if user not in self.last:
            return
        request, answer = self.last[user]
        person = self.model.people.get(user)
        feedback = request.func in (self.users[user].complete, self.users[user].batch)
        before = self.model.told()
        again = request()
        if feedback and person is not None and not person.erasing:
            queued = "training_metrics" in answer and answer["training_metrics"] is None  # a job may learn from it
            assert _as_of_then(again | {"training_metrics": None} if queued else again) == _as_of_then(answer)
            assert self.model.told() == before
        if again is not None:
            self.last[user] = (request, again)

    @rule(user=users, position=st.sampled_from([0, 8, 9]), said=saids)
    def complete_unknown(self, user: str, position: int, said: Said) -> None:
        self.users[user].complete(self.latest(user), position, said)
        self.users[user].complete(self.latest(user) + 1, 1, said)

    @rule(user=users, position=positions)
    def batch_of_two_sessions(self, user: str, position: int) -> None:
        first = self.latest(user) * 10 + position
        for second in (first, first + 10):
            items = [{"activity_id": i, "completed": True} for i in (first, second)]
            assert self.users[user].phone.batch(items).status == 422

    @rule(user=users, wish=wishes)
    def state_consent(self, user: str, wish: Said) -> None:
        self.do(user, partial(self.users[user].consent, wish))

    @rule(user=users, wish=malformed)
    def state_nonsense(self, user: str, wish: Said) -> None:
        answer = self.users[user].phone.put_consent(**wish)
        assert (answer.status, answer.body["type"]) == (422, "invalid-request")

    @rule(user=users, times=times)
    def grant(self, user: str, times: int) -> None:
        """Grants under one text after another, perhaps more often than a day allows."""
        person = self.model.people.get(user)
        for text in range(times if person and not person.erasing else 1):
            self.do(user, partial(self.users[user].consent, GRANTED | {"text_version": f"text {text}"}))

    @rule(user=users, hours=hours)
    def pause(self, user: str, hours: float) -> None:
        self.do(user, partial(self.users[user].pause, self.model.now + round(3600 * hours)))

    @rule(user=users)
    def end_pause(self, user: str) -> None:
        self.users[user].end_pause()

    @rule(user=users, pauses=st.integers(1, 9), hours=st.sampled_from([1, 26]))
    def pause_again_and_again(self, user: str, pauses: int, hours: int) -> None:
        """Begins and ends pauses, perhaps more than the profile keeps, while time goes on."""
        for _ in range(pauses):
            self.do(user, partial(self.users[user].pause, self.model.now + 3600))
            self.model.now += 3601 * hours

    @rule(user=users, days=st.sampled_from([1, 3, 9]), answered=st.booleans(), said=saids)
    def come_back_after_a_pause(self, user: str, days: int, answered: bool, said: Said) -> None:
        """Gets a plan, pauses, perhaps answers it meanwhile, and comes back when the pause is over."""
        self.do(user, partial(self.users[user].recommend, False))
        self.do(user, partial(self.users[user].pause, self.model.now + 86_400 * days))
        self.model.now += 3600
        if answered:
            self.do(user, partial(self.users[user].complete, self.latest(user), 1, said))
        self.model.now += 86_400 * days
        self.do(user, partial(self.users[user].recommend, False))
        self.do(user, partial(self.users[user].complete, self.latest(user), 1, said))

    @rule(user=users)
    def look(self, user: str) -> None:
        self.users[user].look()
        self.users[user].look_back()
        self.users[user].look_at_consent()
        self.users[user].look_at_pause()

    @rule(user=users)
    def delete(self, user: str) -> None:
        self.do(user, partial(self.users[user].delete))


def _as_of_then(answer: Any) -> Any:
    """Returns the answer without `exploration_rate`, the only figure that describes the present."""
    training = answer.get("training_metrics")
    return answer | {"training_metrics": training | {"exploration_rate": None}} if training else answer
