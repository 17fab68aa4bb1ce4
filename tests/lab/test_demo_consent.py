"""What people of the demo said of consent, and the recount of what was learned from them: it must be able to fail."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import chain

import pytest

from lab.demo.consent import Held, Row, Tally, recount, recounted, tally, what_was_said
from lab.demo.log import Issued, Log, Said
from lab.world.people import population
from lab.world.wishes import Wish, wishes

DAYS = 30


def day(number: int) -> datetime:
    return datetime(2026, 10, 6, 12, tzinfo=UTC) + timedelta(days=number)


def issued(number: int, ends: datetime, *, expires: bool = False, seen: bool = True) -> Issued:
    zeros = (0.0,) * 6
    return Issued(
        "ana",
        number,
        "one",
        2,
        (2, 3),
        zeros,
        zeros,
        zeros,
        seen,
        tried=False,
        answered=True,
        ends=ends,
        expires=expires,
    )


def log(*said: Said) -> Log:
    """Somebody who answered a session a day, from day 1 to day 4."""
    return Log("ana", [issued(number, day(number)) for number in range(1, 5)], list(said))


NO, YES = Said(day(3), 2, learn=False), Said(day(4), 3, learn=True)
BACK = Said(day(3), 2, learn=False, unlearn=True)


def key(number: int) -> bytes:
    return b"person  session" + bytes([number])


def held(its: Log, unlearning: str = "none") -> dict[str, Held]:
    """The table as it should be after this log."""
    sessions = {
        session.session_id: Row(key(session.session_id), "learned", None)
        if its.teaches(session)
        else Row(key(session.session_id), "closed", "consent")
        for session in its.issued
    }
    taught = tuple(row.key for row in sessions.values() if row.status == "learned")
    return {its.user: Held(sessions, taught, unlearning)}


def with_row(table: dict[str, Held], number: int, row: Row, *, on_record: bool) -> dict[str, Held]:
    """The table with this session, which version records have or do not have."""
    was = table["ana"]
    taught = {key for key in was.taught if key != row.key} | ({row.key} if on_record else set())
    return {"ana": replace(was, sessions={**was.sessions, number: row}, taught=tuple(taught))}


@pytest.mark.parametrize(
    ("said", "taught"),
    [
        ((), [1, 2, 3, 4]),
        ((NO,), [1, 2]),
        ((NO, YES), [1, 2, 4]),
        ((BACK,), []),
        ((BACK, YES), [4]),
        ((NO, Said(day(4), 3, unlearn=True)), []),
        ((Said(day(1), 0, personalise=False),), [1, 2, 3, 4]),
    ],
)
def test_what_people_said_decides_which_of_their_sessions_teach(said: tuple[Said, ...], taught: list[int]) -> None:
    its = log(*said)
    assert [session.session_id for session in its.issued if its.teaches(session)] == taught
    assert recount([its], held(its, "done")) == []


def test_a_session_that_expires_closes_before_what_is_said_at_that_moment() -> None:
    its = log(NO)
    assert its.teaches(issued(2, NO.at, expires=True))
    assert not its.teaches(issued(2, NO.at))
    assert not its.teaches(issued(2, NO.at + timedelta(seconds=1), expires=True))


def test_a_session_that_was_open_when_the_person_asked_to_be_unlearned_does_not_teach_after_a_new_yes_either() -> None:
    its = log(BACK, YES)
    assert not its.teaches(issued(2, day(9), expires=True))
    assert its.teaches(issued(3, day(9), expires=True))


def test_what_was_only_prefetched_teaches_nobody_anything() -> None:
    assert not log().teaches(issued(1, day(1), expires=True, seen=False))


def test_a_session_learned_after_a_no_is_found_in_the_table_and_in_the_records() -> None:
    its, learned = log(NO), Row(key(3), "learned", None)
    wrong = ["ana: session 3 is learned, and closed between a no and the next yes"]
    assert recount([its], with_row(held(its), 3, learned, on_record=True)) == wrong
    assert recount([its], with_row(held(its), 3, learned, on_record=False)) == wrong
    assert recount([its], with_row(held(its), 3, Row(key(3), "closed", "consent"), on_record=True)) == wrong


def test_what_remains_on_record_of_somebody_who_was_unlearned_is_found() -> None:
    its = log(BACK)
    table = with_row(held(its, "done"), 1, Row(key(1), "closed", "consent"), on_record=True)
    assert recount([its], table) == ["ana: session 1 is learned, and was to be taken back"]


def test_a_session_on_record_that_no_item_leads_to_is_found() -> None:
    its = log(BACK)
    table = {"ana": replace(held(its, "done")["ana"], taught=(b"person  of old  ",))}
    assert recount([its], table) == ["ana: 1 sessions are on record that the person does not have"]


def test_an_unlearning_that_is_not_done_is_found() -> None:
    assert recount([log(BACK)], held(log(BACK), "pending")) == ["ana: the wish to be unlearned is pending"]


def test_a_session_without_a_reason_is_found() -> None:
    its = log(NO)
    table = with_row(held(its), 4, Row(key(4), "closed", None), on_record=False)
    assert recount([its], table) == ["ana: session 4 is closed, neither learned nor with a reason why not"]


def test_a_session_that_should_have_been_learned_is_found_and_one_that_was_learned_twice() -> None:
    its = log()
    table = with_row(held(its), 1, Row(key(1), "closed", "over-weight"), on_record=False)
    assert recount([its], table) == ["ana: session 1 is closed (over-weight), not on record"]
    twice = {"ana": replace(held(its)["ana"], taught=(*held(its)["ana"].taught, key(1)))}
    assert recount([its], twice) == ["ana: a session is on record twice"]


def test_a_session_that_is_missing_is_found() -> None:
    its, table = log(), held(log())
    del table["ana"].sessions[4]  # type: ignore[attr-defined]
    assert "ana: there are 3 sessions, 4 were issued" in recount([its], table)


def test_the_tally_counts_people_and_the_sessions_that_are_not_learned_from() -> None:
    impersonal = Said(day(2), 1, personalise=False)
    logs = [log(), log(NO), log(BACK), log(NO, YES, impersonal), log(impersonal, replace(impersonal, personalise=True))]
    assert tally(logs) == Tally(5, withdrew=3, unlearned=1, returned=1, impersonal=1, refused=5, taken_back=2)


def test_the_tally_is_told_in_words() -> None:
    its = Tally(72, withdrew=9, unlearned=4, returned=3, impersonal=2, refused=50, taken_back=20)
    assert what_was_said(its).startswith("Of 72 people 9 withdrew their consent to learning; 4 of these asked")
    assert "3 came back" in what_was_said(its)
    assert "2 want no personal plans" in what_was_said(its)
    assert "closed between a no and the next yes, none of 50 sessions" in recounted(its)
    assert "to be taken back, none of 20 others" in recounted(its)


def cast() -> list[tuple[Wish, ...]]:
    return [wishes(2026, person.name, DAYS) for person in population(2026, 8, DAYS)]


def test_some_people_withdraw_some_unlearn_some_come_back_and_a_few_want_no_personal_plans() -> None:
    every = list(chain(*cast()))
    assert 5 <= sum(wish.learn is False for wish in every) <= 20
    assert sum(wish.unlearn for wish in every) >= 3
    assert sum(wish.learn is True for wish in every) >= 2
    assert 2 <= sum(wish.personalise is False for wish in every) <= 8


def test_the_same_seed_makes_the_same_wishes_in_order_none_of_them_before_there_is_a_session() -> None:
    assert cast() == cast()
    for its in cast():
        openings = [wish.opening for wish in its]
        assert openings == sorted(openings)
        assert min(openings, default=2) >= 2


def test_where_consent_is_required_everybody_is_asked_first() -> None:
    assert wishes(2026, "ana", DAYS, asked=True)[0] == Wish(1, personalise=True, learn=True)
