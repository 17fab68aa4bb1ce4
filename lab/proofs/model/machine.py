"""Lets several users, two jobs and a clock act in any order that Hypothesis chooses."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule

from lab.proofs.formulas import Said
from lab.proofs.model.checks import FOREIGN, check_policy, check_user, mended
from lab.proofs.model.consent import Consent
from lab.proofs.model.draws import (
    GRANTED,
    SEGMENTS,
    UNLEARN,
    USERS,
    batches,
    bounds,
    cooldowns,
    drops,
    first_wishes,
    minutes,
    mostly,
    reads,
    segments,
    users,
    withdrawals,
)
from lab.proofs.model.person import Person
from lab.proofs.model.reference import Model
from lab.proofs.model.requests import Requests
from lab.proofs.model.service import TEMPLATE, client, empty_table, read_table, run_job
from rl_core.config import settings
from rl_core.models import Segment
from rl_core.store import Due, Hold, keys, open_store
from rl_core.work import Turn, consent, exclude, include

START = 1_795_424_460  # 2026-11-23T09:01:00Z; in the first minute of an hour the jobs ask every partition


class Fettle(Requests):
    def __init__(self) -> None:
        super().__init__(Model(tuple(s.value for s in SEGMENTS), START))
        self.service = ExitStack()
        self.service.enter_context(empty_table())
        self.table = read_table()
        self.told = self.model.told()

    def teardown(self) -> None:
        os.environ.pop("LEARN_ATTEMPTS", None)
        self.service.close()

    @initialize(
        wanted=st.tuples(segments, segments, segments),
        prefetch=st.booleans(),
        bounds=bounds,
        default=mostly,
        said=st.tuples(first_wishes, first_wishes, first_wishes),
        limits=st.tuples(drops, reads),
        cooldown=cooldowns,
    )
    def begin(
        self,
        wanted: tuple[Segment, ...],
        prefetch: bool,
        bounds: tuple[int, int],
        default: bool,
        said: tuple[Said | None, ...],
        limits: tuple[int, int],
        cooldown: int,
    ) -> None:
        self.model.sessions_per_day, self.model.learned_per_day = bounds
        self.model.consent_default, self.model.cooldown = default, cooldown
        os.environ |= {"SESSIONS_PER_DAY": str(bounds[0]), "LEARNED_PER_DAY": str(bounds[1])}
        os.environ["ACTION_COOLDOWN"] = str(cooldown)
        os.environ["CONSENT_DEFAULT"] = "granted" if default else "required"
        settings.cache_clear()
        patch = self.service.enter_context(pytest.MonkeyPatch.context())
        patch.setattr(consent, "_DROPS", limits[0])
        patch.setattr(consent, "_READS", limits[1])
        for user, segment, wish in zip(USERS, wanted, said, strict=True):
            self.do(user, partial(self.users[user].put, {"segment": segment.value}))
            if wish is not None:
                self.do(user, partial(self.users[user].consent, wish))
            self.do(user, partial(self.users[user].recommend, prefetch))

    @rule(user=users, segment=segments, items=batches)
    def fall_back(self, user: str, segment: Segment, items: dict[int, Said]) -> None:
        """Draws a plan while the policy cannot be read, and sends its feedback when the policy can be read again.

        Such a session is never learned from, unless its user wants no personal plan: then no policy would be read.
        """
        self.batch(user, False, 0, items, {})
        self.spoil_or_mend_a_policy(segment)
        self.do(user, partial(self.users[user].recommend, False))
        self.spoil_or_mend_a_policy(segment)
        self.batch(user, False, 0, items, {})

    @rule(user=users, wish=withdrawals, opened=st.booleans(), returns=mostly, job=st.booleans(), items=batches)
    def teach_and_withdraw(
        self, user: str, wish: Said, opened: bool, returns: bool, job: bool, items: dict[int, Said]
    ) -> None:
        """Teaches and withdraws, perhaps with what was learned, and with a session open; who returns grants again and
        ends that session, or teaches in a later one; who does not gets a plan all the same.

        The job runs after that, or some time later.
        """
        self.batch(user, True, 0, items, {})
        if opened:
            self.do(user, partial(self.users[user].recommend, False))
        self.do(user, partial(self.users[user].consent, wish))
        if returns:
            self.do(user, partial(self.users[user].consent, GRANTED))
            self.batch(user, True, 0, items, {})
        else:
            self.do(user, partial(self.users[user].recommend, False))
        if job:
            self.erasure_job(False)

    @rule(user=users, items=batches, leaves=st.booleans())
    def unlearn_who_is_excluded(self, user: str, items: dict[int, Said], leaves: bool) -> None:
        """Has a person excluded who taught and then asks for that to be taken back.

        An erasure ends the exclusion. Of who stays the next session expires, and consent comes before the exclusion.
        """
        self.do(user, partial(self.users[user].consent, GRANTED))
        self.batch(user, True, 0, items, {})
        self.exclude_or_include(user, True)
        self.do(user, partial(self.users[user].consent, UNLEARN))
        self.erasure_job(False)
        if leaves:
            self.delete(user)
            self.erasure_job(False)
        else:
            self.do(user, partial(self.users[user].recommend, False))
            self.clock(48 * 60)
            self.do(user, partial(self.users[user].recommend, False))

    @rule(user=users, wish=withdrawals, sessions=st.integers(1, 3), aside=st.booleans(), items=batches)
    def withdraw_what_waits(self, user: str, wish: Said, sessions: int, aside: bool, items: dict[int, Said]) -> None:
        """Has sessions of a person who grants everything wait to be learned from, and then withdraws."""
        before = self.model.contended
        self.contend(True)
        if user not in self.model.people:
            self.do(user, partial(self.users[user].put, {"segment": SEGMENTS[0].value}))
        self.do(user, partial(self.users[user].consent, GRANTED))
        for _ in range(sessions):
            self.batch(user, True, 0, items, {})
        self.contend(before)
        if aside:
            self.set_aside_or_put_back(user)
        self.do(user, partial(self.users[user].consent, wish))

    @rule(user=users)
    def set_aside_or_put_back(self, user: str) -> None:
        """Sets the first session aside that waits to be learned from, as if it had failed alone, or puts it back."""
        person = self.model.people.get(user)
        plan = next((p for p in person.plans if p.waits), None) if person and not person.erasing else None
        if plan is None:
            return
        pk, sk = keys.user_pk(user), keys.session_sk(plan.number)
        item = open_store().get(pk, sk)
        assert item is not None
        place = Due(item["due_shard"]["S"], pk, sk, datetime.now(UTC))
        if plan.parked:
            open_store().unpark(place, settings().index_shards)
        else:
            open_store().park(place, "at random")
        plan.parked = None if plan.parked else "at random"

    @rule(passed=minutes)
    def clock(self, passed: int) -> None:
        self.model.now += passed * 60

    @rule()
    def learn_job(self) -> None:
        """Runs the job; it also learns from closed sessions of users in erasure, as long as their items exist."""
        people = self.model.people.values()
        closed = sum(self.model.expire(p) for p in people if not p.erasing)
        waiting = [plan for p in people for plan in p.plans if self.model.may_learn(plan)]
        learned = 0
        for plan in waiting:
            if self.model.excludes(plan):
                plan.why = "excluded"
            else:
                self.model.learn(plan)
                learned += 1
        counts = run_job("Learn", self.model.now)
        assert counts == {"closed": closed, "learned": learned, "dropped": 0, "parked": 0, "conflicts": 0}

    @rule(user=users, excluded=st.booleans())
    def exclude_or_include(self, user: str, excluded: bool) -> None:
        """Excludes the person from the first segment that learned from them, or includes them again.

        An exclusion stands, and can be taken back, also when what it left out was unlearned.
        """
        person = self.model.people.get(user)
        plans = person.plans if person else []
        plan = next((p for p in plans if p.key in self.model.learned[p.segment] or self.model.excludes(p)), None)
        if plan is None or plan.segment in self.model.unreadable or self.model.excludes(plan) == excluded:
            return
        self.model.excluded[plan.segment] ^= {plan.key[:8]}
        turn = Turn.of("an operator", datetime.fromtimestamp(self.model.now, UTC), lambda: 900_000)
        change = exclude if excluded else include
        assert change(open_store(), Segment(plan.segment), plan.key[:8], "at random", settings(), turn)

    @rule(overlapping=st.booleans())
    def erasure_job(self, overlapping: bool) -> None:
        """Runs the job: it cannot erase or unlearn a user while a policy that learned from the user cannot be read.

        Such a user waits, but sessions that were not learned from are deleted at once. A user who had used up a day is
        erased, but can come back only when that day is over. An overlapping run starts while this one rewrites the
        past; both together are done with as many.
        """
        unlearned = [user for user, person in self.unlearning() if self.model.unlearn(person)]
        for user in unlearned:
            self.forget_figures(user)
        due = [(u, p) for u, p in self.model.people.items() if p.erasing and p.due <= self.model.now]
        erased = [(user, person) for user, person in due if not person.bare and self.model.erase(person)]
        for user, person in due:
            if person.bare or (user, person) in erased:
                self.leave(user, person)
        with twice(self.model.now, overlapping) as others:
            counts = run_job("Erasure", self.model.now)
        assert counts["done"] + sum(others) == len(erased) + len(unlearned)

    def unlearning(self) -> list[tuple[str, Person]]:
        """Returns the users whose request to be unlearned is due; of a user in erasure the erasure takes it over."""
        staying = [(user, person) for user, person in self.model.people.items() if not person.erasing]
        return [(u, p) for u, p in staying if p.consent.request and p.consent.request.due <= self.model.now]

    def forget_figures(self, user: str) -> None:
        """Forgets what the user's last batch said of learning, which a repeat no longer says."""
        if user in self.last:
            request, answer = self.last[user]
            self.last[user] = request, answer | ({"training_metrics": None} if "training_metrics" in answer else {})

    def leave(self, user: str, person: Person) -> None:
        """Forgets the person; if the person had used up a day, a bare marker stays until that day is over."""
        self.last.pop(user, None)
        if person.held and self.model.now < person.held[1]:
            person.plans, person.days, person.bare, person.due = [], {}, True, person.held[1]
            person.consent = Consent()
        else:
            del self.model.people[user]

    @rule(on=st.booleans())
    def contend(self, on: bool) -> None:
        """Makes every request lose its race over the policy, or stops that; the sessions it ends are queued."""
        self.model.contended = on
        os.environ["LEARN_ATTEMPTS"] = "0" if on else "4"
        settings.cache_clear()

    @rule(segment=segments)
    def spoil_or_mend_a_policy(self, segment: Segment) -> None:
        """Makes a policy unreadable, or readable again."""
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


@contextmanager
def twice(now: int, overlapping: bool) -> Iterator[list[int]]:
    """Runs the erasure once more while a run in this block rewrites the past; yields how many users it was done with.

    Does nothing when they are not to overlap.
    """
    advance, others = Hold.advance, list[int]()

    def after_another(hold: Hold, *given: Any) -> Hold:
        if overlapping and not others:
            others.append(0)
            others[0] = run_job("Erasure", now)["done"]
        return advance(hold, *given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Hold, "advance", after_another)
        yield others
