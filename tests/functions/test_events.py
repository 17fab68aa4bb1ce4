"""The sample events: one user's morning, from the profile to the jobs, each leaving its mark in the table."""

import json
from datetime import date, datetime, timedelta
from typing import Any

import boto3
import pytest

from rl_core.days import RULES, Colour
from rl_core.models import MILLION, Segment, Session, Status, Why
from rl_core.store import Store, Watch, open_day_table
from rl_core.work import UNITS
from tests.conftest import JOURNEY, ROOT, TEMPLATE, event_of
from tests.functions.invoked import FUNCTIONS

API = JOURNEY[:11]
LOGICAL = {function.folder.name: name for name, function in TEMPLATE.functions.items()}
USER = "5f1c0a9e-6f3b-4c1e-9d55-0d7c2f9b8a11"


def answer(name: str, event: dict[str, Any] | None = None) -> Any:
    """What the function says to its sample event, or to this one."""
    return FUNCTIONS.invoke(LOGICAL[name], event or event_of(name))


def sent() -> list[Any]:
    """What is on the queue."""
    client, url, found = boto3.client("sqs"), TEMPLATE.queues[0].url, list[Any]()
    while messages := client.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        found += [json.loads(message["Body"]) for message in messages]
    return found


def live_until(last: str) -> Any:
    """The user's morning up to and with that event: its answer, an API answer's body read as JSON."""
    for name in JOURNEY[: JOURNEY.index(last) + 1]:
        said = answer(name)
        if name in API:
            assert said["statusCode"] == 200, (name, said)
            said = json.loads(said["body"])
    return said


def delete_event() -> dict[str, Any]:
    """The profile's sample event, as the user's DELETE a moment later."""
    event = event_of("profile")
    del event["body"]
    event["routeKey"] = event["requestContext"]["routeKey"] = "DELETE /profile/"
    event["requestContext"]["http"]["method"] = "DELETE"
    return event


def session_one(store: Store) -> Session:
    session = store.session(USER, 1)
    assert session is not None
    return session


def test_every_function_has_exactly_one_sample_event() -> None:
    functions = {function.folder.name for function in TEMPLATE.functions.values()}
    assert {path.name for path in (ROOT / "events").iterdir()} == {f"{name}.json" for name in functions}


def test_every_function_has_its_place_in_the_journey() -> None:
    assert {function.folder.name for function in TEMPLATE.functions.values()} == set(JOURNEY)


@pytest.mark.parametrize("name", API)
def test_an_api_event_came_by_a_route_of_its_function(name: str) -> None:
    key = event_of(name)["routeKey"]
    assert [TEMPLATE.functions[r.function].folder.name for r in TEMPLATE.routes if r.key == key] == [name]


@pytest.mark.parametrize("name", API)
def test_an_api_event_tells_one_time_one_path_and_one_route(name: str) -> None:
    event = event_of(name)
    context = event["requestContext"]
    second = datetime.strptime(context["time"], "%d/%b/%Y:%H:%M:%S %z")
    assert context["timeEpoch"] // 1000 == second.timestamp()
    assert context["http"]["path"] == event["rawPath"]
    assert context["routeKey"] == event["routeKey"] == f"{context['http']['method']} {event['routeKey'].split()[1]}"


@pytest.mark.parametrize("name", API)
def test_an_api_event_gives_the_length_of_its_body(name: str) -> None:
    event = event_of(name)
    body = event.get("body", "").encode()
    assert int(event["headers"].get("content-length", "0")) == len(body)


@pytest.mark.parametrize("name", API)
def test_an_api_event_carries_the_claims_of_the_same_user_as_text(name: str) -> None:
    claims = event_of(name)["requestContext"]["authorizer"]["jwt"]["claims"]
    assert claims["sub"] == USER
    assert {"iss", "aud", "exp"} <= claims.keys()
    assert all(isinstance(claim, str) for claim in claims.values())


def test_the_profile_event_stores_the_segment_of_its_assessment(store: Store) -> None:
    assert live_until("profile")["segment"] == Segment.HIGH_LOW
    profile = store.head(USER).profile
    assert profile is not None
    assert (profile.segment, profile.timezone, profile.avoid) == (Segment.HIGH_LOW, "Europe/Berlin", ("floor",))


