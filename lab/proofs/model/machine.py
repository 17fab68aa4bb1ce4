"""Several users, two jobs and a clock, in any order that Hypothesis thinks of."""

import os
from contextlib import ExitStack
from functools import partial
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from lab.proofs.formulas import Said
from lab.proofs.model.checks import FOREIGN, check_policy, check_user, mended
from lab.proofs.model.reference import Model, Person, Plan
from lab.proofs.model.service import TEMPLATE, client, empty_table, read_table, run_job
from lab.proofs.model.user import User
from rl_core.config import settings
from rl_core.models import Segment
from rl_core.store import keys

START = 1_795_424_460  # 2026-11-23T09:01:00Z, not in an hour's first minute, when the jobs ask every shard
SEGMENTS = (Segment.HIGH_LOW, Segment.MODERATE_MODERATE)
USERS = ("ana", "ben", "cem")

Request = partial[Any]

users = st.sampled_from(USERS)
segments = st.sampled_from(SEGMENTS)
positions = st.integers(1, 7)
points = st.none() | st.integers(1, 5)
notes = st.sampled_from([None, "", "fine"])
saids: st.SearchStrategy[Said] = st.fixed_dictionaries(
    {"completed": st.sampled_from([True, True, False])},
    optional={"motivation_before": points, "motivation_after": points, "difficulty_rating": points, "notes": notes},
)
batches = st.dictionaries(st.sampled_from([1, 2, 3, 4, 5, 6]), saids, min_size=1, max_size=4)
mores: st.SearchStrategy[Said] = st.fixed_dictionaries({}, optional={"overall_session_rating": points, "notes": notes})
profiles: st.SearchStrategy[Said] = st.fixed_dictionaries(
    {},
    optional={
        "segment": st.sampled_from([s.value for s in SEGMENTS]),
        "timezone": st.sampled_from(["Asia/Tokyo", "America/Los_Angeles"]),
        "avoid": st.sampled_from([[], ["floor"], ["breath_hold", "floor"]]),
    },
)
bounds = st.sampled_from([(1000, 1000), (12, 2), (4, 1), (2, 2), (3, 0)])  # of a user's day: issued, learned
minutes = st.sampled_from([1, 30, 240, 1000, 48 * 60 - 1, 48 * 60, 100 * 60])


