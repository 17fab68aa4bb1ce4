"""The comparison's section of docs/learning.md, between two markers; what stands around it is left as it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from lab.learning.runs import BIN, EPSILON, FETTLE, METHODS, PACKAGES, PLANNING, UNIFORM
from lab.learning.summary import GAIN, WINDOW, Interval, Standing, Standings, against, verdict
from lab.learning.times import BLOCK, ROUNDS, Ratio, Times, ratios

BEGIN, END = "<!-- {}: written by make bench-learning -->", "<!-- end of {} -->"
TITLE = "# Does it learn?\n"


def replace_section(page: Path, name: str, text: str) -> None:
    """Puts the text between the section's markers; a page or section that is not there yet is begun."""
    old = page.read_text(encoding="utf-8") if page.exists() else TITLE
    begin, end = BEGIN.format(name), END.format(name)
    section = f"{begin}\n\n{text.strip()}\n\n{end}"
    if begin in old:
        head, rest = old.split(begin, 1)
        old = head + section + rest.split(end, 1)[1]
    else:
        old = f"{old.rstrip()}\n\n{section}\n"
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(old, encoding="utf-8")


def comparison(standings: Standings, times: Mapping[str, Times], seeds: int, episodes: int, folder: str) -> str:
    """The section: tables, plots and what they say."""
    return "\n\n".join(
        [
            "## Against other learners",
            _setting(seeds, episodes),
            _shares(standings),
            f"![Share of the gain by method and world]({folder}/shares.svg)",
            _see_shares(standings),
            "### Ahead or behind, seed by seed",
            _paired(standings),
            "### Regret and speed of learning",
            f"![Cumulative regret by episode, one panel for each world]({folder}/regret.svg)",
            SEE_REGRET,
            _reached(standings),
            "### Time",
            _times(times),
        ]
    )


def _setting(seeds: int, episodes: int) -> str:
    return (
        f"{seeds} seeds, {episodes:,} episodes each, in five worlds (`lab/world/tastes.py`), all with missing ratings, "
        "late and lost feedback and people who leave. Same people, same eligible actions (cool-down 1), same late "
        "feedback for everybody; each method lives its own course. A score is the exact mean reward of what was "
        "served. Share of gain: (method - uniform) / (planning oracle - uniform). The textbook learner has alpha 0.1, "
        "gamma 0.9 and one epsilon for the service; Vowpal Wabbit crosses the action with segment and with segment and "
        "state; MABWiser is told beforehand where to cut a reward into 0 or 1, and learns from five rewards at a time."
    )


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def _percent(share: Interval) -> str:
    return f"{100 * share.mean:.0f} ({100 * share.low:.0f} to {100 * share.high:.0f})"


def _by_world(standings: Standings, names: Sequence[str], cell: Callable[[Standing], str]) -> str:
    head = ["", *(world.value for world in standings)]
    return table(head, [[name, *(cell(methods[name]) for methods in standings.values())] for name in names])


def _shares(standings: Standings) -> str:
    return "Share of the oracle's gain, %, with 95 % intervals over the seeds:\n\n" + _by_world(
        standings, [name for name in METHODS if name not in (UNIFORM, PLANNING)], lambda s: _percent(s.share)
    )


def _see_shares(standings: Standings) -> str:
    best = {world: max(PACKAGES, key=lambda n: m[n].share.mean) for world, m in standings.items()}
    told = "; ".join(
        f"{world.value} {100 * m[FETTLE].share.mean:.0f} and {100 * m[EPSILON].share.mean:.0f} against "
        f"{100 * m[best[world]].share.mean:.0f} ({best[world]})"
        for world, m in standings.items()
    )
    return (
        "Compare the two upper bars, Fettle as shipped and by epsilon-greedy, with the four bars of the packages: "
        f"{told}."
    )


def _paired(standings: Standings) -> str:
    def row(ours: str, theirs: str) -> list[str]:
        cells = []
        for methods in standings.values():
            difference = against(methods[ours], methods[theirs])
            cells.append(
                f"{verdict(difference)} {100 * difference.mean:+.1f} ± {50 * (difference.high - difference.low):.1f}"
            )
        return [f"{ours} against {theirs}", *cells]

    pairs = [(ours, theirs) for ours in (FETTLE, EPSILON) for theirs in PACKAGES] + [(FETTLE, EPSILON)]
    head = ["percentage points of the gain", *(world.value for world in standings)]
    note = (
        "Ahead or behind where the 95 % interval of the paired differences leaves zero out; level otherwise. By luck "
        f"alone about one in twenty of the {len(pairs) * len(standings)} comparisons would not be level."
    )
    return f"{table(head, [row(*pair) for pair in pairs])}\n\n{note}"


SEE_REGRET = (
    "A curve that flattens has learned; a straight curve loses as much in each further session. Where a curve lies "
    "above the dashed grey one, uniform play was better."
)


def _reached(standings: Standings) -> str:
    def episodes(standing: Standing) -> str:
        return "-" if standing.reached is None else f"{standing.reached:,}"

    window = f"{WINDOW * BIN:,}"
    note = f"Episodes until, over the latest {window}, the mean over the seeds has {GAIN:.0%} of the gain (-: never):"
    return f"{note}\n\n" + _by_world(standings, [n for n in METHODS if n not in (UNIFORM, PLANNING)], episodes)


def _times(times: Mapping[str, Times]) -> str:
    def row(name: str) -> list[str]:
        cells = [f"{us:.0f}" for us in times[name].us]
        return [name, *cells, *(_times_ours(ratio) for ratio in ratios(times, name))]

    note = (
        f"CPU microseconds, medians of {ROUNDS} rounds of {BLOCK} in which the methods take turns, and how many times "
        "Fettle's of the same round, with quartiles. Fettle's decision includes the hash and the seeding of its own "
        "generator, which make it recomputable; MABWiser learns from each reward as it comes."
    )
    head = ["", "a decision", "an update", "times Fettle's decision", "times its decision and update"]
    return f"{note}\n\n" + table(head, [row(name) for name in METHODS])


def _times_ours(ratio: Ratio) -> str:
    return f"{ratio.middle:.1f} ({ratio.low:.1f} to {ratio.high:.1f})"
