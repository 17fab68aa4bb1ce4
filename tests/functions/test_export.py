"""What a user takes along: every kind of item, every field, whatever cannot be read, in pages that fit."""

import base64
from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import timedelta
from typing import Any

import pytest

from local.phone import Answer, Json, Phone, bodies, ids, to_functions
from local.units import Units
from rl_core.edge.exported import FORMS, LEFT_OUT
from rl_core.models import (
    Absence,
    Activity,
    Assessment,
    Closing,
    Decision,
    Facts,
    Mark,
    Profile,
    Request,
    Session,
    Statement,
)
from rl_core.sessions import catalogue
from rl_core.store import KINDS, Store, UserDay, keys, kind_of, open_day_table, open_store
from rl_core.store.day_table import absence_of, absence_write
from rl_core.store.items import session_item
from tests.conftest import TEMPLATE, handler_of, table_client
from tests.functions.conftest import NOW, SEGMENT, World, turn
from tests.functions.invoked import FUNCTIONS
from tests.functions.test_learning_job import spoil
from tests.lives import LARGEST, NOTES, Life, counted

erasure = handler_of("erasure")
TODAY, ONE = NOW.date(), timedelta(days=1)
PAGE = 512 * 1024
EMPTY: Json = {
    "format": "fettle.export/1",
    "profile": None,
    "consents": [],
    "unlearning": None,
    "absences": [],
    "assessments": [],
    "sessions": [],
    "days": [],
    "unreadable": [],
    "next_token": None,
}


def phone(user: str = "ana", days: int = 0) -> Phone[Json]:
    return Phone(bodies(to_functions(FUNCTIONS.invoke, user, NOW + timedelta(days=days))))


def answering(user: str = "ana") -> Phone[Answer]:
    return Phone(to_functions(FUNCTIONS.invoke, user, NOW))


def pages(user: str = "ana") -> Iterator[Json]:
    page = phone(user).export()
    yield page
    while page["next_token"] is not None:
        page = phone(user).export(page["next_token"])
        yield page


def whole(user: str = "ana") -> Json:
    """All pages as one."""
    first, *others = pages(user)
    for page in others:
        assert (page["profile"], page["format"]) == (None, first["format"])
        first["unlearning"] = first["unlearning"] or page["unlearning"]
        for name, found in page.items():
            if isinstance(found, list):
                first[name] += found
    return first | {"next_token": None}


def under(user: str = "ana") -> list[str]:
    """The sort keys of all that is held of the user."""
    found = table_client().scan(TableName=TEMPLATE.table.name)["Items"]
    return sorted(str(item["sk"]["S"]) for item in found if item["pk"]["S"] == f"USER#{user}")


def lived(world: World, user: str = "ana") -> None:
    """A life that leaves every kind of item: scores, a session, a day, a withdrawal and a wish to be unlearned."""
    phone(user).put_profile(gad7_score=16, active_minutes_per_week=30, timezone="UTC", avoid=["floor"], without=[3])
    plan = ids(phone(user).recommend())
    said = {"completed": True, "motivation_before": 2, "motivation_after": 4, "notes": "Kiwi"}
    phone(user).batch([{"activity_id": plan[0], **said}], overall_session_rating=4, notes="Marmalade")
    phone(user).put_consent(learn=False, unlearn=True, text_version="2026-11")
    assert world.store.request(user) is not None
    (day,) = open_day_table().days_of(user, NOW.date(), NOW.date())
    world.store.write(absence_write(absence_of(replace(day, postponed=3))))


# The kinds of item.


def prefixes() -> set[str]:
    """What keys.py has for the sort keys of a user's items: all that begins no segment's, day's or index's key."""
    elsewhere = {"SEGMENT_PREFIX", "POLICY_SK", "REFOLD_SK", "VERSION_PREFIX", "SNAPSHOT_PREFIX", "WATERMARK_SK"}
    elsewhere |= {"TREND_SK", "STATE_SK"}
    named = {name: value for name, value in vars(keys).items() if name.endswith(("_SK", "_PREFIX"))}
    assert elsewhere <= named.keys()
    return {value for name, value in named.items() if name not in elsewhere}


