"""What an erasure leaves of a person: nothing in tables and queues, and logs and metrics never had anything of them.

Two lives are lived and erased: one within the bounds of a day, and one that used them up, whose bare marker stays until
that day is over. What the functions print, what is logged at any level and the API's access log are heard throughout.
"""

import base64
import io
import json
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import boto3
import httpx
import pytest

from local.clock import SteppedClock
from local.intrinsics import STACK_NAME
from local.phone import ids
from local.stack import Stack
from operate.__main__ import main
from rl_core.models import person_of
from rl_core.store import Store, kind_of
from tests.integration.conftest import SEGMENT, START, Phone, client_of, done, ok

pytestmark = pytest.mark.local_only("time is passed, and all that is written is heard, on the local stack alone")

USER = "idp|Quokka.Zsofia-Wombat@Xylophone"  # no part of it can be in an id of ours by chance
NOTES = "Kiwi marmalade at night"
MORE = "Llamas went uphill"
WHY = "Platypus pretends"

SPEAKING = {"LogLevel": "DEBUG", "SegmentMetrics": "true"}
Item = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Life:
    """What is to be searched for, and where: before the erasure, after it, and after the day of the erasure."""

    used_up: bool
    key: bytes
    rewards: tuple[float, ...]
    before: list[Item]
    held: list[Item]
    after: list[Item]
    messages: list[str]
    heard: str


@contextmanager
def listening() -> Iterator[io.StringIO]:
    """Collects what is printed, the API's access log, and what other code logs as a warning or worse."""
    heard, access = io.StringIO(), logging.getLogger("local.access_log")
    own = logging.StreamHandler(heard)
    logging.getLogger().addHandler(own)
    access.setLevel(logging.INFO)
    try:
        with redirect_stdout(heard), redirect_stderr(heard):
            yield heard
    finally:
        logging.getLogger().removeHandler(own)
        access.setLevel(logging.NOTSET)


@contextmanager
def talkative(heard: io.StringIO) -> Iterator[None]:
    """Has the functions of the stack that runs log all they can, with all fields, to where is listened."""
    logger = logging.getLogger(STACK_NAME)
    (handler,) = (its for its in logger.handlers if isinstance(its, logging.StreamHandler))
    level, stream = logger.level, handler.setStream(heard)
    logger.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        logger.setLevel(level)
        if stream is not None:
            handler.setStream(stream)


def live(phones: dict[Phone, str], stack: Stack) -> None:
    """Some days of users who say much: a batch, single answers, a session left to expire, other tags to avoid, scores.

    They look at their scores, and take along all that is held of them.
    """
    for phone, notes in phones.items():
        plan = phone.plan()
        ok(phone.complete(ids(plan)[0], motivation_before=2, motivation_after=4, difficulty_rating=3, notes=notes))
        ok(phone.batch(done(plan, 3), overall_session_rating=4, notes=notes))
    stack.advance_to(stack.clock.now() + timedelta(days=1))
    for phone, notes in phones.items():
        for activity in ids(phone.plan()):
            ok(phone.complete(activity, motivation_before=1, motivation_after=5, notes=notes))
        phone.plan()
    stack.advance_to(stack.clock.now() + timedelta(days=3))
    for phone in phones:
        ok(phone.put_profile(avoid=["floor"], gad7_score=16, active_minutes_per_week=30))
        ok(phone.assessments())
        ok(phone.put_consent(personalise=True, text_version="1"))
        assert NOTES in phone.export().text or "All well" in phone.export().text
        phone.plan()


def use_up(phone: Phone) -> None:
    """Asks for sessions and ends them until the day has no more."""
    while (plan := phone.recommend()).status == 200:
        ok(phone.batch(done(plan.body, 2), notes=MORE))
    assert plan.status == 429


def ask_without_a_policy(phone: Phone, stack: Stack) -> None:
    """A user asks for a session while the policy of their segment, which has no other user, cannot be read."""
    ok(phone.put_profile(segment="Low Anxiety, High Activity"))
    key = {"pk": {"S": "SEGMENT#LOW_HIGH"}, "sk": {"S": "POLICY"}}
    stack.dynamodb.put_item(TableName=stack.table_name, Item={**key, "form": {"N": "0"}})
    assert "random" in phone.plan()["reason"]
    stack.dynamodb.delete_item(TableName=stack.table_name, Key=key)


def everything(stack: Stack) -> list[Item]:
    """Every item of every table."""
    tables = stack.dynamodb.list_tables()["TableNames"]
    assert stack.table_name in tables
    pages = [page for name in tables for page in stack.dynamodb.get_paginator("scan").paginate(TableName=name)]
    return [dict(item) for page in pages for item in page["Items"]]


def messages_on_queues() -> list[str]:
    """Every message on every queue; the daily job's shards were put there and not worked off."""
    client, found = boto3.client("sqs"), list[str]()
    for url in client.list_queues()["QueueUrls"]:
        while answer := client.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=600).get(
            "Messages"
        ):
            found += [json.dumps(message) for message in answer]
    return found


def exclude_for_a_while(stack: Stack, person: bytes) -> None:
    """An operator excludes the person and takes that back, for reasons that stay on record."""
    for command in ("exclude", "include"):
        table = ["--endpoint-url", stack.data_url, "--table", stack.table_name]
        with redirect_stdout(io.StringIO()):
            assert main([*table, command, "HIGH_LOW", person.hex(), "--reason", WHY]) == 0


