"""Holds logged decisions, one row for each session that was decided and closed, and reads and writes them as CSV.

| column | meaning |
|---|---|
| user | whose: the subject, or a code that an export put in its place |
| session | the user's session number |
| segment | code of the segment, such as HIGH_LOW |
| state | row of the Q-table, 0-8: engagement level * 3 + motivation level |
| eligible | the actions that could be drawn, one digit each, such as 01345 |
| action | the action drawn, 0-5 |
| propensity | the probability with which it was drawn; empty: not recorded |
| epsilon | the share of decisions that was drawn evenly at the time; empty: not recorded |
| version | version of the policy that decided |
| explored | 1 if another action was held for better, or all alike |
| fallback | 1 if no policy could be read: a uniform draw that is not learned from |
| reward | the session's reward |
| next | state row at the closing |
| barred | the actions that the cool-down bars in the next state, one digit each |
| learned | version of the policy that learned from it; empty: not learned yet |
| facts | what the draw knew of the person, in the four parts of `rl_core.models.Facts`; empty: not recorded |

A CSV needs all columns in its first line, in any order; only `facts` may be missing, as it is from CSVs of an earlier
form. Between its parts is a semicolon, between numbers a space: `1 0 0 0 0 0;450000 0 0 0 0 0;0 0 0 0 0 0;0`. Notes,
times, ratings and activities are not in a CSV.
"""

from __future__ import annotations

import csv
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random, SystemRandom
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rl_core.models import ACTIONS, LATEST, STATES, Action, Facts, Segment

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

SEGMENTS = tuple(Segment)
FALLBACK = "fallback"
_LATER = {"facts"}  # columns that a CSV of an earlier form does not have


class LogError(Exception):
    """Raised when a log cannot be read; the message says where."""


class Row(NamedTuple):
    """One logged decision; the columns are those of the module's docstring."""

    user: str
    session: int
    segment: Segment
    state: int
    eligible: tuple[int, ...]
    action: int
    propensity: float
    epsilon: float
    version: int
    explored: bool
    fallback: bool
    reward: float
    next: int
    barred: tuple[int, ...]
    learned: int | None
    facts: Facts | None = None


@dataclass(frozen=True)
class Log:
    """Holds n logged decisions as columns, sorted by user and session, without fallback sessions.

    `user` is 0..users-1, `segment` an index into SEGMENTS, `eligible` and `barred` have shape (n, 6), all others (n,).
    `propensity` and `epsilon` are NaN where not recorded, `learned` is 0 where not learned yet, `facts` None where not
    recorded. `left_out` counts the sessions that were found and are not here, by reason.
    """

    user: Ints
    session: Ints
    segment: Ints
    state: Ints
    eligible: Bools
    action: Ints
    propensity: Floats
    epsilon: Floats
    version: Ints
    explored: Bools
    reward: Floats
    next_state: Ints
    barred: Bools
    learned: Ints
    facts: tuple[Facts | None, ...]
    left_out: Mapping[str, int]

    def __len__(self) -> int:
        return len(self.action)

    @property
    def users(self) -> int:
        return int(self.user.max()) + 1 if len(self) else 0


def log_of(rows: Iterable[Row], left_out: Mapping[str, int] | None = None) -> Log:
    """Returns the rows as columns; fallback sessions are left out and counted."""
    every = sorted(rows, key=lambda row: (row.user, row.session))
    kept = [row for row in every if not row.fallback]
    counts = Counter(left_out or {})
    counts[FALLBACK] += len(every) - len(kept)
    codes = {user: code for code, user in enumerate(dict.fromkeys(row.user for row in kept))}
    return Log(
        user=_ints(codes[row.user] for row in kept),
        session=_ints(row.session for row in kept),
        segment=_ints(SEGMENTS.index(row.segment) for row in kept),
        state=_ints(row.state for row in kept),
        eligible=_mask(row.eligible for row in kept),
        action=_ints(row.action for row in kept),
        propensity=np.array([row.propensity for row in kept], float),
        epsilon=np.array([row.epsilon for row in kept], float),
        version=_ints(row.version for row in kept),
        explored=np.array([row.explored for row in kept], bool),
        reward=np.array([row.reward for row in kept], float),
        next_state=_ints(row.next for row in kept),
        barred=_mask(row.barred for row in kept),
        learned=_ints(row.learned or 0 for row in kept),
        facts=tuple([row.facts for row in kept]),
        left_out={reason: count for reason, count in sorted(counts.items()) if count},
    )