def test_every_key_of_a_users_item_has_a_kind_and_every_kind_a_form() -> None:
    samples = {prefix: (prefix, f"{prefix}2026-11-23", f"{prefix}00000012") for prefix in prefixes()}
    found = {prefix: {kind.name for sk in its if (kind := kind_of(sk))} for prefix, its in samples.items()}
    assert all(len(names) == 1 for names in found.values()), found
    assert {name for names in found.values() for name in names} == {kind.name for kind in KINDS}
    assert {kind.name for kind in KINDS} == FORMS.keys() == LEFT_OUT.keys()


def test_a_life_with_every_kind_of_item_is_exported_whole_and_erased_whole(world: World) -> None:
    lived(world)
    kinds = [kind_of(sk) for sk in under()]
    assert {kind.name for kind in kinds if kind} == {kind.name for kind in KINDS}
    told = whole()
    assert told["unreadable"] == []
    every = [its for form in FORMS.values() for its in ([told[form.place]] if form.single else told[form.place])]
    assert len(every) == len(kinds)
    assert all(every)
    phone().delete_profile()
    assert erasure.run(world.store, turn(NOW + timedelta(minutes=1))) == 1
    assert under() == []


def test_an_erasure_removes_what_it_does_not_know(world: World) -> None:
    lived(world)
    for sk in ("ABSENCES", "LETTER#00000001", "ZEBRA#2026-11-23"):
        spoil("USER#ana", sk, form={"N": "1"}, what={"S": "a newer release's"})
    phone().delete_profile()
    erasure.run(world.store, turn(NOW + timedelta(minutes=1)))
    assert under() == []


MODELS: dict[str, tuple[Any, ...]] = {  # a kind's noun, and the nouns within it with their fields' places
    "profile": (Profile,),
    "consent": (Statement,),
    "unlearning": (Request,),
    "absence": (Absence,),
    "assessment": (Assessment,),
    "session": (Session,),
    "day": (UserDay, Mark),
}


def names_of(noun: Any) -> set[str]:
    return set(noun._fields) if issubclass(noun, tuple) else {f.name for f in fields(noun)}


@pytest.mark.parametrize("name", MODELS)
def test_every_field_of_what_is_held_is_exported_or_left_out_for_a_reason(name: str) -> None:
    shown, left = set(FORMS[name].model.model_fields), LEFT_OUT[name]
    held = {field for noun in MODELS[name] for field in names_of(noun)} - {"mark"}
    told = {f for f in held if f in shown or any(its.startswith(f"{f}_") for its in shown)}
    assert held - told == left.keys()
    assert all(left.values())


@pytest.mark.parametrize(("noun", "place"), [(Decision, "decision"), (Closing, "closing"), (Facts, "decision.facts")])
def test_every_field_within_a_session_is_exported(world: World, noun: Any, place: str) -> None:
    lived(world)
    (found,) = whole()["sessions"]
    for step in place.split("."):
        found = found[step]
    assert set(found) == names_of(noun)


def test_every_field_of_an_activity_is_exported(world: World) -> None:
    lived(world)
    (session,) = whole()["sessions"]
    assert names_of(Activity) - {"rest", "completed_at"} <= session["activities"][0].keys()


# What the entries say.


def test_a_session_is_told_with_its_decision_and_what_it_came_to(world: World) -> None:
    lived(world)
    session, (told,) = world.session("ana"), whole()["sessions"]
    assert session.closing is not None
    decision = told["decision"]
    assert decision["chances"] == list(session.decision.chances)
    assert (decision["eligible"], decision["action"]) == ([0, 1, 2, 4, 5], int(session.decision.action))
    assert decision["state"] == {"engagement": "low", "motivation": "steady"}
    assert decision["facts"] == {"counts": [0] * 6, "sums": [0] * 6, "earlier": [0] * 6, "latest": []}
    assert decision["settings"] == session.decision.settings.hex()
    assert (told["session_id"], told["status"], told["why"]) == (1, "learned", None)
    assert told["closing"]["reward"] == round(session.closing.reward, 4)
    assert (told["closing"]["rating"], told["closing"]["notes"]) == (4, "Marmalade")
    first = told["activities"][0]
    assert (first["id"], first["notes"], first["answered"], first["completed_on"]) == (11, "Kiwi", True, "2026-11-23")
    assert first["activity_name"] == catalogue().entry(session.activities[0].slug).name