def test_the_recommend_event_stores_an_open_session_that_was_shown(store: Store) -> None:
    body = live_until("recommend")
    session = session_one(store)
    assert (session.status, session.shown) == (Status.OPEN, True)
    assert [it["id"] for it in body["activities"]] == [10 + n for n in range(1, len(session.activities) + 1)]


def test_the_complete_event_stores_what_was_said_of_the_first_activity(store: Store) -> None:
    live_until("complete")
    first = session_one(store).activities[0]
    assert (first.completed, first.lift, first.difficulty_rating, first.notes) == (True, 2, 3, "Felt great")
    assert first.completed_at == datetime.fromisoformat("2026-11-23T08:25:10Z")


def test_the_feedback_batch_event_ends_the_session_and_is_learned_from(store: Store) -> None:
    body = live_until("feedback_batch")
    session = session_one(store)
    assert session.status is Status.LEARNED
    assert session.closing is not None
    assert body["rl_reward_signal"] == round(session.closing.reward, 4)
    assert body["training_metrics"]["learning"] == "applied"
    assert store.policy(Segment.HIGH_LOW).episodes == 1


def test_the_learn_event_leaves_alone_what_was_learned(store: Store) -> None:
    assert set(live_until("learn").values()) == {0}
    assert store.policy(Segment.HIGH_LOW).episodes == 1


def test_the_learn_event_two_days_later_closes_and_learns_an_unfinished_session(store: Store) -> None:
    live_until("complete")
    later = datetime.fromisoformat(event_of("learn")["time"]) + timedelta(days=2)
    counts = answer("learn", {"time": later.isoformat()})
    assert (counts["closed"], counts["learned"]) == (1, 1)
    assert session_one(store).status is Status.LEARNED


def test_the_pause_event_pauses_the_user_and_leaves_the_rest(store: Store) -> None:
    assert live_until("pause") == {"until": "2026-12-04T23:00:00Z"}
    profile = store.profile(USER)
    assert profile is not None
    at = datetime.fromisoformat("2026-11-23T08:45:30+00:00")
    assert profile.pauses == ((at, datetime.fromisoformat("2026-12-05T00:00:00+01:00")),)
    assert answer("recommend")["statusCode"] == 200  # its event was before


def test_the_consent_event_withdraws_and_asks_to_be_unlearned(store: Store) -> None:
    told = live_until("consent")
    at = "2026-11-23T08:47:00Z"
    assert told["learn"] == {"granted": False, "since": at, "text_version": "2026-11"}
    assert told["personalise"] == {"granted": True, "since": None, "text_version": None}
    assert told["unlearning"] == "pending"
    said = {"at": at, "personalise": None, "learn": False, "unlearn": True, "text_version": "2026-11"}
    assert told["history"] == [said]
    assert session_one(store).status is Status.LEARNED


def test_the_erasure_event_unlearns_who_asked_and_leaves_the_rest(store: Store) -> None:
    assert live_until("erasure") == {"done": 1}
    session = session_one(store)
    assert (session.status, session.why, session.learned_version) == (Status.CLOSED, Why.CONSENT, None)
    assert store.policy(Segment.HIGH_LOW).episodes == 0
    assert answer("erasure") == {"done": 0}


def test_the_erasure_event_removes_who_asked(store: Store) -> None:
    live_until("feedback_batch")
    assert answer("profile", delete_event())["statusCode"] == 204
    assert answer("erasure") == {"done": 1}
    assert store.head(USER) == (None, ())


def test_the_history_event_shows_the_session_as_it_was_learned_from(store: Store) -> None:
    told = live_until("history")
    session = session_one(store)
    assert session.closing is not None
    (shown,) = told["sessions"]
    assert told["next_token"] is None
    assert (shown["session_id"], shown["status"]) == (1, "learned")
    assert shown["reward"] == round(session.closing.reward, 4)
    assert [it["id"] for it in shown["activities"]] == [10 + n for n in range(1, len(session.activities) + 1)]
    assert [it["completed"] for it in shown["activities"]] == [bool(it.completed) for it in session.activities]


