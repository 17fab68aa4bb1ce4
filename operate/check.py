"""The commands about how the service is: `check` prints the lights, `trend` a segment's latest final days."""

import argparse
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from operate.moments import add_now, now_of
from rl_core.config import Settings
from rl_core.days import RULE, Colour, DayRow, Light, Period, Standing, recent, worst
from rl_core.models import MILLION
from rl_core.store import DayTable, Store, Watch
from rl_core.work import UNITS, look

EXIT = {Colour.GREEN: 0, Colour.YELLOW: 1, Colour.RED: 2, Colour.GREY: 3}
FAILED = 4  # the exit code of `check` when it could not look
WITHHELD = "withheld"  # no day of the week has five users


def check(store: Store, settings: Settings, options: argparse.Namespace) -> int:
    """Prints the lights: value, thresholds, since when, what to do. 0 green, 1 yellow, 2 red, 3 grey, 4 failed.

    Reads no item of a user: recomputing draws is the guard's.
    """
    watch = Watch(store, UNITS, users=False)
    seen = look(watch, settings, now_of(options))
    for light in seen.lights:
        for line in told(light, seen.guard.lights[light.name]):
            print(line)
    return EXIT[worst(light.colour for light in seen.lights)]


def told(light: Light, standing: Standing) -> Iterator[str]:
    """Yields the lines of one light."""
    rule = RULE[light.name]
    yellow, red = rule.thresholds()
    yield f"{light.colour.upper():<7}{light.name:<11}{rule.told(light.value):<12}yellow {yellow}, red {red}"
    as_of = light.as_of.isoformat() if light.as_of else "no final day yet"
    note = f"; {light.note}" if light.note else ""
    yield f"       since {standing.since.isoformat()}, as of {as_of}{note}"
    if light.segments:
        yield f"       not green: {', '.join(segment.name for segment in light.segments)}"
    if light.colour is Colour.GREY:
        yield f"       not known: {rule.grey}"
    elif light.colour is not Colour.GREEN:
        yield f"       {rule.do}"
        yield f"       python -m operate {rule.command}"


def trend(store: Store, _: Settings, options: argparse.Namespace) -> int:
    """A segment's latest final days; days of fewer than five users are pooled to weeks."""
    course = DayTable(store.name, store.client).course(options.segment)
    if course is None:
        print(f"{options.segment.value}: no day is final yet")
        return 0
    print(f"{options.segment.value}: final days up to {course.upto}")
    print(
        f"{'':<24}{'users':>7}{'sessions':>10}{'reward':>9}{'completed':>11}{'fallbacks':>11}{'tries':>7}{'entropy':>9}"
    )
    for line in rows(recent(course, course.upto, options.days)):
        print(line)
    return 0


def rows(periods: Iterable[Period]) -> Iterator[str]:
    """Yields a line for each day or week."""
    for period in periods:
        days = str(period.first) if period.first == period.last else f"{period.first} - {period.last}"
        yield f"{days:<24}{_figures(period)}"


def _figures(period: Period) -> str:
    row = period.row
    if row is None:
        return f"{WITHHELD:>7}"
    users = str(row.users) if period.first == period.last else "-"
    its = (
        f"{users:>7}{row.sessions:>10}{_share(row.rewards, row.rewarded * MILLION):>+9.3f}"
        f"{_share(row.completed, row.assigned):>11.0%}{_share(row.draws.fallbacks, row.sessions):>11.1%}"
    )
    return f"{its}{_of_drawn(row, row.draws.tries):>7.1%}{_of_drawn(row, row.draws.entropy) / MILLION:>9.3f}"


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _of_drawn(row: DayRow, part: int) -> float:
    return _share(part, row.draws.drawn)


def add_to(commands: Any, segment: Callable[[str], Any]) -> None:
    """Adds the two commands to a parser's; `segment` is the type of the segment's argument."""
    looking = commands.add_parser("check", help=check.__doc__)
    looking.set_defaults(command=check, failed=FAILED)
    add_now(looking)
    days = commands.add_parser("trend", help=trend.__doc__)
    days.set_defaults(command=trend)
    days.add_argument("segment", type=segment, help="HIGH_LOW or its whole name")
    days.add_argument("--days", type=int, default=120, help="how many")
