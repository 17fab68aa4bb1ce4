"""Names every kind of item that is held of a user, and reads a user's items in the order of their keys.

Whoever adds a kind of item under a user adds its line to KINDS; the export then needs a form for it, as a test says.
An erasure removes whatever is under the user, whether it has a line here or not.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from rl_core.errors import ErasingError
from rl_core.store import keys
from rl_core.store.assessments import read_assessment
from rl_core.store.budget import ReadBudget
from rl_core.store.consents import read_request, read_statement
from rl_core.store.day_table import read_absence
from rl_core.store.fields import Stored
from rl_core.store.items import read_profile, read_session, read_user_day
from rl_core.store.table import Table, between

_MOST = 100  # items of one query
_NUMBER, _DATE = r"[0-9]{8}", r"[0-9]{4}-[0-9]{2}-[0-9]{2}"


class Kind(NamedTuple):
    """Describes one kind of a user's items: its name, the sort keys that it has, and how an item is read.

    `read` raises UnreadableItemError for an item that cannot be parsed.
    """

    name: str
    sort_key: re.Pattern[str]
    read: Callable[[Stored], Any]


def _kind(name: str, prefix: str, number: str, read: Callable[[Stored], Any]) -> Kind:
    return Kind(name, re.compile(f"{re.escape(prefix)}({number})", re.ASCII), read)


KINDS = (
    _kind("absence", keys.AWAY_PREFIX, _DATE, read_absence),
    _kind("assessment", keys.ASSESSMENT_PREFIX, _DATE, read_assessment),
    _kind("consent", keys.CONSENT_PREFIX, _NUMBER, read_statement),
    _kind("unlearning", keys.REQUEST_SK, "", read_request),
    _kind("day", keys.DAY_PREFIX, _DATE, read_user_day),
    _kind("session", keys.SESSION_PREFIX, _NUMBER, read_session),
    _kind("profile", keys.PROFILE_SK, "", read_profile),
)


def kind_of(sk: str) -> Kind | None:
    """Returns the kind of the item with this sort key; None for one that only a newer release knows."""
    return next((kind for kind in KINDS if kind.sort_key.fullmatch(sk)), None)


def number_of(sk: str) -> str | None:
    """Returns the number or the date in a sort key of a known kind, a number without zeros before it; else None."""
    kind = kind_of(sk)
    found = kind.sort_key.fullmatch(sk) if kind else None
    its = found[1] if found else ""
    return (its.lstrip("0") or "0") if its.isdigit() else its or None


def own_items(table: Table, user: str, after: str, budget: ReadBudget) -> Iterator[tuple[str, Stored]]:
    """Yields the sort key and item of all that is held of the user but the profile, in the order of the keys.

    Begins behind the sort key `after`; the empty one is before all. Ends early when the budget might not cover the next
    item, however large that is.
    """
    query = between(keys.user_pk(user), f"{after} ", keys.BEFORE_PROFILE)
    while count := budget.sessions(_MOST):
        answer = table.call("query", budget, **query, Limit=count)
        yield from ((item["sk"]["S"], item) for item in answer["Items"])
        if "LastEvaluatedKey" not in answer:
            return
        query["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


def own_profile(table: Table, user: str) -> Stored | None:
    """Returns the item in the profile's place, which may be one that cannot be parsed; None if there is none.

    Raises ErasingError when the user is being erased.
    """
    item = table.get(keys.user_pk(user), keys.PROFILE_SK)
    if item is not None and "erasing" in item:
        raise ErasingError
    return item
