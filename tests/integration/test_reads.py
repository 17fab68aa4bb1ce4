"""What GET /stats/ and the history read of a user of a year, on a data plane that bills as DynamoDB does."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from local.phone import pages
from local.stack import Stack
from local.units import Units, client_of_functions
from rl_core.store import Store
from tests.integration.conftest import START, Phone, done, ok
from tests.lives import NOTES, Life, counted

TODAY, ONE = START.date(), timedelta(days=1)
STATS, HISTORY = 200, 128


@pytest.fixture
def life(ana: Phone, table: Store) -> Life:
    ana.plan()
    return Life.of(table, ana.user)


@pytest.fixture
def units(stack: Stack, ana: Phone) -> Units:
    ana.profile()  # from a function's first call on, units are billed by DynamoDB's rule
    return Units(client_of_functions())


def daily(phone: Phone, days: int = 7) -> list[Any]:
    """The days of GET /stats/, today first."""
    found: list[Any] = ok(phone.stats(days))["daily"]
    return found[::-1]


def test_a_year_of_twelve_sessions_a_day_costs_what_its_last_days_cost(ana: Phone, life: Life, units: Units) -> None:
    days = {TODAY - n * ONE: 12 for n in range(365)}
    stored = {day: counted(12, settled=True) for day in days if day < TODAY - 3 * ONE}
    life.lived(days, stored=stored, since=TODAY - 10 * ONE)
    units.take()
    found = daily(ana, 90)
    assert units.take()[0] < 50
    assert {day["sessions"] for day in found} == {12}
    assert [day["settled"] for day in found[:5]] == [False, False, True, True, True]


def test_days_that_were_never_counted_are_computed_from_the_newest_on(ana: Phone, life: Life, units: Units) -> None:
    life.lived({TODAY - n * ONE: 12 for n in range(30)}, "n" * 200)
    units.take()
    found = daily(ana, 30)
    assert 150 < units.take()[0] <= STATS
    counts = [day["sessions"] for day in found]
    computed = counts.index(next(count for count in counts if count < 12))
    assert computed > 15
    assert counts == [12] * computed + [counts[computed]] + [0] * (29 - computed)
    assert [day["settled"] for day in found] == [False] * 2 + [True] * (computed - 2) + [False] * (30 - computed)


def test_sixty_sessions_with_full_notes_in_a_day_of_a_real_user(
    newcomer: Callable[..., Phone], table: Store, units: Units
) -> None:
    phone = newcomer()
    for _ in range(60):
        ok(phone.batch(done(phone.plan(), notes=NOTES), overall_session_rating=4, notes=NOTES))
    units.take()
    (today, *_) = daily(phone)
    assert 100 < units.take()[0] <= STATS
    assert 30 < today["sessions"] < 60
    assert (today["active"], today["settled"]) == (True, False)
    found = [[session["session_id"] for session in page] for page in pages(lambda token: _page(phone, token, units))]
    assert [number for page in found for number in page] == list(range(60, 0, -1))


def _page(phone: Phone, token: str | None, units: Units) -> Any:
    units.take()
    page = ok(phone.history(100, token))
    assert units.take()[0] <= HISTORY + 1  # the profile's unit beside
    return page
