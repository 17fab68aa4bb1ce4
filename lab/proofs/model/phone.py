"""The app of one user: requests straight to the handlers, each answer held against the model's."""

import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from lab.proofs.model.reference import BLANK, Model, Person, Plan, Said, iso
from rl_core.store import open_store
from tests.conftest import handler_of

HANDLERS = {
    name: handler_of(name).lambda_handler
    for name in ("profile", "recommend", "complete", "feedback_batch", "learn", "erasure", "stats")
}
CONTEXT = SimpleNamespace(
    function_name="f",
    memory_limit_in_mb=512,
    invoked_function_arn="arn",
    aws_request_id="id",
    get_remaining_time_in_millis=lambda: 55_000,
)


def shown(value: float) -> Any:
    """A number as it goes over the wire, rounded to four decimals."""
    return pytest.approx(value, rel=0, abs=5.1e-5)


def run_job(name: str, now: int) -> dict[str, int]:
    counts: dict[str, int] = HANDLERS[name]({"time": datetime.fromtimestamp(now, UTC).isoformat()}, CONTEXT)
    return counts


class Phone:
    def __init__(self, model: Model, user: str) -> None:
        self.model = model
        self.user = user

    @property
    def person(self) -> Person | None:
        return self.model.people.get(self.user)

    def ask(self, handler: str, method: str, path: str, body: Any = None, **query: str) -> tuple[int, Any]:
        event = {
            "rawPath": path,
            "headers": {"content-type": "application/json"},
            "queryStringParameters": query,
            "body": None if body is None else json.dumps(body),
            "requestContext": {
                "http": {"method": method, "path": path},
                "stage": "$default",
                "timeEpoch": self.model.now * 1000 + 999,
                "authorizer": {"jwt": {"claims": {"sub": self.user}}},
            },
        }
        answer = HANDLERS[handler](event, CONTEXT)
        assert answer["statusCode"] < 500, answer
        return answer["statusCode"], json.loads(answer["body"]) if answer.get("body") else None

    def put(self, wanted: Said) -> Any:
        person, expected = self.person, 200
        if person is None and "segment" not in wanted:
            expected = 422
        elif person is None:
            self.model.people[self.user] = person = Person(wanted["segment"])
        elif person.erasing:
            expected = 409
        if person is not None and expected == 200:
            person.segment = wanted.get("segment", person.segment)
            person.timezone = wanted.get("timezone", person.timezone)
            person.avoid = wanted.get("avoid", person.avoid)
        status, body = self.ask("profile", "PUT", "/profile/", wanted)
        assert status == expected, body
        if person is not None and status == 200:
            self.check_profile(person, body)
        return body if status == 200 else None

    def check_profile(self, person: Person, body: Any) -> None:
        assert (body["segment"], body["timezone"], body["avoid"]) == (person.segment, person.timezone, person.avoid)
        assert body["engagement_score"] == shown(person.score(self.model.now))
        assert body["motivation_score"] == shown(person.motivation)

    def look(self) -> None:
        """Reads the profile and the whole history."""
        person = self.person
        gone = person is None or person.erasing
        status, body = self.ask("profile", "GET", "/profile/")
        assert status == (404 if gone else 200)
        if person is not None and not person.erasing:
            self.check_profile(person, body)
        status, page = self.ask("profile", "GET", "/activity/history/", limit="3")
        if person is not None and person.erasing:
            assert status == 409
            return
        sessions = page["sessions"]
        while page["next_token"]:
            page = self.ask("profile", "GET", "/activity/history/", limit="3", next_token=page["next_token"])[1]
            sessions += page["sessions"]
        plans = person.plans[::-1] if person else []
        assert [(s["session_id"], s["status"]) for s in sessions] == [(p.number, p.status) for p in plans]
        for session, plan in zip(sessions, plans, strict=True):
            assert session["reward"] == (None if plan.reward is None else shown(plan.reward))
            assert [a["completed"] for a in session["activities"]] == [bool(a["completed"]) for a in plan.answers]

    def look_back(self) -> None:
        """Reads the last 90 days."""
        person = self.person
        status, body = self.ask("stats", "GET", "/stats/", days="90")
        if person is None or person.erasing:
            assert (status, body["type"]) == (409, "erasing" if person else "profile-required")
            return
        assert status == 200, body
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

    def delete(self) -> Any:
        if self.person is not None:
            self.person.erasing = True
        assert self.ask("profile", "DELETE", "/profile/") == (204, None)
        return {}

    def recommend(self, prefetch: bool) -> Any:
        person, query = self.person, {"prefetch": "true"} if prefetch else {}
        status, body = self.ask("recommend", "GET", "/activity/recommended/", **query)
        if person is None or person.erasing:
            assert (status, body["type"]) == (409, "erasing" if person else "profile-required")
            return None
        assert status == 200, body
        self.model.expire(person)
        if not person.plans or person.plans[-1].status != "open":
            if not prefetch:
                person.active(self.model.now, len(person.plans) + 1)
            person.plans.append(self.issued(person, body, not prefetch))
        plan = person.plans[-1]
        if not prefetch:
            plan.shown, plan.day = True, plan.day or person.today(self.model.now)
            person.active(self.model.now, plan.number)
        assert (body["session_id"], body["expires_at"]) == (plan.number, iso(plan.expires))
        assert [a["id"] for a in body["activities"]] == [plan.number * 10 + n for n in range(1, len(plan.answers) + 1)]
        assert [a["completed"] for a in body["activities"]] == [bool(a["completed"]) for a in plan.answers]
        return body

    def issued(self, person: Person, body: Any, shown: bool) -> Plan:
        """The plan that was drawn just now; what the draw decided is taken from the table."""
        session = open_store().session(self.user, len(person.plans) + 1)
        assert session is not None
        return Plan(
            number=len(person.plans) + 1,
            key=session.key,
            segment=person.segment,
            engagement=person.score(self.model.now),
            expires=self.model.now + 48 * 3600,
            shown=shown,
            fallback=person.segment in self.model.unreadable,
            answers=[dict(BLANK) for _ in body["activities"]],
        )

    def complete(self, number: int, position: int, said: Said) -> Any:
        expected = self.model.complete(self.user, number, position, said)
        status, body = self.ask("complete", "POST", f"/activity/{number * 10 + position}/complete/", said)
        assert status == expected, body
        if status != 200:
            return None
        person = self.person
        assert person is not None
        plan = person.plans[number - 1]
        answer, stats, figures = plan.answers[position - 1], body["stats"], plan.figures()
        told = {name: body["activity"][name] for name in BLANK if name not in ("at", "on")}
        told |= {"at": body["activity"]["completion_date"], "on": answer["on"]}
        assert told == answer | {"at": iso(answer["at"])}
        assert stats["completion_rate"] == f"{int(figures.rate * 100 + 0.5)}%"
        assert stats["avg_motivation_increase"] == shown(figures.lift)
        assert stats["engagement_delta"] == shown(plan.delta)
        assert stats.pop("total_completed_today") == person.done_today(self.model.now)
        return body

    def batch(self, number: int, items: dict[int, Said], more: Said) -> Any:
        expected = self.model.batch(self.user, number, items, more)
        stated = [{"activity_id": number * 10 + position, **said} for position, said in items.items()]
        status, body = self.ask("feedback_batch", "POST", "/activity/feedback-batch/", {"activities": stated, **more})
        assert status == expected, body
        if status != 200:
            return None
        person = self.person
        assert person is not None
        plan, training = person.plans[number - 1], body["training_metrics"]
        assert plan.reward is not None
        assert body["activities_updated"] == len(items)
        assert body["engagement_delta"] == shown(plan.delta)
        assert body["rl_reward_signal"] == shown(plan.reward)
        assert training["learning"] == (
            "none" if plan.fallback else "applied" if plan.status == "learned" else "queued"
        )
        if plan.episodes is not None:
            assert training["total_episodes"] == plan.episodes
            assert training["epsilon"] == shown(max(0.06, 0.3 * 0.993**plan.episodes))
        return body if plan.status == "learned" else body | {"training_metrics": None}
