"""The report: complete, and it asks nothing of the network."""

import base64
import re
from dataclasses import replace
from datetime import date
from functools import lru_cache
from math import nan
from pathlib import Path
from random import Random

import numpy as np
import pytest

from lab.demo.consent import Tally, recounted, what_was_said
from lab.demo.daily import DayRow
from lab.demo.plots import SHORT, day_chart, heat_map, learning_curve, moving_mean, plans_of
from lab.demo.portrait import Portrait
from lab.demo.report import page, write
from lab.demo.results import Learned, Served, table
from lab.world.tastes import APPETITES
from operate.intervals import Estimate

FACTS = {"sessions <shown>": "90"}
SAID = Tally(72, withdrew=9, unlearned=4, returned=3, impersonal=2, refused=50, taken_back=20)
STEERED = "3 people paused."


def sessions() -> list[Served]:
    rng = Random(1)
    return [
        Served(
            user=f"user-{n % 9}",
            session_id=n // 9 + 1,
            segment=list(APPETITES)[n % 9],
            action=rng.randrange(6),
            eligible=tuple(range(6)),
            expected=tuple(rng.random() for _ in range(6)),
            rested=tuple(rng.random() for _ in range(6)),
            liking=tuple(rng.random() for _ in range(6)),
            reward=rng.random(),
            completion_rate=0.5,
            tried=n % 2 == 0,
        )
        for n in range(90)
    ]


def policies() -> list[Learned]:
    rng = Random(2)
    q = tuple(tuple(rng.random() for _ in range(6)) for _ in range(9))
    return [Learned(segment, 10, q, visits=((1, 2, 3, 0, 0, 0),) * 9) for segment in APPETITES]


@lru_cache(maxsize=1)
def days() -> list[DayRow]:
    """Two days, one of them without a session."""
    rate, reward = Estimate(60, 0.5, 0.4, 0.6), Estimate(10, 0.3, 0.2, 0.4)
    none = Estimate(0, nan, nan, nan)
    return [DayRow(date(2026, 10, 6), 5, 5, 0, 10, rate, reward), DayRow(date(2026, 10, 13), 0, 0, 2, 0, none, none)]


@lru_cache(maxsize=1)
def report() -> str:
    return page(policies(), sessions(), FACTS, days(), SAID, STEERED)


def plots() -> list[str]:
    found = re.findall(r'src="data:image/svg\+xml;base64,([^"]+)"', report())
    return [base64.b64decode(plot).decode() for plot in found]


def test_the_report_names_all_nine_segments() -> None:
    assert all(f"<td>{segment}</td>" in report() for segment in APPETITES)


def test_the_report_loads_nothing_from_elsewhere() -> None:
    assert "http" not in report()
    assert set(re.findall(r'(?:src|href)="([a-z]+):', report())) == {"data"}
    assert "<script" not in report()


def test_the_plots_load_nothing_from_elsewhere() -> None:
    assert len(plots()) == 4
    for plot in plots():
        assert not re.search(r'href="(?!#|data:)', plot)
        assert "url(http" not in plot


def test_what_stands_in_the_report_is_escaped() -> None:
    assert "sessions &lt;shown&gt;" in report()


def test_the_same_run_makes_the_same_report_and_its_folder(tmp_path: Path) -> None:
    write(tmp_path / "new" / "report.html", policies(), sessions(), FACTS, days(), SAID, STEERED)
    assert (tmp_path / "new" / "report.html").read_text(encoding="utf-8") == report()


def test_the_learning_curve_shows_three_policies_with_units_and_a_band() -> None:
    axes = learning_curve(sessions(), window=20).axes[0]
    assert axes.get_xlabel()
    assert axes.get_ylabel()
    assert len(axes.lines) == 4
    assert len(axes.collections) == 1


def test_a_run_shorter_than_the_window_still_has_a_curve() -> None:
    assert len(learning_curve(sessions()[:9]).axes[0].lines[0].get_xdata()) == 1  # type: ignore[arg-type]


def test_the_heat_map_has_a_panel_for_each_segment_and_blanks_for_what_was_never_visited() -> None:
    panels = heat_map(policies(), table(policies(), sessions())).axes[:9]
    assert [panel.get_title() for panel in panels] == list(APPETITES)
    assert all(int(panel.images[0].get_array().mask.sum()) == 27 for panel in panels)  # type: ignore[union-attr]


