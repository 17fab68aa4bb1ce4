"""Models what Fettle promises in plain Python, without a table, revisions or races.

Nothing of the service is imported here.
"""

from dataclasses import dataclass, field

from lab.proofs.formulas import Said, motivated
from lab.proofs.model.consent import GRANTS, Choice, Request, Statement
from lab.proofs.model.person import Known, Person, Plan


@dataclass
class Model:
    """Holds all people, what each segment learned (sessions by their key), whom it excludes (the first eight bytes of
    their keys), and which policies are unreadable or contended.

    `consent_default` is what holds of a person who never said anything of a purpose.
    """

    segments: tuple[str, ...]
    now: int
    sessions_per_day: int = 1000
    learned_per_day: int = 1000
    consent_default: bool = True
    cooldown: int = 1
    people: dict[str, Person] = field(default_factory=dict)
    contended: bool = False
    unreadable: set[str] = field(default_factory=set)
    learned: dict[str, dict[bytes, Plan]] = field(default_factory=dict)
    excluded: dict[str, set[bytes]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.learned = {segment: {} for segment in self.segments}
        self.excluded = {segment: set() for segment in self.segments}

    def told(self) -> str:
        """Returns everything but the time as text: while it stays the same, the table must stay the same."""
        return repr((self.people, self.unreadable, self.learned, self.excluded))

    def plan(self, user: str, number: int) -> Plan | None:
        plans = self.people[user].plans
        return plans[number - 1] if 0 < number <= len(plans) else None

    def takes(self, plan: Plan) -> bool:
        return plan.status == "open" and self.now < plan.expires

    def barred(self, person: Person) -> set[int]:
        """Returns the actions that the person may not be given now.

        These are the unwanted ones and, latest first, those of the latest sessions, as long as two others are left.
        """
        out = set(person.without)
        for plan in person.plans[-1 : -self.cooldown - 1 : -1]:
            if len(out | {plan.action}) > 4:
                break
            out.add(plan.action)
        return out

    def refuses(self, person: Person) -> bool:
        """Returns whether all sessions of the person's day have been issued."""
        return person.counted(self.now).issued >= self.sessions_per_day

    def issue(self, person: Person, plan: Plan) -> None:
        counts = person.counted(self.now)
        person.counts = counts._replace(issued=counts.issued + 1)
        person.plans.append(plan)

    def delete(self, person: Person) -> None:
        """Marks the person as in erasure; a day that is used up is kept until it is over."""
        counts = person.counted(self.now)
        used_up = self.refuses(person) or 0 < self.learned_per_day <= counts.taught
        if person.erasing:
            return
        if used_up and counts.day:
            person.held = counts.day, person.day_over(self.now)
        person.erasing, person.due = True, self.now

    def close(
        self, person: Person, plan: Plan, by: str, rating: int | None = None, notes: str = "", out: bool = False
    ) -> None:
        """Closes the plan; `out` says that a policy was read by which it is excluded, whatever the day's counts."""
        came_to = plan.figures(rating)
        for answer in plan.answers:
            answer["completed"] = bool(answer["completed"])
        plan.barred = self.barred(person)
        person.engagement = plan.engaged = came_to.engagement
        person.motivation = plan.motivated = motivated(person.motivation, came_to.lift)
        plan.status, plan.ended_by, plan.reward, plan.rating, plan.notes = "closed", by, came_to.reward, rating, notes
        person.counts = counts = person.counted(self.now)
        over = counts.taught >= self.learned_per_day
        plan.why = self.why(person, plan, out, over)
        at_once = by != "expiry" and not self.contended and self.may_learn(plan)
        if at_once and self.excludes(plan):
            plan.why = "excluded"
        person.known.latest = [*person.known.latest, plan.action][-5:]
        if plan.why is None:
            person.counts = counts._replace(taught=counts.taught + 1)
            if plan.segment == person.segment:
                person.known.taught(plan.action, plan.reward)
            else:
                person.known.taught_elsewhere(plan.action)
            if at_once:
                self.learn(plan)
                plan.episodes = self.episodes(plan.segment)
        if not self.grants(person, "personalise"):
            person.known.blur()

    def why(self, person: Person, plan: Plan, out: bool, over: bool) -> str | None:
        """Returns the first reason why nothing is learned from a plan that closes now, by what now stands."""
        if plan.fallback:
            return "fallback"
        if not self.grants(person, "learn") or plan.number <= person.consent.unlearned:
            return "consent"
        return "excluded" if out else "over-weight" if over else None

    def may_learn(self, plan: Plan) -> bool:
        return plan.waits and plan.parked is None and plan.segment not in self.unreadable

    def excludes(self, plan: Plan) -> bool:
        return plan.key[:8] in self.excluded[plan.segment]

    def episodes(self, segment: str) -> int:
        """Returns how many sessions the segment's policy counts."""
        return sum(key[:8] not in self.excluded[segment] for key in self.learned[segment])

    def learn(self, plan: Plan) -> None:
        assert plan.key not in self.learned[plan.segment]
        assert plan.reward is not None
        plan.status = "learned"
        self.learned[plan.segment][plan.key] = plan

    def grants(self, person: Person, purpose: str) -> bool:
        return self._grants(person.consent.choice(purpose))

    def _grants(self, choice: Choice | None) -> bool:
        return self.consent_default if choice is None else choice.granted

    def state(self, user: str, wish: Said) -> tuple[int, str]:
        """Applies what the user says of consent. Returns the status that answers it, and the type of a refusal."""
        asked = wish.get("unlearn", False)
        if asked and wish.get("learn"):
            return 422, "invalid-request"
        person = self.people.get(user)
        if person is None or person.erasing:
            return 409, "erasing" if person else "profile-required"
        unlearn = asked and person.consent.unlearned < len(person.plans)
        said = person.consent.stated(wish, self.now, unlearn)
        if asked and self._grants(said.learn):
            return 422, "invalid-request"
        news = person.consent.news(said)
        if not news and not unlearn:
            return 200, ""
        counts, granted = person.counted(self.now), any(new.granted for new in news)
        if granted and counts.grants >= GRANTS:
            return 429, "too-many-grants"
        person.counts = counts._replace(grants=counts.grants + granted)
        self._follow(person, said)
        return 200, ""

    def _follow(self, person: Person, said: Statement) -> None:
        """Takes the statement, and does to the person's facts and to the sessions that wait what follows from it."""
        consent = person.consent
        consent.statements.append(said)
        if not self.grants(person, "personalise"):
            person.known.blur()
        if not self.grants(person, "learn"):
            for plan in person.plans:
                if plan.waits:
                    plan.drop()
        if said.unlearn:
            consent.unlearning, consent.unlearned = "pending", len(person.plans)
            consent.request, person.known = Request(consent.unlearned, self.now), Known()

    def unlearn(self, person: Person) -> bool:
        """Takes the sessions of the person's request out of every readable policy; returns whether nothing is left.

        If something is left the request waits, and the sessions say that they were learned from. An exclusion stands.
        """
        request = person.consent.request
        assert request is not None
        plans = [plan for plan in person.plans[: request.upto] if plan.status == "learned"]
        for plan in plans:
            if plan.segment not in self.unreadable:
                self.learned[plan.segment].pop(plan.key, None)
        if any(plan.segment in self.unreadable for plan in plans):
            request.put_off(self.now)
            return False
        for plan in plans:
            plan.drop()
        person.consent.request, person.consent.unlearning = None, "done"
        return True

    def erase(self, person: Person) -> bool:
        """Removes what was learned from the person from every readable policy, and the person from the list of those
        whom it excludes. Returns whether nothing of it is left.

        If something is left the person waits, each time twice as long, up to 15 minutes. Sessions that were not learned
        from are deleted at once, apart from those that say `consent`: what they taught may have been taken back.
        """
        person.plans = [plan for plan in person.plans if plan.status == "learned" or plan.why == "consent"]
        for plan in person.plans:
            if plan.segment not in self.unreadable:
                self.learned[plan.segment].pop(plan.key, None)
                self.excluded[plan.segment].discard(plan.key[:8])
        unread = [plan for plan in person.plans if plan.segment in self.unreadable]
        left = any(plan.status == "learned" or self.excludes(plan) for plan in unread)
        if left:
            person.due = self.now + 60 * min(2**person.failures, 15)
            person.failures += 1
        return not left

    def expire(self, person: Person, read: str = "") -> bool:
        """Closes the latest session as it stands if it has expired, and returns whether it did.

        `read` is the segment whose policy was read for that; for a person without personal plans none is read.
        """
        plan = person.plans[-1] if person.plans else None
        if plan is None or plan.status != "open" or self.now < plan.expires:
            return False
        answered = any(a["completed"] is not None for a in plan.answers)
        paused = not answered and person.pauses.until(plan.expires) is not None
        if not paused and (plan.shown or answered):
            read = read if self.grants(person, "personalise") else ""
            out = plan.segment == read and plan.segment not in self.unreadable and self.excludes(plan)
            self.close(person, plan, "expiry", out=out)
        else:
            plan.status, plan.ended_by, plan.why = "unseen", "expiry", "paused" if paused else None
        return True

    def complete(self, user: str, number: int, position: int, said: Said) -> int:
        """Applies the completion and returns the status that answers it."""
        person = self.people.get(user)
        if person is None or person.erasing:
            return 409 if person else 404
        plan = self.plan(user, number)
        if plan is None or not 1 <= position <= len(plan.answers):
            return 404
        merged = plan.merged(position, said, self.now, person.today(self.now))
        if merged == plan.answers[position - 1]:
            return 200
        if not self.takes(plan):
            return 409
        plan.day = plan.day or person.today(self.now)
        person.active(self.now, number)
        plan.answers[position - 1] = merged
        if all(a["completed"] is not None for a in plan.answers):
            self.close(person, plan, "completions")
        return 200

    def batch(self, user: str, number: int, items: dict[int, Said], more: Said) -> int:
        """Applies the batch and returns the status that answers it.

        `items` are answers by position, `more` has the rating and notes that the batch states.
        """
        person = self.people.get(user)
        if person is None or person.erasing:
            return 409 if person else 404
        plan = self.plan(user, number)
        if plan is None or not all(1 <= p <= len(plan.answers) for p in items):
            return 404
        merged = {p: plan.merged(p, said, self.now, person.today(self.now)) for p, said in items.items()}
        if self.takes(plan):
            plan.day = plan.day or person.today(self.now)
            person.active(self.now, number)
            for position, answer in merged.items():
                plan.answers[position - 1] = answer
            self.close(person, plan, "batch", more.get("overall_session_rating"), more.get("notes") or "")
            return 200
        agrees = all(plan.answers[p - 1] == answer for p, answer in merged.items())
        return self.rate(person, plan, more) if agrees and plan.engaged is not None else 409

    def rate(self, person: Person, plan: Plan, more: Said) -> int:
        """Applies the rating and notes of a batch that agrees with a closed session, and returns the status that
        answers it.
        """
        rating = more.get("overall_session_rating", plan.rating)
        notes = more.get("notes", plan.notes) or ""
        if (rating, notes) == (plan.rating, plan.notes):
            return 200
        if plan.ended_by != "completions" or plan.rating not in (None, rating) or plan.notes not in ("", notes):
            return 409
        plan.rating, plan.notes = rating, notes
        if plan is person.plans[-1]:
            person.engagement = plan.engaged = plan.figures(rating).engagement
        return 200