def test_the_stats_event_tells_what_the_user_did_today(store: Store) -> None:
    told = live_until("stats")
    session = session_one(store)
    assert (told["period"]["first"], told["period"]["last"]) == ("2026-11-17", "2026-11-23")
    assert (told["totals"]["assigned"], told["totals"]["completed"]) == (len(session.activities), 3)
    assert [day["active"] for day in told["daily"]] == [False] * 6 + [True]
    assert session.closing is not None
    assert told["daily"][-1]["engagement_score"] == round(session.closing.engagement_after, 4)


def test_the_explanation_event_tells_what_the_first_plan_was_drawn_from(store: Store) -> None:
    told = live_until("explanation")
    decision = session_one(store).decision
    assert (told["session_id"], told["rl_action_id"], told["drawn"]) == (1, decision.action, "even")
    assert [its["probability"] for its in told["actions"]] == [round(p, 4) for p in decision.chances]
    assert (told["exact"], told["learning"], told["policy_version"]) == (True, "applied", 1)
    assert (told["language"], told["sentence"].split()[0]) == ("en", "Nothing")


def test_the_assessments_event_shows_the_scores_of_the_morning(store: Store) -> None:
    scores = json.loads(event_of("profile")["body"])
    told = live_until("assessments")
    given = {name: scores[name] for name in ("gad7_score", "active_minutes_per_week")}
    assert told == {"assessments": [{"date": "2026-11-23", **given}]}


def test_the_export_event_hands_out_all_that_the_morning_left(store: Store) -> None:
    told = live_until("export")
    session = session_one(store)
    assert (told["format"], told["next_token"], told["unreadable"]) == ("fettle.export/1", None, [])
    assert (told["profile"]["user"], told["profile"]["avoid"]) == (USER, ["floor"])
    assert [its["session_id"] for its in told["sessions"]] == [1]
    assert told["sessions"][0]["decision"]["chances"] == list(session.decision.chances)
    assert (len(told["assessments"]), len(told["days"]), told["consents"]) == (1, 1, [])


@pytest.mark.usefixtures("queue")
def test_the_daily_dispatch_event_sends_every_shard_of_every_day_that_is_not_final(store: Store) -> None:
    assert live_until("daily_dispatch") == {"final": "2026-11-19", "messages": 7 * 16, "days": 7}
    found = sent()
    days = [f"2026-11-{day}" for day in range(20, 27)]
    assert {(it["date"], it["shard"]) for it in found} == {(day, shard) for day in days for shard in range(16)}


def test_the_daily_engagement_event_computes_the_users_day_and_the_segments(store_in_moto: Store) -> None:
    """The journey but for the guard, and that in moto, where no other test is: so each function runs there too."""
    boto3.client("sqs").create_queue(QueueName=TEMPLATE.queues[0].name)
    assert live_until("daily_engagement") == {"batchItemFailures": []}
    (day,) = open_day_table().days_of(USER, date(2026, 11, 23), date(2026, 11, 23))
    session = session_one(store_in_moto)
    assert session.closing is not None
    assert day.figures is not None
    assert (day.figures.assigned, day.figures.completed) == (len(session.activities), 3)
    assert (day.figures.engagement, day.figures.settled) == (session.closing.engagement_after, True)
    whole, _ = open_day_table().segment_day(Segment.HIGH_LOW, date(2026, 11, 23))
    assert whole is not None
    millionths = round(session.closing.reward * MILLION)
    assert (whole.users, whole.new_users, whole.total().rewards) == (1, 1, millionths)


def test_the_guard_event_keeps_how_each_light_stands(store_in_moto: Store) -> None:
    boto3.client("sqs").create_queue(QueueName=TEMPLATE.queues[0].name)
    assert live_until("guard")["red"] == []
    kept = Watch(store_in_moto, UNITS).guard()
    colours = {name: its.colour for name, its in kept.lights.items()}
    assert list(colours) == [rule.name for rule in RULES]
    assert {name for name, its in colours.items() if its is Colour.GREEN} == {"waiting", "parked", "erasures"}
    assert set(colours.values()) == {Colour.GREEN, Colour.GREY}
