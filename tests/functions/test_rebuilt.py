"""What a user takes along is enough to rebuild profile and scores: its sessions are lived again, from it alone."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

import pytest

from local.phone import Json, ids
from rl_core.config import Settings, settings
from rl_core.models import Action, Activity, Decision, EndedBy, Facts, Profile, Segment, Session, State, Streak
from rl_core.sessions import Answer, Ending, engagement_now, expire, moved, record, show
from rl_core.store import Store
from tests.functions.conftest import NOW, SEGMENT
from tests.functions.invoked import FUNCTIONS
from tests.functions.test_export import phone, whole

STATED = ("completed", "motivation_before", "motivation_after", "difficulty_rating", "notes")
LEVELS = {"low": 0, "moderate": 1, "high": 2, "falling": 0, "steady": 1, "rising": 2}


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def state_of(told: Json) -> State:
    return State(LEVELS[told["engagement"]], LEVELS[told["motivation"]])


def issued(told: Json, profile: Profile) -> Session:
    """The session as it was issued to this user, before it was shown."""
    its = told["decision"]
    decision = Decision(
        state=state_of(its["state"]),
        eligible=tuple(map(Action, its["eligible"])),
        chances=tuple(its["chances"]),
        action=Action(its["action"]),
        epsilon=its["epsilon"],
        policy_version=its["policy_version"],
        explored=its["explored"],
        fallback=its["fallback"],
    )
    return Session(
        user=profile.user,
        number=told["session_id"],
        key=bytes(16),
        segment=Segment(told["segment"]),
        decision=decision,
        activities=tuple(Activity(its["slug"]) for its in told["activities"]),
        engagement=engagement_now(profile, moment(told["issued_at"])),
        issued_at=moment(told["issued_at"]),
        expires_at=moment(told["expires_at"]),
        shown=False,
    )


def answers_of(told: Json) -> dict[datetime, dict[int, Answer]]:
    """What was answered at which moment; what was not completed has no moment of its own, and comes last."""
    found: dict[datetime, dict[int, Answer]] = {}
    for position, its in enumerate(told["activities"], 1):
        said: Any = {name: its[name] for name in STATED}
        at = its["completion_date"] or told["closed_at"]
        if its["completed"] or told["ended_by"] != "expiry":
            found.setdefault(moment(at), {})[position] = said
    return dict(sorted(found.items()))


def lived_again(told: Json, profile: Profile, constants: Settings) -> tuple[Session, Profile]:
    """The session as it closed, and its user."""
    session, closed_at = issued(told, profile), moment(told["closed_at"])
    if told["shown"]:
        on = date.fromisoformat(told["day"])
        at = session.issued_at if session.issued_at.date() == on else datetime(on.year, on.month, on.day, 9, tzinfo=UTC)
        session, profile, _ = show(session, profile, at)
    for at, said in answers_of(told).items():
        if at < closed_at:
            session, profile, _ = record(session, profile, said, constants, at)
    if told["ended_by"] == "expiry":
        return expire(session, profile, constants, closed_at)
    last, its = answers_of(told).get(closed_at, {}), told["closing"]
    ending = Ending(EndedBy.BATCH, its["rating"], its["notes"]) if told["ended_by"] == "batch" else None
    session, profile, _ = record(session, profile, last, constants, closed_at, ending)
    return session, profile


def granted(told: Json, at: datetime) -> bool | None:
    """What held of learning at this moment."""
    said = [its["learn"]["granted"] for its in told["consents"] if its["learn"] and moment(its["at"]) <= at]
    return said[-1] if said else None


def rebuilt(told: Json, constants: Settings) -> tuple[list[Session], Profile]:
    """Sessions and profile, from the export alone."""
    its = told["profile"]
    segment = Segment(told["sessions"][0]["segment"])
    profile = Profile(its["user"], bytes(16), segment, moment(its["created_at"]), timezone=its["timezone"])
    sessions: list[Session] = []
    for each in told["sessions"]:
        learn = granted(told, moment(each["closed_at"]))
        session, profile = lived_again(each, moved(replace(profile, learn=learn), Segment(each["segment"])), constants)
        sessions.append(session)
    return sessions, moved(profile, Segment(its["segment"]))


class Month(NamedTuple):
    """A month of ana's: what the export tells of it, and her profile as it is stored."""

    told: Json
    stored: Profile


