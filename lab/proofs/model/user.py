"""Sends a user's requests straight to the functions, and compares each answer with the model's."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lab.proofs.formulas import Said
from lab.proofs.model.checks import check_even
from lab.proofs.model.consent import PURPOSES, Statement
from lab.proofs.model.person import BLANK, Person, Plan, iso
from lab.proofs.model.reference import Model
from lab.proofs.model.service import invoke
from local.phone import Answer, Phone, pages, to_functions
from rl_core.store import open_store


def shown(value: float) -> Any:
    """Returns what equals the number in an answer, which is rounded to four decimals."""
    return pytest.approx(value, rel=0, abs=5.1e-5)


def told(answer: Answer, status: int) -> Any:
    """Returns the body of an answer, or None unless its status is 200. Asserts the status."""
    assert answer.status == status, answer.text
    return answer.body if status == 200 else None


class User:
    """Plays a user with a phone and the model: the service must answer what the model answers."""

    def __init__(self, model: Model, name: str) -> None:
        self.model, self.name = model, name

    @property
    def phone(self) -> Phone[Answer]:
        """Returns the user's phone, at the end of the model's present second."""
        at = datetime.fromtimestamp(self.model.now, UTC) + timedelta(milliseconds=999)
        return Phone(to_functions(invoke, self.name, at))

    @property
    def person(self) -> Person | None:
        return self.model.people.get(self.name)

    def put(self, wanted: Said) -> Any:
        person, expected = self.person, 200
        if person is None and "segment" not in wanted:
            expected = 422
        elif person is None:
            self.model.people[self.name] = person = Person(wanted["segment"])
        elif person.erasing:
            expected = 409
        if person is not None and expected == 200:
            person.move(wanted.get("segment", person.segment))
            person.timezone = wanted.get("timezone", person.timezone)
            person.avoid = wanted.get("avoid", person.avoid)
            person.without = wanted.get("without", person.without)
        body = told(self.phone.put_profile(**wanted), expected)
        if body is not None and person is not None:
            self.check_profile(person, body)
        return body

    def check_profile(self, person: Person, body: Any) -> None:
        assert (body["segment"], body["timezone"], body["avoid"]) == (person.segment, person.timezone, person.avoid)
        assert body["without"] == person.without
        assert body["engagement_score"] == shown(person.score(self.model.now))
        assert body["motivation_score"] == shown(person.motivation)
        assert body["streak_days"] == person.streak(self.model.now)

    def look(self) -> None:
        """Reads the profile and all pages of the history, and compares them with the model."""
        person = self.person
        gone = person is None or person.erasing
        profile = told(self.phone.get_profile(), 404 if gone else 200)
        if person is not None and person.erasing:
            told(self.phone.history(3), 409)
            return
        if person is not None:
            self.check_profile(person, profile)
        sessions = [session for page in pages(lambda token: self.phone.history(3, token).body) for session in page]
        plans = person.plans[::-1] if person else []
        assert [(s["session_id"], s["status"]) for s in sessions] == [(p.number, p.status) for p in plans]
        for session, plan in zip(sessions, plans, strict=True):
            assert session["reward"] == (None if plan.reward is None else shown(plan.reward))
            assert [a["completed"] for a in session["activities"]] == [bool(a["completed"]) for a in plan.answers]

    def look_back(self) -> None:
        """Reads the last 90 days and compares them with the model."""
        person = self.person
        answer = self.phone.stats(90)
        body = answer.body
        if person is None or person.erasing:
            assert (answer.status, body["type"]) == (409, "erasing" if person else "profile-required")
            return
        assert answer.status == 200, body
        first = person.today(self.model.now) - timedelta(days=89)
        days = sorted(day for day in person.days if day >= first)
        own = [plan for plan in person.plans if plan.day and plan.day >= first]
        done = [a for plan in own for a in plan.answers if a["completed"]]
        assert (body["totals"]["active_days"], body["totals"]["sessions"]) == (len(days), len(own))
        assert body["totals"]["assigned"] == sum(len(plan.answers) for plan in own)
        assert body["totals"]["completed"] == len(done)
        active = [day["date"] for day in body["daily"] if day["active"]]
        assert active == [day.isoformat() for day in days]
        assert body["engagement_score"] == shown(person.score(self.model.now))

    def consent(self, wish: Said) -> Any:
        """States consent, again and again while so much waits that the service asks for a repeat."""
        status, refusal = self.model.state(self.name, wish)
        answer, person = self.phone.put_consent(**wish), self.person
        while answer.status == 503 and answer.body["type"] == "withdrawal-unfinished":
            assert answer.headers["retry-after"] == "1"
            answer = self.phone.put_consent(**wish)
        body = told(answer, status)
        if body is None or person is None:
            assert answer.body["type"] == refusal
            if person is not None and status == 429:
                assert int(answer.headers["retry-after"]) == max(person.day_over(self.model.now) - self.model.now, 1)
            return None
        self.check_consent(person, body)
        return body

    def look_at_consent(self) -> None:
        """Reads what was said of consent and compares it with the model."""
        person, answer = self.person, self.phone.get_consent()
        if person is None or person.erasing:
            assert (answer.status, answer.body["type"]) == (409, "erasing" if person else "profile-required")
            return
        self.check_consent(person, told(answer, 200))

    def check_consent(self, person: Person, body: Any) -> None:
        consent = person.consent
        for purpose in PURPOSES:
            choice, granted = consent.choice(purpose), self.model.grants(person, purpose)
            said = {"since": iso(choice.since), "text_version": choice.text} if choice else dict.fromkeys(_SAID)
            assert body[purpose] == {"granted": granted, **said}
        assert body["unlearning"] == consent.unlearning
        told = list(zip(consent.statements, [None, *consent.statements], strict=False))
        assert body["history"] == [_entry(*pair) for pair in told[:-101:-1]]

    def pause(self, until: int) -> Any:
        """Pauses until that second, which may be over when the request is repeated."""
        person, now = self.person, self.model.now
        answer = self.phone.put_pause(iso(until))
        if person is None or person.erasing:
            assert (answer.status, answer.body["type"]) == (409, "erasing" if person else "profile-required")
            return None
        body = told(answer, person.pauses.put(until, now))
        if answer.status == 429:
            assert int(answer.headers["retry-after"]) == max(person.day_over(now) - now, 1)
        assert body is None or body == {"until": iso(until)}
        return body

    def end_pause(self) -> None:
        """Ends the pause, if there is one."""
        person, answer = self.person, self.phone.delete_pause()
        if person is None or person.erasing:
            assert (answer.status, answer.body["type"]) == (409, "erasing" if person else "profile-required")
            return
        assert (answer.status, answer.content) == (204, b"")
        person.pauses.end(self.model.now)

    def look_at_pause(self) -> None:
        person, answer = self.person, self.phone.get_pause()
        if person is None or person.erasing:
            assert (answer.status, answer.body["type"]) == (409, "erasing" if person else "profile-required")
            return
        assert told(answer, 200) == {"until": iso(person.pauses.until(self.model.now))}

    def delete(self) -> Any:
        if self.person is not None:
            self.model.delete(self.person)
        answer = self.phone.delete_profile()
        assert (answer.status, answer.content) == (204, b"")
        return {}

    def recommend(self, prefetch: bool) -> Any:
        person, answer = self.person, self.phone.recommend(prefetch or None)
        body = answer.body
        if person is None or person.erasing:
            assert (answer.status, body["type"]) == (409, "erasing" if person else "profile-required")
            return None
        if (until := person.pauses.until(self.model.now)) is not None:
            assert (answer.status, body["type"], body["until"]) == (409, "paused", iso(until))
            return None
        if not (person.plans and self.model.takes(person.plans[-1])) and self.model.refuses(person):
            assert (answer.status, body["type"]) == (429, "too-many-sessions")
            assert int(answer.headers["retry-after"]) == max(person.day_over(self.model.now) - self.model.now, 1)
            return None
        assert answer.status == 200, body
        self.model.expire(person, person.segment)
        if not person.plans or person.plans[-1].status != "open":
            if not prefetch:
                person.active(self.model.now, len(person.plans) + 1)
            self.model.issue(person, self.issued(person, body, not prefetch))
        plan = person.plans[-1]
        if not prefetch:
            plan.shown, plan.day = True, plan.day or person.today(self.model.now)
            person.active(self.model.now, plan.number)
        assert (body["session_id"], body["expires_at"]) == (plan.number, iso(plan.expires))
        assert [a["id"] for a in body["activities"]] == [plan.number * 10 + n for n in range(1, len(plan.answers) + 1)]
        assert [a["completed"] for a in body["activities"]] == [bool(a["completed"]) for a in plan.answers]
        return body

    def issued(self, person: Person, body: Any, shown: bool) -> Plan:
        """Returns the plan that was just drawn; its key is read from the table."""
        session = open_store().session(self.name, len(person.plans) + 1)
        assert session is not None
        even = not self.model.grants(person, "personalise")
        assert body["reason"].endswith("you do not want personal plans.") == even
        if even:
            check_even(session, open_store().session(self.name, len(person.plans)), person.avoid)
        return Plan(
            number=len(person.plans) + 1,
            key=session.key,
            segment=person.segment,
            engagement=person.score(self.model.now),
            expires=self.model.now + 48 * 3600,
            shown=shown,
            fallback=not even and person.segment in self.model.unreadable,
            even=even,
            answers=[dict(BLANK) for _ in body["activities"]],
            action=body["rl_action_id"],
            known=person.known.frozen(),
            eligible=sorted(set(range(6)) - self.model.barred(person)),
        )

    def complete(self, number: int, position: int, said: Said) -> Any:
        expected = self.model.complete(self.name, number, position, said)
        body, person = told(self.phone.complete(number * 10 + position, **said), expected), self.person
        if body is None or person is None:
            return None
        plan = person.plans[number - 1]
        answer, stats, figures = plan.answers[position - 1], body["stats"], plan.figures()
        tracked = {name: body["activity"][name] for name in BLANK if name not in ("at", "on")}
        tracked |= {"at": body["activity"]["completion_date"], "on": answer["on"]}
        assert tracked == answer | {"at": iso(answer["at"])}
        assert stats["completion_rate"] == f"{int(figures.rate * 100 + 0.5)}%"
        assert stats["avg_motivation_increase"] == shown(figures.lift)
        assert stats["engagement_delta"] == shown(plan.delta)
        assert stats.pop("total_completed_today") == person.done_today(self.model.now)
        return body

    def batch(self, number: int, items: dict[int, Said], more: Said) -> Any:
        expected = self.model.batch(self.name, number, items, more)
        stated = [{"activity_id": number * 10 + position, **said} for position, said in items.items()]
        body, person = told(self.phone.batch(stated, **more), expected), self.person
        if body is None or person is None:
            return None
        plan, training = person.plans[number - 1], body["training_metrics"]
        assert plan.reward is not None
        assert body["activities_updated"] == len(items)
        assert body["engagement_delta"] == shown(plan.delta)
        assert body["rl_reward_signal"] == shown(plan.reward)
        learning = "none" if plan.why else "applied" if plan.status == "learned" else "queued"
        assert (training["learning"], training["why"]) == (learning, plan.why)
        if plan.episodes is not None:
            assert training["total_episodes"] == plan.episodes
            assert training["epsilon"] == shown(max(0.06, 0.3 * 0.993**plan.episodes))
        if plan.even:
            assert training["exploration_rate"] == (None if plan.segment in self.model.unreadable else 1)
        return body if plan.status == "learned" else body | {"training_metrics": None}


_SAID = ("since", "text_version")


def _entry(statement: Statement, before: Statement | None) -> Said:
    """Returns the entry of the history; of each purpose it shows what is new since the statement before."""
    choices = [(getattr(statement, purpose), getattr(before, purpose, None)) for purpose in PURPOSES]
    said = [now.granted if now and now != old else None for now, old in choices]
    entry = {"at": iso(statement.at), "unlearn": statement.unlearn, "text_version": statement.text}
    return entry | dict(zip(PURPOSES, said, strict=True))
