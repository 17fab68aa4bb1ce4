"""This release beside the next one on one table, as a canary and a rollback have it: requests and jobs in turn."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import cycle
from typing import Any

import pytest

from local.phone import Answer, Phone, ids
from rl_core.store.items import PROFILE_FORM
from tests.releases.conftest import Pair, day_of
from tests.releases.newer import NEW, READS, WRITES
from tests.releases.release import Edit

START = datetime(2026, 11, 23, 9, tzinfo=UTC)
SEGMENT = "High Anxiety, Low Activity"
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
Start = Callable[[tuple[Edit, ...]], Pair]


def ok(answer: Answer) -> Any:
    assert answer.status == 200, answer.text
    return answer.body


def items_of(plan: Any) -> list[dict[str, Any]]:
    return [{"activity_id": its, "completed": True, "motivation_before": 2, "motivation_after": 4} for its in ids(plan)]


def live(phones: Sequence[Phone[Answer]]) -> None:
    """A user's session, whose requests go to the one release and the other in turn; every answer is a success."""
    turns = cycle(phones)
    ok(next(turns).put_profile(segment=SEGMENT))
    assert ok(next(turns).get_profile())["segment"] == SEGMENT
    plan = ok(next(turns).recommend())
    assert ids(ok(next(turns).recommend())) == ids(plan)
    for activity in ids(plan)[:2]:
        ok(next(turns).complete(activity, difficulty_rating=3))
    ok(next(turns).put_profile(timezone="Europe/Berlin"))
    figures = ok(next(turns).batch(items_of(plan)[2:]))["training_metrics"]
    assert figures["learning"] in {"applied", "queued", "none"}
    assert len(ok(next(turns).history())["sessions"][0]["activities"]) == len(ids(plan))
    assert ok(next(turns).stats())["daily"][-1]["completed"] == len(ids(plan))


def run_jobs(pair: Pair, at: datetime) -> None:
    """Both jobs of the minute on both releases, twice: what one leaves, the other may do."""
    for job in ("Learn", "Erasure"):
        for release in (pair.old, pair.new, pair.old):
            release.job(job, at)


def lost(items: list[dict[str, Any]]) -> list[str]:
    """The closed sessions that were to be learned from and are not in exactly one version record; what is parked."""
    recorded = Counter(t["M"]["key"]["B"] for i in items if "transitions" in i for t in i["transitions"]["L"])
    sessions = [i for i in items if i["sk"]["S"].startswith("SESSION#") and "reward" in i and "fallback" not in i]
    names = [
        f"{i['sk']['S']} of {i['pk']['S']}: {recorded[i['key']['B']]}" for i in sessions if recorded[i["key"]["B"]] != 1
    ]
    return names + [f"parked: {i['pk']['S']} {i['sk']['S']}" for i in items if "parked" in i]


def expired_unanswered(pair: Pair, user: str, at: datetime) -> None:
    """A user looks at a plan and never answers; the job of this release closes it, the other's learns from it."""
    ok(pair.new.phone(user, at).put_profile(segment=SEGMENT))
    ok(pair.old.phone(user, at).recommend())
    pair.old.job("Learn", at + 2 * DAY + HOUR)
    pair.new.job("Learn", at + 2 * DAY + HOUR)


def test_a_release_that_reads_the_new_and_writes_the_old_may_run_beside_this_one(releases: Start) -> None:
    pair = releases(READS)
    for n in range(6):
        live(pair.each(f"user-{n}", START + n * MINUTE)[:: 1 if n % 2 else -1])
    expired_unanswered(pair, "quiet", START)
    assert pair.old.phone("user-0", START + HOUR).delete_profile().status == 204
    run_jobs(pair, START + 2 * HOUR)
    day_of(pair.new, START, START + 5 * DAY)
    day_of(pair.old, START, START + 5 * DAY)
    found = pair.items()
    assert lost(found) == []
    assert [i["sk"] for i in found if "fallback" in i] == []
    assert [i for i in found if i["pk"]["S"] == "USER#user-0"] == []
    assert all("pace" not in i and i.get("status") != {"S": NEW["status"]} for i in found)
    assert {i["form"]["N"] for i in found if i["sk"]["S"] == "~PROFILE"} == {str(PROFILE_FORM)}
    assert all(i["final"]["BOOL"] for i in found if i["pk"]["S"] == "DAILY" and "final" in i)