def lived(store: Store) -> Month:
    """Sessions ended by a batch, by completions, by expiry, never seen; a move; a withdrawal."""
    phone().put_profile(segment=SEGMENT)
    for day in range(0, 24, 2):
        own = phone(days=day)
        plan = ids(own.recommend(prefetch=day == 6))
        said = {"motivation_before": 2, "motivation_after": 2 + day % 3, "difficulty_rating": 1 + day % 5}
        if day % 8 == 0:
            for place, activity in enumerate(plan):
                phone(days=day + place // 4).complete(activity, completed=place != 2, **said)
        elif day % 8 in (2, 4):
            items = [{"activity_id": activity, "completed": True, **said} for activity in plan[: 2 + day % 4]]
            own.batch(items, overall_session_rating=1 + day % 5, notes="Well")
        elif day == 14:
            own.complete(plan[1], completed=True, **said)
        FUNCTIONS.invoke("Learn", {"time": (NOW + timedelta(days=day + 1, hours=23, minutes=59)).isoformat()})
        if day == 10:
            phone(days=11).put_profile(segment=Segment.MODERATE_HIGH.value)
        if day == 18:
            phone(days=19).put_consent(learn=False, text_version="1")
    FUNCTIONS.invoke("Learn", {"time": (NOW + timedelta(days=40)).isoformat()})
    stored = store.profile("ana")
    assert stored is not None
    return Month(whole(), stored)


@pytest.fixture(scope="module")
def months() -> list[Month]:
    """The month, once a test has lived it."""
    return []


@pytest.fixture
def month(months: list[Month], request: pytest.FixtureRequest) -> Month:
    """The month, lived in the table of the first test that asks for it."""
    if not months:
        months.append(lived(request.getfixturevalue("store")))
    return months[0]


@pytest.fixture
def told(month: Month) -> Json:
    return month.told


def test_the_month_has_everything(told: Json) -> None:
    assert {its["ended_by"] for its in told["sessions"]} == {"batch", "completions", "expiry"}
    assert {its["status"] for its in told["sessions"]} == {"learned", "closed", "unseen"}
    assert {its["why"] for its in told["sessions"]} == {None, "consent"}
    assert len({its["segment"] for its in told["sessions"]}) == 2


def test_the_scores_are_those_that_the_export_alone_comes_to(month: Month) -> None:
    told, stored = month
    _, profile = rebuilt(told, settings())
    found = (profile.engagement, profile.motivation, profile.streak, profile.seen)
    assert found == (stored.engagement, stored.motivation, stored.streak, stored.seen)  # to the last bit
    its = told["profile"]
    assert (round(found[0], 4), round(found[1], 4)) == (its["engagement_score"], its["motivation_score"])
    assert profile.streak == Streak(its["streak_days"], date.fromisoformat(its["streak_last"]))


def test_the_facts_are_those_that_the_export_alone_comes_to(told: Json) -> None:
    _, profile = rebuilt(told, settings())
    its = told["profile"]["facts"]
    latest = tuple(map(Action, its["latest"]))
    assert profile.facts == Facts(tuple(its["counts"]), tuple(its["sums"]), tuple(its["earlier"]), latest)
    assert any(its["earlier"])
    assert any(its["counts"])


def test_each_session_came_to_what_the_export_says(told: Json) -> None:
    sessions, _ = rebuilt(told, settings())
    for session, its in zip(sessions, told["sessions"], strict=True):
        assert round(session.engagement, 4) == its["engagement"]
        assert session.why == its["why"]
        if session.closing is None:
            assert its["closing"] is None
            continue
        closing = its["closing"]
        assert round(session.closing.reward, 4) == closing["reward"]
        assert round(session.closing.engagement_after, 4) == closing["engagement_after"]
        assert round(session.closing.motivation_after, 4) == closing["motivation_after"]
        assert session.closing.next_state == state_of(closing["next_state"])
