"""Says whether the service is well: each light has a colour, and RULES has their thresholds and what to do.

A light is grey when its value is not known. It is never green by default.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple

from rl_core.models import Rest, Segment, Word


class Colour(Word):
    GREEN = "green"
    GREY = "grey"
    YELLOW = "yellow"
    RED = "red"


_ORDER = (Colour.GREEN, Colour.GREY, Colour.YELLOW, Colour.RED)


def worst(colours: Iterable[Colour]) -> Colour:
    """Returns the worst of these colours: red, yellow, grey, green. Of none it is grey."""
    return max(colours, key=_ORDER.index, default=Colour.GREY)


class Unit(StrEnum):
    SHARE = "share"
    SECONDS = "seconds"
    COUNT = "count"
    REWARD = "reward"


class Rule(NamedTuple):
    """Says what a light measures, from where on it is yellow and red, and what to do then.

    The colour changes where the value is over `yellow` and over `red`, with `below` where it is under them. `grey` says
    when the value is not known. `command` is one of `python -m operate`, without the table.
    """

    name: str
    measures: str
    unit: Unit
    yellow: float
    red: float
    below: bool
    grey: str
    do: str
    command: str

    def colour(self, value: float | None) -> Colour:
        """Returns the colour of a value; grey without one."""
        if value is None:
            return Colour.GREY
        sign = -1 if self.below else 1
        if sign * value > sign * self.red:
            return Colour.RED
        return Colour.YELLOW if sign * value > sign * self.yellow else Colour.GREEN

    def told(self, value: float | None) -> str:
        """Returns a value of this light in words."""
        if value is None:
            return "unknown"
        if self.unit is Unit.SHARE:
            return f"{100 * value:.4g} %"
        if self.unit is Unit.SECONDS:
            return f"{value / 60:.4g} min" if value < _HOUR else f"{value / _HOUR:.4g} h"
        return f"{value:+.3f}" if self.unit is Unit.REWARD else f"{value:g}"

    def thresholds(self) -> tuple[str, str]:
        """Returns the thresholds of yellow and red in words; "never" for yellow where red begins as soon."""
        sign = "<" if self.below else ">"
        yellow, red = (f"{sign} {self.told(its) if its else 0}" for its in (self.yellow, self.red))
        return "never" if yellow == red else yellow, red


_HOUR, _MINUTE = 3600, 60
ENOUGH_DRAWN = 500  # sessions, for the tries and the entropy
LONGEST = 28  # days, in which so many have to be drawn
OTHERS = 5  # persons beside one, for that one's share to say anything
LESSONS = 200  # the latest ones of a segment
RECENT, BEFORE = 7, 28  # days that the reward compares
FEWEST_REWARDS = 30  # sessions on either side

RULES = (
    Rule(
        "fallbacks",
        "share of the last final day's sessions that were drawn evenly because no policy could be read",
        Unit.SHARE,
        0.01,
        0.05,
        False,
        "no session of that day was to be drawn from a policy",
        "mend the policy that cannot be read; if all can be read, the table was out of reach: see "
        "`PolicyFallbackAlarm`",
        "mend <segment>",
    ),
    Rule(
        "tries",
        "share of tries among the drawn sessions of the latest final days, 500 or more",
        Unit.SHARE,
        0.02,
        0.005,
        True,
        "fewer than 500 were drawn within 28 days",
        "nothing new can be found out: raise `MinProbability` (or `EpsilonMin`), or lower `ActionCooldown`; if a "
        "policy is sure of what is not so, roll it back",
        "rollback <segment> <version> --reason <words>",
    ),
    Rule(
        "entropy",
        "mean entropy of the draws of the same sessions, as a share of its maximum",
        Unit.SHARE,
        0.05,
        0.02,
        True,
        "fewer than 500 were drawn within 28 days",
        "the policies are nearly certain: see which version made them so, and roll back to the one before",
        "versions <segment>",
    ),
    Rule(
        "weight",
        "greatest share of one person in the latest 200 sessions learned in a segment, where five or more others teach",
        Unit.SHARE,
        0.10,
        0.25,
        False,
        "in no segment five or more others teach, or it could not be read within a day",
        "look who teaches so much, and exclude the person if the answers are not honest",
        "weight <segment>",
    ),
    Rule(
        "reward",
        "mean reward of a segment's latest 7 final days less that of the 28 before; not green only where the 95 % "
        "interval of the difference lies below 0",
        Unit.REWARD,
        0.0,
        -0.05,
        True,
        "fewer than five users or 30 sessions on either side",
        "see the segment's days and versions; if the policy took a wrong turn, roll it back",
        "trend <segment>",
    ),
    Rule(
        "waiting",
        "how long the oldest session waits to be closed or learned from",
        Unit.SECONDS,
        5 * _MINUTE,
        15 * _MINUTE,
        False,
        "the index could not be read",
        "see `LearnerBehindAlarm` and `LearnSilentAlarm`; a policy that cannot be read keeps its segment waiting: "
        "`replay` names it, mend it",
        "mend <segment>",
    ),
    Rule(
        "parked",
        "sessions that were set aside",
        Unit.COUNT,
        0,
        10,
        False,
        "the index could not be read",
        "remove the cause that `parked` says, then put them back with `unpark`",
        "parked",
    ),
    Rule(
        "erasures",
        "how long ago the oldest erasure, or unlearning, that waits was asked for",
        Unit.SECONDS,
        1 * _HOUR,
        24 * _HOUR,
        False,
        "the index could not be read",
        "the log of `erasure` says why; mostly a policy cannot be read: `replay` names it, mend it; see "
        "`ErasurePutOffAlarm`",
        "mend <segment>",
    ),
    Rule(
        "replay",
        "segments whose policy is not its replay from the latest snapshot, bit for bit, or cannot be read, or of whose "
        "draws one came out otherwise when it was recomputed",
        Unit.COUNT,
        0,
        0,
        False,
        "a segment was not checked to the end within a day",
        "mend a policy that cannot be read; one that differs was changed by hand: roll it back to the version before, "
        "which folds it from the records",
        "rollback <segment> <version> --reason <words>",
    ),
)
RULE = {rule.name: rule for rule in RULES}


@dataclass(frozen=True, slots=True)
class Light:
    """Holds what one light shows; `as_of` is the day or the moment that the value is of.

    `segments` are those that are not green, worst first; `values` has the value of each segment for which one is known.
    `note` says what else is to be known of the value.
    """

    name: str
    colour: Colour
    value: float | None = None
    as_of: date | datetime | None = None
    segments: tuple[Segment, ...] = ()
    note: str = ""
    values: Mapping[Segment, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Standing:
    """Holds what was seen last of a light: its colour since a moment, and the value that was read at `at`."""

    colour: Colour
    value: float | None
    since: datetime
    at: datetime


class Replayed(Word):
    """Says what the last check of a segment's policy came to."""

    EQUAL = "equal"
    DIFFERS = "differs"
    UNREADABLE = "unreadable"
    UNFINISHED = "not finished"


@dataclass(frozen=True, slots=True)
class Replay:
    """Holds the last check of a segment's policy: of which version, how many draws were recomputed, and when."""

    result: Replayed
    version: int
    draws: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Weight:
    """Holds the greatest share of one person in a segment's latest lessons, and how many others taught; no person."""

    share: float
    others: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Guard:
    """Holds what the guard saw last: each light, and by segment what is read in turn."""

    lights: Mapping[str, Standing] = field(default_factory=dict)
    replays: Mapping[Segment, Replay] = field(default_factory=dict)
    weights: Mapping[Segment, Weight] = field(default_factory=dict)
    revision: int = 0
    rest: Rest = field(default_factory=dict)

    def seen(self, lights: Iterable[Light], now: datetime) -> dict[str, Standing]:
        """Returns how these lights stand: each since it got its colour."""
        found: dict[str, Standing] = {}
        for light in lights:
            before = self.lights.get(light.name)
            since = before.since if before and before.colour == light.colour else now
            found[light.name] = Standing(light.colour, light.value, since, now)
        return found