def test_all_panels_share_one_colour_scale() -> None:
    panels = heat_map(policies(), table(policies(), sessions())).axes[:9]
    assert len({panel.images[0].get_clim() for panel in panels}) == 1


def test_a_moving_mean_is_taken_over_full_windows_only() -> None:
    assert moving_mean(np.array([1.0, 2.0, 3.0, 6.0]), 3).tolist() == [2.0, 11 / 3]


def person(segments_best: int) -> Portrait:
    """Somebody whose plans are ranked 3, 1, 0, 2, 4, 5, in four sessions."""
    liking = (0.5, 0.7, 0.4, 0.9, 0.3, 0.2)
    course = ((3, (0, 1, 2, 3, 4, 5)), (1, (0, 1, 2, 4, 5)), (0, (0, 2, 3, 4, 5)), (3, (1, 2, 3, 4, 5)))
    like = replace(sessions()[0], user="<eve>", liking=liking, rested=liking)
    return Portrait([replace(like, action=action, eligible=eligible) for action, eligible in course], segments_best)


def test_a_persons_plans_stand_in_the_order_of_what_they_like() -> None:
    axes = plans_of(person(segments_best=1)).axes[0]
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert [label.split("\n")[0] for label in labels] == [SHORT[action] for action in (3, 1, 0, 2, 4, 5)]
    assert labels[:3] == [f"{SHORT[3]}\nthe person's best", f"{SHORT[1]}\nthe segment's best", SHORT[0]]


def test_who_likes_what_the_segment_likes_is_marked_so() -> None:
    labels = [label.get_text() for label in plans_of(person(segments_best=3)).axes[0].get_yticklabels()]
    assert labels == [f"{SHORT[3]}\nbest for both", *(SHORT[action] for action in (1, 0, 2, 4, 5))]


def test_each_plan_given_is_a_dot_filled_where_it_was_the_best_one() -> None:
    best, other, _ = plans_of(person(segments_best=1)).axes[0].collections
    assert np.asarray(best.get_offsets()).tolist() == [[0, 0], [1, 1], [3, 0]]
    assert np.asarray(other.get_offsets()).tolist() == [[2, 2]]


def test_what_is_shown_of_a_plan_is_how_much_it_was_liked_unless_it_was_barred() -> None:
    shown = plans_of(person(segments_best=1)).axes[0].images[0].get_array()
    assert shown is not None
    assert shown[0].tolist() == [pytest.approx(90), None, pytest.approx(90), pytest.approx(90)]
    assert int(np.ma.getmaskarray(shown).sum()) == 3


def test_the_report_says_who_is_shown_and_what_they_and_their_segment_like() -> None:
    like = sessions()[0]
    ana = [replace(like, user="ana", rested=(0.9, 0.0, 0.0, 0.0, 0.0, 0.0))] * 10
    eve = [replace(like, user="<eve>", rested=(0.0, 0.0, 0.0, 0.0, 0.0, 0.5))] * 10
    others = [session for session in sessions() if session.segment != like.segment]
    said = page(policies(), [*ana, *eve, *others], FACTS, days(), SAID, STEERED)
    assert f"<p>&lt;eve&gt; likes {SHORT[5]} best of all actions, the segment {SHORT[0]}. Of the people" in said
    assert re.search(r"<figcaption>The share of sessions with the plan that this person liked best", said)


def test_where_nobody_differs_from_their_segment_the_report_says_so() -> None:
    assert re.search(r"<p>user-0 likes (\w+) best of all actions, and so does the segment; all with many", report())


def test_the_days_are_told_with_their_counts_and_intervals() -> None:
    assert "<td>Tue 06 Oct</td><td>5</td><td>5</td><td>0</td><td>10</td><td>50% (40%-60%)</td><td>60</td>" in report()
    assert (
        "<td>Tue 13 Oct</td><td>0</td><td>0</td><td>&lt;5</td><td>0</td><td>-</td><td>0</td><td>-</td><td>0</td>"
        in report()
    )


def test_the_chart_of_days_shows_users_and_the_share_done_with_a_band() -> None:
    upper, lower = day_chart(days()).axes
    assert (len(upper.lines), len(upper.collections), len(lower.patches)) == (1, 1, 2)
    assert upper.get_ylabel()
    assert lower.get_ylabel()


def test_the_report_says_what_people_said_of_consent_and_what_the_recount_found() -> None:
    assert "<h2>Consent</h2>" in report()
    assert f"<p>{what_was_said(SAID)}</p>" in report()
    assert recounted(SAID) in report()
