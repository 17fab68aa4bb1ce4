"""What one request reads: GET /stats/ and a page of the history keep to their read units, whatever the table holds."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from local.phone import Answer, Phone, pages, to_functions
from local.units import Units
from rl_core.store import ReadBudget, Store, open_day_table, open_store
from rl_core.store.items import session_item
from tests.functions.conftest import NOW, World
from tests.functions.invoked import FUNCTIONS
from tests.lives import LARGEST, NOTES, Life, counted


@pytest.fixture
def store(store_apart: Store) -> Store:
    """A table whose client counts the units for these tests alone."""
    return store_apart


PHONE = Phone(to_functions(FUNCTIONS.invoke, "ana", NOW))
TODAY = NOW.date()
ONE = timedelta(days=1)
STATS, HISTORY, LAMBDA_ANSWER = 200, 128, 6_291_556


@pytest.fixture
def life(world: World) -> Life:
    world.issue("ana")
    return Life.of(world.store, "ana")


def read(answer: Callable[[], Answer]) -> tuple[Any, float]:
    """The body of an answer that is a 200, and the read units that it took."""
    PHONE.get_profile()  # from a function's first call on, units are billed by DynamoDB's rule
    units = Units(open_store().client)
    said = answer()
    assert said.status == 200, said.text
    return said.body, units.take()[0]


def stats(days: int = 7) -> tuple[list[Any], float]:
    """The days, today first, and the read units that they took."""
    body, units = read(lambda: PHONE.stats(days))
    return body["daily"][::-1], units


# GET /stats/


def test_of_a_day_of_sixty_sessions_with_full_notes_no_more_is_read_than_the_units_allow(life: Life) -> None:
    life.lived({TODAY: 60}, NOTES)
    (today, *_), units = stats()
    assert 150 < units <= STATS
    assert (today["active"], today["settled"]) == (True, False)
    assert 30 < today["sessions"] < 60  # what could be read of them


def test_a_day_beyond_the_units_shows_what_the_daily_job_counted_last(life: Life) -> None:
    life.lived({TODAY - ONE: 60, TODAY: 2}, NOTES, {TODAY - ONE: counted(17, settled=False)})
    (today, yesterday, *_), units = stats()
    assert units <= STATS
    assert (yesterday["sessions"], yesterday["engagement_score"], yesterday["settled"]) == (17, 0.25, False)
    assert today["sessions"] == 2


def test_a_day_beyond_the_units_is_not_settled_though_it_is_over(life: Life) -> None:
    life.lived({TODAY - 5 * ONE: 60}, NOTES)
    day = stats()[0][5]
    assert 30 < day["sessions"] < 60
    assert day["settled"] is False


def test_the_largest_sessions_of_ninety_days_stay_within_the_units(life: Life) -> None:
    life.lived({TODAY - n * ONE: 1 for n in range(90)}, LARGEST)
    daily, units = stats(90)
    assert 100 < units <= STATS
    assert [day["sessions"] for day in daily[:4]] == [1] * 4
    assert daily[89]["sessions"] == 0


def test_what_the_users_days_take_is_taken_off_the_units(life: Life) -> None:
    budget = ReadBudget(STATS)
    assert open_day_table().days_of("ana", TODAY, TODAY, budget)
    assert budget.left < STATS


def test_a_day_that_is_over_everywhere_is_settled_with_its_sessions(life: Life) -> None:
    life.lived({TODAY - n * ONE: 1 for n in range(3)})
    assert [day["settled"] for day in stats()[0]] == [False, False, *[True] * 5]
    life.put(session_item(replace(life.first, number=1, day=TODAY - 2 * ONE), 1))  # open
    assert [day["settled"] for day in stats()[0]] == [False, False, False, *[True] * 4]


# GET /activity/history/


def history(limit: int) -> Iterator[tuple[list[int], float]]:
    """The numbers of each page's sessions, and the read units that the page took."""
    taken: list[float] = []

    def page(token: str | None) -> Any:
        body, units = read(lambda: PHONE.history(limit, token))
        taken.append(units)
        return body

    for found in pages(page):
        yield [session["session_id"] for session in found], taken[-1]


@pytest.mark.parametrize(("notes", "most"), [("", 60), (NOTES, 29), (LARGEST, 8)], ids=["none", "full", "largest"])
def test_a_page_of_the_history_ends_where_its_units_end_and_the_next_goes_on(life: Life, notes: str, most: int) -> None:
    life.lived({TODAY: 60}, notes)
    found = list(history(100))
    assert [number for page, _ in found for number in page] == list(range(60, 0, -1))
    assert max(units for _, units in found) <= HISTORY + 1  # the profile's unit beside
    assert most - 4 < max(len(page) for page, _ in found) <= most


def test_a_page_of_the_history_holds_no_more_than_was_asked_for(life: Life) -> None:
    life.lived({TODAY: 60})
    found = list(history(25))
    assert [len(page) for page, _ in found] == [25, 25, 10]
    assert max(units for _, units in found) < 20


def test_the_largest_page_fits_into_an_answer_of_lambda(life: Life) -> None:
    life.lived({TODAY: 60}, "\x01" * 2000)  # a byte in the table, seven in the answer
    answer = json.dumps({"body": PHONE.history(100).text})
    assert LAMBDA_ANSWER / 3 < len(answer) < LAMBDA_ANSWER