def test_the_profile_is_told_with_its_facts_and_without_its_secret(world: World) -> None:
    lived(world)
    profile, told = world.store.profile("ana"), whole()["profile"]
    assert profile is not None
    assert (told["user"], told["segment"], told["avoid"], told["without"]) == ("ana", SEGMENT, ["floor"], [3])
    assert (told["engagement_score"], told["streak_days"]) == (round(profile.engagement, 4), 1)
    given = {"day": "2026-11-23", "gad7_score": 16, "active_minutes_per_week": 30}
    assert told["assessments"] == whole()["assessments"] == [given]
    assert (told["learn"], told["personalise"], told["unlearning"], told["unlearned"]) == (False, None, "pending", 1)
    text = answering().export().text
    assert profile.key.hex() not in text
    assert base64.b64encode(profile.key).decode() not in text


def test_what_was_said_and_what_waits_is_told(world: World) -> None:
    lived(world)
    told, at = whole(), "2026-11-23T09:01:00Z"
    assert told["consents"] == [
        {
            "number": 1,
            "at": at,
            "text_version": "2026-11",
            "personalise": None,
            "learn": {"granted": False, "since": at, "text_version": "2026-11"},
            "unlearn": True,
        }
    ]
    assert told["unlearning"] == {"upto": 1, "due_at": at, "asked_at": at, "taught": None, "failures": 0}


def test_a_day_is_told_with_what_stood_at_its_beginning_and_what_it_came_to(world: World) -> None:
    world.issue("ana")
    life = Life.of(world.store, "ana")
    life.lived({TODAY: 1}, stored={TODAY: counted(7, settled=True)})
    (day,) = whole()["days"]
    assert (day["day"], day["session"], day["engagement_score"]) == ("2026-11-23", 1, 0.5)
    assert (day["figures"]["sessions"], day["figures"]["engagement_score"]) == (7, 0.25)
    assert day["figures"]["types"].keys() == {"exercise", "meditation", "journaling"}


# What cannot be read, and who may not ask.


def test_an_item_that_cannot_be_read_is_named_and_the_others_are_told(world: World) -> None:
    lived(world)
    spoil("USER#ana", "SESSION#00000012", form={"N": "1"})
    spoil("USER#ana", "ASSESSMENT#2026-11-01", form={"N": "1"}, gad7={"S": "private"})
    spoil("USER#ana", "CONSENT-UNLEARNING", key=None)
    spoil("USER#ana", "LETTER#private", form={"N": "1"})
    told = whole()
    assert told["unreadable"] == [
        {"kind": "assessment", "which": "2026-11-01"},
        {"kind": "unlearning", "which": None},
        {"kind": "other", "which": None},
        {"kind": "session", "which": "12"},
    ]
    assert (len(told["sessions"]), len(told["assessments"]), told["unlearning"]) == (1, 1, None)
    assert "private" not in answering().export().text


def test_a_profile_that_cannot_be_read_is_named_too(world: World) -> None:
    lived(world)
    spoil("USER#ana", "~PROFILE", segment={"S": "??"})
    told = whole()
    assert (told["profile"], told["unreadable"]) == (None, [{"kind": "profile", "which": None}])
    assert len(told["sessions"]) == 1


def test_without_a_profile_and_while_erasing_there_is_nothing_to_take_along(world: World) -> None:
    assert answering().export().body["type"] == "profile-required"
    lived(world)
    phone().delete_profile()
    assert (answering().export().status, answering().export().body["type"]) == (409, "erasing")
    spoil("USER#ana", "~PROFILE", due_at=None)
    assert answering().export().body["type"] == "erasing"


def test_a_new_user_takes_an_empty_page_along(world: World) -> None:
    phone().put_profile(segment=SEGMENT)
    page = phone().export()
    assert page | {"profile": None} == EMPTY
    assert page["profile"]["sessions"] == 0


