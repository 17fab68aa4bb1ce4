"""Writes what was found as a Markdown table and as the last line of JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from lab.bench.attack.cells import UNCAPPED, UNCAPPED_PEOPLE, UNCAPPED_PER_DAY, Age, Cell, Plan
from lab.bench.attack.figures import Interval, favourite, loss, share
from lab.bench.attack.service import Play

NOBODY = "nobody"
Figure = Callable[[Sequence[Cell], Age, str], Interval | float]
_LEFT_OUT = {"table_name", "daily_queue_url", "index_shards", "learn_attempts", "learn_batch"}


def by_people(cells: Sequence[Cell]) -> dict[int, list[Cell]]:
    """Returns the cells by the number of people, in ascending order."""
    return {people: [c for c in cells if c.people == people] for people in sorted({c.people for c in cells})}


def last_line(plan: Plan, cells: Sequence[Cell]) -> dict[str, Any]:
    """Returns all figures, and the settings that they hold for."""
    names = [case.value for case in plan.cases]
    figures = {
        "honest_loss_points": {name: _nested(cells, loss, name) for name in names},
        "favourite_share": {name: _nested(cells, favourite, _key(name)) for name in [NOBODY, *names]},
        "share_of_gain": {NOBODY: _nested(cells, share, _key(NOBODY))},
    }
    run = {"world": "base", "seeds": plan.seeds, "courses": 9 * plan.seeds, "days": plan.days, "before": plan.before}
    settings = plan.settings.model_dump(exclude=_LEFT_OUT)
    return run | figures | _uncapped(cells) | {"interval": "95 %, bootstrap over courses", "settings": settings}


def _uncapped(cells: Sequence[Cell]) -> dict[str, Any]:
    some = [cell for cell in cells if (Age.NEW, UNCAPPED) in cell.outcomes]
    if not some:
        return {}
    figures = {
        "people": UNCAPPED_PEOPLE,
        "per_day": UNCAPPED_PER_DAY,
        "courses": len(some),
        "honest_loss_points": {age.value: _rounded(loss(some, age, UNCAPPED)) for age in Age},
        "favourite_share": {age.value: _rounded(favourite(some, age, UNCAPPED)) for age in Age},
        "capped_loss_points": {age.value: _rounded(loss(some, age, "push")) for age in Age},
    }
    return {UNCAPPED: figures}


def _nested(cells: Sequence[Cell], figure: Figure, name: str) -> dict[str, dict[str, Any]]:
    """Returns the figure by the number of people, then by age."""
    return {
        str(people): {age.value: _rounded(figure(its, age, name)) for age in Age}
        for people, its in by_people(cells).items()
    }


def _rounded(found: Interval | float) -> dict[str, float] | float:
    if isinstance(found, float):
        return round(found, 2)
    return {name: round(value, 2) for name, value in found._asdict().items()}


def _key(name: str) -> str:
    return Play.LEARNED if name == NOBODY else name


def table(plan: Plan, cells: Sequence[Cell]) -> str:
    """Returns a Markdown table: a row for each attacker, and for each size and age of segments what it costs."""
    columns = [(its, people, age) for people, its in by_people(cells).items() for age in Age]
    titles = [f"{people} people, {age}" for _, people, age in columns]
    names = [NOBODY, *(case.value for case in plan.cases)]
    rows = [[name, *(_entry(its, age, name) for its, _, age in columns)] for name in names]
    return "\n".join(_lines([["attacker", *titles], ["---"] * (len(titles) + 1), *rows]))


def _entry(cells: Sequence[Cell], age: Age, name: str) -> str:
    best = favourite(cells, age, _key(name))
    if name == NOBODY:
        return f"share of gain {share(cells, age, Play.LEARNED).mean:.1f} %; {best:.0f} %"
    found = loss(cells, age, name)
    return f"{found.mean:.1f} ({found.low:.1f} to {found.high:.1f}); {best:.0f} %"


def _lines(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    return (f"| {' | '.join(row)} |" for row in rows)