@pytest.fixture
def early(releases: Start) -> Pair:
    """This release beside one that writes too early, after both had a user each."""
    pair = releases(WRITES)
    ok(pair.old.phone("before", START).put_profile(segment=SEGMENT))
    plan = ok(pair.old.phone("before", START).recommend())
    live((pair.new.phone("newer", START), pair.new.phone("newer", START)))
    answer = ok(pair.old.phone("before", START + MINUTE).batch(items_of(plan)))
    assert answer["training_metrics"]["learning"] == "queued"  # the policy is of a form that this release cannot read
    return pair


def unseen(pair: Pair, user: str) -> Any:
    """A session that the next release closed with a status of its own."""
    ok(pair.new.phone(user, START).put_profile(segment="Low Anxiety, High Activity"))
    plan = ok(pair.old.phone(user, START).recommend(prefetch=True))
    pair.new.job("Learn", START + 2 * DAY + HOUR)
    return plan


def test_this_release_answers_and_loses_nothing_beside_one_that_writes_too_early(early: Pair) -> None:
    pair = early
    for n in range(4):
        live(pair.each(f"user-{n}", START + n * MINUTE)[:: 1 if n % 2 else -1])
    profile = pair.item("USER#user-0", "~PROFILE")
    assert (profile["pace"], profile["form"]) == ({"S": NEW["pace"]}, {"N": str(PROFILE_FORM + 1)})
    placeholder = NEW["name"], "New Activity"
    for phone, name in zip(pair.each("newer", START)[::-1], placeholder, strict=True):
        assert ok(phone.history())["sessions"][0]["activities"][0]["activity_name"] == name

    plan = unseen(pair, "away")
    old = pair.old.phone("away", START + 2 * DAY + HOUR)
    assert [old.complete(ids(plan)[0]).status, old.batch(items_of(plan)).status] == [409, 409]
    assert ok(old.history())["sessions"][0]["status"] == NEW["status"]
    assert ok(old.recommend())["session_id"] == plan["session_id"] + 1

    fallback = ok(pair.old.phone("user-0", START + HOUR).recommend())
    assert "at random" in fallback["reason"]
    ok(pair.new.phone("user-0", START + HOUR).batch(items_of(fallback)))
    assert pair.old.phone("user-1", START + HOUR).delete_profile().status == 204
    pair.old.job("Erasure", START + 2 * HOUR)  # it cannot read the policy, and leaves it
    run_jobs(pair, START + 3 * DAY)
    assert lost(pair.items()) == []
    assert [i for i in pair.items() if i["pk"]["S"] == "USER#user-1"] == []

    day_of(pair.old, START, START + 5 * DAY)
    assert not settled(pair, "newer")
    day_of(pair.new, START, START + 5 * DAY)
    assert settled(pair, "newer")
    day_of(pair.old, START, START + 5 * DAY)
    assert settled(pair, "newer")


def settled(pair: Pair, user: str) -> bool:
    """Whether the user's day is settled."""
    return "settled" in pair.item(f"USER#{user}", f"DAY#{START.date()}")["figures"]["M"]


def test_after_a_rollback_this_release_goes_on_alone(early: Pair) -> None:
    old = early.old
    for day in (1, 2):
        at = START + day * DAY
        live((old.phone("newer", at), old.phone("newer", at)))
        old.job("Learn", at + HOUR)
    day_of(old, START, START + 5 * DAY)
    assert [i["sk"]["S"] for i in early.items() if "parked" in i] == []
    early.new.job("Learn", START + 3 * DAY)
    assert lost(early.items()) == []