def token(sk: str) -> str:
    return base64.urlsafe_b64encode(sk.encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "=",
        "12",
        "a" * 101,
        "%20",
        "ö",
        token("SESSION#00000001") + "=",
        token("SESSION#00000001") + "A",
        token("SESSION#1"),
        token("SESSION#00000001 "),
        token("SESSION#\N{ARABIC-INDIC DIGIT ONE}0000001"),
        token("DAY#2026-11-23#07"),
        token("~PROFILE"),
        token("POLICY"),
        token("VERSION#0000000001"),
        token("CONSENT"),
    ],
)
def test_a_token_that_is_not_of_ours_is_refused(world: World, bad: str) -> None:
    phone().put_profile(segment=SEGMENT)
    refused = answering().ask("GET", f"/export/?next_token={bad}")
    assert (refused.status, refused.body["type"]) == (422, "invalid-request")


def test_a_token_of_somebody_elses_page_leads_to_ones_own_items(world: World) -> None:
    lived(world)
    lived(world, "ben")
    page = phone("ben").export(token("ASSESSMENT#2026-11-23"))
    assert (page["profile"], page["assessments"], len(page["sessions"])) == (None, [], 1)
    assert {its["user"] for its in page["sessions"][0]["activities"]} == {"ben"}


# Pages.


@pytest.fixture
def life(store_apart: Store) -> Life:
    world = World(store_apart)
    world.issue("ana")
    return Life.of(store_apart, "ana")


@pytest.mark.parametrize("notes", ["", NOTES, LARGEST, "\x01" * 2000], ids=["none", "full", "largest", "escaped"])
def test_a_page_keeps_to_its_bytes_and_its_units_and_nothing_is_lost_or_told_twice(life: Life, notes: str) -> None:
    days = 40
    life.lived({TODAY - n * ONE: 2 for n in range(days)}, notes)
    answering().export()  # from a function's first call on, units are billed by DynamoDB's rule
    units, sessions, told, following = Units(open_store().client), list[int](), list[str](), None
    while True:
        answer = answering().export(following)
        assert answer.status == 200, answer.text
        assert len(answer.content) <= PAGE
        assert units.take()[0] <= 256 + 1  # the profile's unit beside
        sessions += [its["session_id"] for its in answer.body["sessions"]]
        told += [its["day"] for its in answer.body["days"]]
        if (following := answer.body["next_token"]) is None:
            break
    assert sessions == list(range(1, 2 * days + 1))
    assert told == [str(TODAY - n * ONE) for n in reversed(range(days))]


def test_two_years_of_daily_sessions_page_through(life: Life) -> None:
    figures = {TODAY - n * ONE: counted(1, settled=True) for n in range(730)}
    life.lived(dict.fromkeys(figures, 1), "Slept well, walked to the lake and back.", figures)
    found = list(pages())
    assert len(found) < 12
    assert sum(len(page["sessions"]) for page in found) == sum(len(page["days"]) for page in found) == 730
    assert [page["profile"] is None for page in found] == [False, *[True] * (len(found) - 1)]


def test_the_largest_session_fits_into_a_page_many_times(life: Life) -> None:
    full = replace(life.first.activities[0], notes=LARGEST)
    closing = Closing(0.5, 0.5, 0.0, life.first.decision.state, (), 5, LARGEST)
    life.put(session_item(replace(life.first, activities=(full,) * 7, closing=closing), 1))
    assert len(answering().export().content) < PAGE / 2


def test_items_of_a_newer_release_that_fill_a_page_are_not_passed_over_in_silence(life: Life) -> None:
    place = {"pk": {"S": "USER#ana"}, "form": {"N": "1"}, "what": {"S": "x" * 300_000}}
    life.put(*[{**place, "sk": {"S": f"ALBUM#{n:02d}"}} for n in range(5)])
    assert answering().export().status == 503


def test_what_is_added_behind_the_place_of_a_page_comes_on_the_next(world: World) -> None:
    lived(world)
    there = whole()
    world.issue("ana", at=NOW + ONE)
    rest = phone().export(token("SESSION#00000001"))
    assert [its["session_id"] for its in rest["sessions"]] == [2]
    assert (rest["days"], there["next_token"]) == ([], None)