class Fettle(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.service = ExitStack()
        self.service.enter_context(empty_table())
        self.model = Model(tuple(s.value for s in SEGMENTS), START)
        self.users = {user: User(self.model, user) for user in USERS}
        self.last: dict[str, tuple[Request, Any]] = {}
        self.table = read_table()
        self.told = self.model.told()

    def teardown(self) -> None:
        os.environ.pop("LEARN_ATTEMPTS", None)
        self.service.close()

    def do(self, user: str, request: Request) -> None:
        """Sends it, and keeps it with its answer if it was accepted."""
        answer = request()
        if answer is not None:
            self.last[user] = (request, answer)

    def latest(self, user: str, back: int = 0) -> int:
        """The number of the user's latest session, or the one before."""
        person = self.model.people.get(user)
        return max(len(person.plans) - back, 1) if person else 1

    def latest_plan(self, user: str, back: int = 0) -> Plan | None:
        return self.model.plan(user, self.latest(user, back)) if user in self.model.people else None

    @initialize(wanted=st.tuples(segments, segments, segments), prefetch=st.booleans(), bounds=bounds)
    def begin(self, wanted: tuple[Segment, ...], prefetch: bool, bounds: tuple[int, int]) -> None:
        self.model.sessions_per_day, self.model.learned_per_day = bounds
        os.environ |= {"SESSIONS_PER_DAY": str(bounds[0]), "LEARNED_PER_DAY": str(bounds[1])}
        settings.cache_clear()
        for user, segment in zip(USERS, wanted, strict=True):
            self.do(user, partial(self.users[user].put, {"segment": segment.value}))
            self.do(user, partial(self.users[user].recommend, prefetch))

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
        """Answers what is not answered, one by one; in a new session if the latest is over."""
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
        """On a session that completions ended it may still add rating and notes."""
        plan = self.latest_plan(user, back)
        if plan is not None and plan.engaged is not None:
            said = {"completed": plan.answers[position - 1]["completed"]}
            self.do(user, partial(self.users[user].batch, plan.number, {position: said}, more))

    @rule(user=users, answers=st.lists(saids, min_size=7, max_size=7), rating=st.integers(1, 5))
    def rate_after_the_next(self, user: str, answers: list[Said], rating: int) -> None:
        """A session ended by completions is rated when the next is issued already: no score may move."""
        self.complete_the_rest(user, True, answers)
        self.do(user, partial(self.users[user].recommend, False))
        self.batch_that_agrees(user, 1, 1, {"overall_session_rating": rating})

    @rule(user=users, segment=segments, items=batches)
    def fall_back(self, user: str, segment: Segment, items: dict[int, Said]) -> None:
        """A plan drawn while the policy cannot be read, fed back when it can: never learned from."""
        self.batch(user, False, 0, items, {})
        self.spoil_or_mend_a_policy(segment)
        self.do(user, partial(self.users[user].recommend, False))
        self.spoil_or_mend_a_policy(segment)
        self.batch(user, False, 0, items, {})

    @rule(user=users)
    def repeat(self, user: str) -> None:
        """The last accepted request again: the same answer, unless time or a job took what it was about."""
        if user not in self.last:
            return
        request, answer = self.last[user]
        person = self.model.people.get(user)
        feedback = request.func in (self.users[user].complete, self.users[user].batch)
        before = self.model.told()
        again = request()
        if feedback and person is not None and not person.erasing:
            queued = "training_metrics" in answer and answer["training_metrics"] is None  # a job may learn it
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

    @rule(user=users)
    def look(self, user: str) -> None:
        self.users[user].look()
        self.users[user].look_back()

    @rule(user=users)
    def delete(self, user: str) -> None:
        self.do(user, partial(self.users[user].delete))

    @rule(passed=minutes)
    def clock(self, passed: int) -> None:
        self.model.now += passed * 60

    @rule()
    def learn_job(self) -> None:
        """Also learns what an erased user's session had come to, as long as its item is there."""
        people = self.model.people.values()
        closed = sum(self.model.expire(p) for p in people if not p.erasing)
        waiting = [plan for p in people for plan in p.plans if self.model.may_learn(plan)]
        for plan in waiting:
            self.model.learn(plan)
        counts = run_job("Learn", self.model.now)
        assert counts == {"closed": closed, "learned": len(waiting), "dropped": 0, "parked": 0, "conflicts": 0}

    @rule()
    def erasure_job(self) -> None:
        """Who was learned from where the policy cannot be read now has to wait; unlearned sessions are gone already.

        Who had used up a day is erased, but comes back only when that day is over.
        """
        waiting = [(user, person) for user, person in self.model.people.items() if person.erasing]
        erased = [(user, person) for user, person in waiting if not person.bare and self.model.erase(person)]
        for user, person in waiting:
            if person.bare or (user, person) in erased:
                self.leave(user, person)
        assert run_job("Erasure", self.model.now) == {"erased": len(erased)}

    def leave(self, user: str, person: Person) -> None:
        """Nothing of a person is left, but a bare marker while a day lasts that they had used up."""
        self.last.pop(user, None)
        if person.held and self.model.now < person.held[1]:
            person.plans, person.days, person.bare = [], {}, True
        else:
            del self.model.people[user]

    @rule(on=st.booleans())
    def contend(self, on: bool) -> None:
        """Every request loses its race over the policy: what it ends is queued."""
        self.model.contended = on
        os.environ["LEARN_ATTEMPTS"] = "0" if on else "4"
        settings.cache_clear()

    @rule(segment=segments)
    def spoil_or_mend_a_policy(self, segment: Segment) -> None:
        """Makes a policy one that cannot be read, or takes that back."""
        key = {"pk": {"S": keys.segment_pk(segment)}, "sk": {"S": keys.POLICY_SK}}
        name = TEMPLATE.table.name
        item: Any = client().get_item(TableName=name, Key=key).get("Item", key)
        spoilt = segment.value in self.model.unreadable
        self.model.unreadable ^= {segment.value}
        if spoilt and "version" not in item:
            client().delete_item(TableName=name, Key=key)
        else:
            client().put_item(TableName=name, Item=mended(item) if spoilt else item | {"learner": {"S": FOREIGN}})

    @invariant()
    def what_the_model_says_is_what_the_table_says(self) -> None:
        table, told = read_table(), self.model.told()
        if told == self.told:
            assert table == self.table, "something was written that nobody told"
            return
        for user in USERS:
            check_user(self.model.people.get(user), user, table)
        for segment in SEGMENTS:
            check_policy(self.model, segment, table)
        owners = {keys.user_pk(u) for u in USERS} | {keys.segment_pk(s) for s in SEGMENTS}
        assert {pk for pk, _ in table} <= owners
        self.table, self.told = table, told


def _as_of_then(answer: Any) -> Any:
    """The answer without the one figure that is as of now."""
    metrics = answer.get("training_metrics")
    return answer | {"training_metrics": metrics | {"exploration_rate": None}} if metrics else answer
