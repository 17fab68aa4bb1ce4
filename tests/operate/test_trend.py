"""`python -m operate trend` prints a segment's latest final days, and nothing from which a small day could be told."""

from datetime import date, timedelta

import pytest

from operate.__main__ import main
from rl_core.days import Course, DayRow
from rl_core.models import Segment
from rl_core.store import DayTable, Store

MONDAY, ONE = date(2026, 11, 16), timedelta(days=1)


def test_the_days_of_a_week_are_not_shown_without_its_small_one(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    """The whole week less its other days would be the small one."""
    rows = {MONDAY + n * ONE: DayRow(users, users, users) for n, users in enumerate((3, 5, 5, 5, 5, 5, 5, 9))}
    DayTable(store.name, store.client).save_course(Segment.HIGH_LOW, Course(MONDAY + 7 * ONE, rows))
    for days in ("7", "8"):
        assert main(["--table", store.name, "trend", "HIGH_LOW", "--days", days]) == 0
        _, _, week, day = capsys.readouterr().out.splitlines()
        assert week.split()[:5] == ["2026-11-16", "-", "2026-11-22", "-", "33"]
        assert day.split()[:3] == ["2026-11-23", "9", "9"]
    main(["--table", store.name, "trend", "HIGH_LOW", "--days", "1"])
    assert len(capsys.readouterr().out.splitlines()) == 3