def lived_and_erased(stack: Stack, http: httpx.Client, heard: io.StringIO, *, used_up: bool) -> Life:
    ana, ben = Phone.of(USER, stack, http), Phone.of("ben", stack, http)
    for phone in (ben, ana):
        ok(phone.put_profile(segment=SEGMENT))
    live({ben: "All well", ana: NOTES}, stack)
    if used_up:
        use_up(ana)
    else:
        ok(ana.batch(done(ana.plan(), 2), notes=MORE))
        stack.advance_to(stack.clock.now() + timedelta(days=1))
    ask_without_a_policy(Phone.of("carl", stack, http), stack)
    profile = Store(stack.table_name, stack.dynamodb).head(USER).profile
    assert profile is not None
    rewards = tuple(session["reward"] for session in ana.sessions(limit=100) if session["reward"] is not None)
    exclude_for_a_while(stack, person_of(profile.key))
    before = everything(stack)
    assert ana.delete_profile().status == 204
    stack.advance_to(stack.clock.now() + timedelta(minutes=2))
    held = everything(stack)
    stack.advance_to(stack.clock.now().replace(hour=0, minute=0) + timedelta(days=1, minutes=2))
    stack.run_schedule("DailyDispatch")  # puts shards on the queue, which nobody works off before the clock moves on
    messages = messages_on_queues()
    return Life(used_up, profile.key, rewards, before, held, everything(stack), messages, heard.getvalue())


@pytest.fixture(scope="module", params=[False, True], ids=["caps unused", "caps used up"])
def life(request: pytest.FixtureRequest) -> Life:
    """One life is lived by the short way to the table, the other by the SDK, which may log something too."""
    with (
        listening() as heard,
        Stack(clock=SteppedClock(START), parameters=SPEAKING, short=not request.param) as stack,
        talkative(heard),
        client_of(stack) as http,
    ):
        return lived_and_erased(stack, http, heard, used_up=request.param)


def text_of(item: Any) -> str:
    """An item as text, in which bytes stand as hexadecimal digits."""
    return json.dumps(item, default=bytes.hex, ensure_ascii=False)


def traces(life: Life) -> list[str]:
    """The parts of the user's id and of the notes, the life's key and person in hexadecimal digits and in Base64."""
    words = [word for text in (USER, NOTES, MORE, WHY) for word in re.findall(r"[A-Za-z]{4,}", text)]
    keys = [life.key, person_of(life.key)]
    return [*words, *(key.hex() for key in keys), *(base64.b64encode(key).decode().rstrip("=")[:-1] for key in keys)]


def found_in(texts: list[str], life: Life) -> set[str]:
    """The traces that are in one of the texts, whatever their case."""
    whole = "\n".join(texts).lower()
    return {trace for trace in traces(life) if trace.lower() in whole}


def of_table(items: list[Item]) -> list[str]:
    return [text_of(item) for item in items]


def test_the_search_finds_what_is_there_before_the_erasure(life: Life) -> None:
    found = found_in(of_table(life.before), life)
    assert found >= {"Quokka", "Xylophone", "marmalade", "Llamas", life.key.hex(), person_of(life.key).hex()}
    audit = found_in(of_table([item for item in life.before if item["pk"]["S"] == "AUDIT"]), life)
    assert audit >= {"Platypus", person_of(life.key).hex()}


def test_assessments_and_consent_are_there_before_the_erasure(life: Life) -> None:
    kinds = {kind_of(item["sk"]["S"]) for item in life.before if item["pk"]["S"] == f"USER#{USER}"}
    assert {kind.name for kind in kinds if kind} >= {"assessment", "consent", "day", "session", "profile"}


def test_a_life_that_used_up_its_day_leaves_a_bare_marker_until_the_day_is_over(
    life: Life,
) -> None:
    left = [item for item in life.held if found_in([text_of(item)], life)]
    assert len(left) == life.used_up
    assert found_in(of_table(left), life) <= {"Quokka", "Zsofia", "Wombat", "Xylophone"}


def test_in_the_end_no_table_has_anything_of_the_person(life: Life) -> None:
    assert len(life.after) > 20
    assert any("USER#ben" in text for text in of_table(life.after))
    assert sum("AUDIT" in text for text in of_table(life.after)) == 2
    assert found_in(of_table(life.after), life) == set()


def test_no_queue_has_anything_of_the_person(life: Life) -> None:
    assert len(life.messages) >= 32
    assert found_in(life.messages, life) == set()


def test_no_log_and_no_metric_ever_had_anything_of_the_person(life: Life) -> None:
    assert found_in([life.heard], life) == set()


def test_all_that_is_written_was_heard(life: Life) -> None:
    """The access log, the functions' lines, and the metrics of requests and jobs."""
    said = {'"route":"POST /activity/feedback-batch/"', '"message":"dispatched"', '"message":"policy unreadable"'}
    counted = {"SessionsIssued", "SessionsLearned", "SessionsExpired", "UserDays", "ErasuresRequested", "UsersErased"}
    assert {words for words in said | counted if words not in life.heard} == set()


def test_neither_reward_nor_completion_nor_segment_is_told_of_so_few_people(life: Life) -> None:
    assert re.findall("(?i)reward|completion|motivation|anxiety|gad7", life.heard) == []
    assert len(life.rewards) >= 3
    assert [reward for reward in life.rewards if str(reward) in life.heard and len(str(reward)) > 4] == []
