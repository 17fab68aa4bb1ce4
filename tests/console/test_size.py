"""The bench of the console's size, at a small one: it looks at every screen, and none reads more than a view may."""

from pathlib import Path

from lab.bench.console import VIEWS, measure

SESSIONS = 9 * 220


def test_every_screen_reads_no_more_than_a_view_may(tmp_path: Path) -> None:
    found = measure(SESSIONS, tmp_path)
    assert [its.view for its in found] == [view.name for view in VIEWS]
    for its in found:
        assert 0 < its.units <= its.billed <= its.most  # what shows the progress of a fold reads for itself
