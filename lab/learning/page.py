"""Writes the comparison's section of docs/learning.md between two markers, and leaves the rest of the page as it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from lab.learning.methods import NormalThompson
from lab.learning.runs import (
    BIN,
    EPSILON,
    FETTLE,
    FIRST_SEED,
    FIXED,
    FORMER,
    METHODS,
    NORMAL,
    PACKAGES,
    PLANNING,
    SEGMENT_FIRST,
    SEGMENT_NEXT,
    UNIFORM,
    USER_LATER,
    length_of,
)
from lab.learning.summary import AFTER, GAIN, SPANS, WINDOW, Interval, Standing, Standings, against, interval, verdict
from lab.learning.times import BLOCK, ROUNDS, Ratio, Times, ratios

BEGIN, END = "<!-- {}: written by make bench-learning -->", "<!-- end of {} -->"
TITLE = "# Does it learn?\n"


def replace_section(page: Path, name: str, text: str) -> None:
    """Puts the text between the section's markers; makes the page, or appends the section, if it is missing."""
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


def comparison(standings: Standings, times: Mapping[str, Times], episodes: int, folder: str) -> str:
    """Returns the section: the tables, the plots and sentences on what they show."""
    return "\n\n".join(
        [
            "## Against other learners",
            _setting(standings, episodes),
            _shares(standings),
            f"![Share of the gain by method and world]({folder}/shares.svg)",
            _see_shares(standings),
            "### Ahead or behind, seed by seed",
            _paired(standings),
            "### Parts of the courses",
            _parts(standings),
            "### Regret and speed of learning",
            f"![Cumulative regret by episode, one panel for each world]({folder}/regret.svg)",
            SEE_REGRET,
            _reached(standings),
            "### Time",
            _times(times),
        ]
    )


def _setting(standings: Standings, episodes: int) -> str:
    return (
        f"{len(standings)} worlds (`lab/world/tastes.py`), all with missing ratings, late and lost feedback and people "
        f"who leave; {_lengths(standings, episodes)}. Seeds from {FIRST_SEED} on. Same people, same eligible actions "
        "(cool-down 1), same facts, same late feedback for everybody; each method lives its own course. A score is the "
        "exact mean reward of what was served. Share of gain: (method - uniform) / (planning oracle - uniform). Former "
        "is the learner that was shipped before, with its own constants. The textbook learner has alpha 0.1, gamma 0.9 "
        "and one epsilon for the service. Normal Thompson has a normal posterior for each action of each segment: its "
        f"prior mean is {NormalThompson.MEAN:g}, its standard deviation {NormalThompson.SPREAD:g}, a reward's "
        f"{NormalThompson.NOISE:g}. The packages get recent actions and a person's count and mean as features, as "
        "`lab/learning/packages.py` says. Vowpal Wabbit crosses them with the segment; MABWiser's LinTS and LinUCB "
        "have them in their context; its Thompson sampling has none, and is told beforehand where to cut a reward into "
        "0 or 1. MABWiser learns from five rewards at a time."
    )


def _lengths(standings: Standings, episodes: int) -> str:
    """Returns how many seeds of how many episodes each world has; worlds that are alike in that are told together."""
    worlds: dict[str, list[str]] = {}
    for world, methods in standings.items():
        size = f"{len(methods[UNIFORM].shares)} seeds of {length_of(world, episodes):,} episodes"
        worlds.setdefault(size, []).append(world.value)
    return "; ".join(f"{size} in {', '.join(names)}" for size, names in worlds.items())


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
        f"{world.value} {100 * m[FETTLE].share.mean:.0f} against {100 * m[best[world]].share.mean:.0f} ({best[world]})"
        for world, m in standings.items()
    )
    return f"Compare the uppermost bar, Fettle as shipped, with the six bars of the packages: {told}."


def _paired(standings: Standings) -> str:
    def row(ours: str, theirs: str) -> list[str]:
        cells = []
        for methods in standings.values():
            difference = against(methods[ours], methods[theirs])
            cells.append(
                f"{verdict(difference)} {100 * difference.mean:+.1f} ± {50 * (difference.high - difference.low):.1f}"
            )
        return [f"{ours} against {theirs}", *cells]

    pairs = [(FETTLE, theirs) for theirs in (*PACKAGES, NORMAL, FORMER, EPSILON)]
    head = ["percentage points of the gain", *(world.value for world in standings)]
    note = (
        "Ahead or behind where the 95 % interval of the paired differences leaves zero out; level otherwise. By luck "
        f"alone about one in twenty of the {len(pairs) * len(standings)} comparisons would not be level."
    )
    return f"{table(head, [row(*pair) for pair in pairs])}\n\n{note}"


def _parts(standings: Standings) -> str:
    """Returns a table for each span that at least one world has."""
    return "\n\n".join(text for span in SPANS if (text := _part(standings, span)))


def _part(standings: Standings, span: str) -> str:
    has = {world: m for world, m in standings.items() if all(span in m[name].spans for name in m)}
    if not has:
        return ""
    names = [name for name in METHODS if name not in (UNIFORM, PLANNING)]
    told = TOLD[span] + ", %:\n\n" + _by_world(has, names, lambda s: _percent(interval(s.spans[span])))
    rivals = (NORMAL, FIXED, *PACKAGES)
    best = {world: max(rivals, key=lambda n: interval(m[n].spans[span]).mean) for world, m in has.items()}
    leads = "; ".join(
        f"{world.value} {_lead(m[FETTLE], m[best[world]], span)} ({best[world]})" for world, m in has.items()
    )
    told += f"\n\nFettle against the best of normal Thompson, best fixed and the packages, in points: {leads}."
    return told + (f"\n\n{_again(has)}" if span == AFTER else "")


def _lead(ours: Standing, theirs: Standing, span: str) -> str:
    difference = against(ours, theirs, span)
    return f"{verdict(difference)} {100 * difference.mean:+.1f} ± {50 * (difference.high - difference.low):.1f}"


TOLD = {
    SEGMENT_FIRST: "Share of the gain in the first fifty sessions of each segment",
    SEGMENT_NEXT: "Share of the gain in the sessions 51 to 100 of each segment",
    USER_LATER: "Share of the gain in the sessions 41 to 60 of each user",
    AFTER: "Share of the gain in all sessions after the tastes' swap",
}


def _again(standings: Standings) -> str:
    """Returns the shares after the swap by `BIN` of sessions, and when they are as they should be again."""
    names = [name for name in METHODS if name not in (UNIFORM, PLANNING)]
    rows = []
    for world, methods in standings.items():
        for name in names:
            its = methods[name]
            shares = [f"{100 * share:.0f}" for share in its.after]
            rows.append([f"{world.value}: {name}", "-" if its.again is None else f"{its.again:,}", *shares])
    windows = max(len(row) - 2 for row in rows)
    head = ["", f"{GAIN:.0%} again", *(f"to {(i + 1) * BIN:,}" for i in range(windows))]
    note = (
        f"After how many sessions past the swap the latest {BIN} have {GAIN:.0%} of the gain again, and the share in "
        f"each {BIN} after it, both over all seeds:"
    )
    return f"{note}\n\n{table(head, rows)}"


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