def _ints(values: Iterable[int]) -> Ints:
    return np.fromiter(values, np.int64)


def _mask(sets: Iterable[Sequence[int]]) -> Bools:
    return np.array([[a in chosen for a in ACTIONS] for chosen in sets], bool).reshape(-1, len(ACTIONS))


def pseudonymous(rows: Sequence[Row], rng: Random | None = None) -> list[Row]:
    """Returns the rows with a random code in place of each user; the codes differ from call to call.

    The result is not anonymous: whoever knows a person's plans can still find that person.
    """
    users = sorted({row.user for row in rows})
    (rng or SystemRandom()).shuffle(users)
    codes = {user: f"u{code:06d}" for code, user in enumerate(users, start=1)}
    return sorted(row._replace(user=codes[row.user]) for row in rows)


def write_csv(path: Path, rows: Iterable[Row]) -> None:
    """Writes the rows as a CSV, floats with all their digits."""
    with path.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(Row._fields)
        out.writerows(_cells(row) for row in rows)


def _cells(row: Row) -> list[str]:
    """Returns the row as texts, in the order of the columns."""
    texts = row._asdict() | {
        "segment": row.segment.name,
        "eligible": _digits(row.eligible),
        "barred": _digits(row.barred),
        "explored": int(row.explored),
        "fallback": int(row.fallback),
        "learned": "" if row.learned is None else row.learned,
        "facts": "" if row.facts is None else _told(row.facts),
    }
    return ["" if value != value else str(value) for value in texts.values()]


def _told(facts: Facts) -> str:
    parts = (facts.counts, facts.sums, facts.earlier, facts.latest)
    return ";".join(" ".join(str(int(number)) for number in part) for part in parts)


def _digits(actions: Iterable[int]) -> str:
    return "".join(str(int(a)) for a in actions)


def read_csv(path: Path) -> Log:
    """Reads the log from a CSV. Raises LogError with the line that is wrong."""
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        missing = sorted(set(Row._fields) - _LATER - set(reader.fieldnames or ()))
        if missing:
            raise LogError(f"{path}: no column {', '.join(missing)}")
        return log_of([_parsed(path, reader.line_num, cells) for cells in reader])


def _parsed(path: Path, line: int, cells: Mapping[str, str]) -> Row:
    try:
        return _row(cells)
    except (ValueError, KeyError, TypeError) as error:
        raise LogError(f"{path}, line {line}: {error}") from error


def _row(cells: Mapping[str, str]) -> Row:
    return Row(
        user=cells["user"],
        session=int(cells["session"]),
        segment=Segment[cells["segment"]],
        state=_below(STATES, cells["state"]),
        eligible=_actions(cells["eligible"]),
        action=_below(len(ACTIONS), cells["action"]),
        propensity=_number(cells["propensity"]),
        epsilon=_number(cells["epsilon"]),
        version=int(cells["version"]),
        explored=_flag(cells["explored"]),
        fallback=_flag(cells["fallback"]),
        reward=_finite(cells["reward"]),
        next=_below(STATES, cells["next"]),
        barred=_actions(cells["barred"]),
        learned=int(cells["learned"]) if cells["learned"] else None,
        facts=_facts(cells["facts"]) if cells.get("facts") else None,
    )


def _facts(text: str) -> Facts:
    """Returns the facts of a cell. Raises ValueError for a text that holds none."""
    counts, sums, earlier, latest = (tuple(int(number) for number in part.split()) for part in text.split(";"))
    if {len(counts), len(sums), len(earlier)} != {len(ACTIONS)} or len(latest) > LATEST:
        raise ValueError(f"{text!r} are no facts of {len(ACTIONS)} actions and the {LATEST} latest ones")
    return Facts(counts, sums, earlier, tuple(map(Action, latest)))


def _below(limit: int, text: str) -> int:
    if not 0 <= int(text) < limit:
        raise ValueError(f"{text} is not within 0-{limit - 1}")
    return int(text)


def _actions(text: str) -> tuple[int, ...]:
    return tuple(_below(len(ACTIONS), digit) for digit in text)


def _flag(text: str) -> bool:
    if text not in ("0", "1"):
        raise ValueError(f"{text!r} is neither 0 nor 1")
    return text == "1"


def _number(text: str) -> float:
    return _finite(text) if text else math.nan


def _finite(text: str) -> float:
    if not math.isfinite(value := float(text)):
        raise ValueError(f"{text} is not a finite number")
    return value
