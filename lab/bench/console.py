"""`make bench-console`: what each screen of the operator's console reads at a million sessions, and how long it takes.

The table is filled by a script. One segment has every version: the record of each, and a snapshot each hundred. Of the
other eight it has the policy, as large and with as high a version, and the latest records, which are all that a screen
reads of them. Each has TREND of 120 days, in which half a million sessions fall on a day; there are 300 acts of
operators, and 120 sessions that were set aside. Then a user draws plans over the API, and an operator looks at every
screen.
"""

import argparse
import json
import logging
import re
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import httpx
from streamlit.testing.v1 import AppTest

from lab.bench.erasure import store_all
from lab.bench.full import lessons, trend
from local.clock import SteppedClock
from local.phone import Json, Phone, bodies, ids, over_http
from local.stack import Stack
from local.units import Units
from operate.console import seat
from operate.source import Source
from rl_core.config import Settings, read_settings
from rl_core.models import Act, Policy, Segment
from rl_core.store import DayTable, Store, Watch, Watermark
from rl_core.store.audit import act_item
from rl_core.store.fields import Item
from rl_core.store.items import session_item
from rl_core.store.policies import SNAPSHOT_EVERY, policy_item, record_item, snapshot_item
from rl_core.work import UNITS, look, next_version

WHOLE = Segment.HIGH_LOW
NOW = datetime(2026, 11, 23, 8, 1, tzinfo=UTC)
MOST = 40.0  # read units of a view
LATEST = 400  # versions of the other segments; no screen reads more of one
ACTS, PARKED = 300, 120
USER, SESSIONS = "ana", 12
_READ = re.compile(r"with ([\d.]+) of ([\d.]+) read units")
_AT_ONCE = 5_000  # items that are made before they are written


@dataclass(frozen=True, slots=True)
class View:
    """Names a way to look: a screen, its query, and what is typed in and pressed; `says` is among what it then says."""

    name: str
    screen: str
    says: str
    query: tuple[tuple[str, str], ...] = ()
    presses: str = ""
    types: tuple[str, int] | None = None
    most: float = MOST


SEGMENT = ("segment", WHOLE.name)
VIEWS = (
    View("Now", "Now", "Well"),
    View("Now, checked", "Now", "Well", presses="Check now", most=UNITS),
    View("Segments", "Segments", "Sessions learned"),
    View("Segment, by day", "Segment", "Mean reward", (SEGMENT,)),
    View("Segment, persons", "Segment", "Who taught the latest 200 sessions", (SEGMENT, ("why", "weight"))),
    View("Segment, Q-table", "Segment", "What it expects of each action", (SEGMENT, ("tab", "Q-table"))),
    View("Segment, versions", "Segment", "newest first", (SEGMENT, ("tab", "Versions"))),
    View("Segment, older versions", "Segment", "newest first", (SEGMENT, ("tab", "Versions"), ("before", "1000"))),
    View("Decision", "Decision", "with a chance of", types=(USER, SESSIONS)),
    View("Days", "Days", "GAD-7"),
    View("Days, 120", "Days", "GAD-7", (("days", "120"),)),
    View("Audit", "Audit", "exclude"),
)


class Seen(NamedTuple):
    """Says what a view read, by its own words and by the bill, and how long it took.

    The bill has what shows the progress of a fold as well, which reads for itself.
    """

    view: str
    units: float
    most: float
    billed: float
    seconds: float


# What is there.


def fill(store: Store, settings: Settings, sessions: int) -> None:
    """Puts what so many sessions leave of what the screens read, but for the users' items."""
    each = sessions // len(Segment)
    for segment in Segment:
        _put(store, _past(segment, settings, each, each if segment is WHOLE else min(LATEST, each)))
        _put(store, iter([trend(segment, NOW.date() - timedelta(days=4))]))
    DayTable(store.name, store.client).save_watermark(Watermark(NOW.date() - timedelta(days=4), 0))
    _put(store, (act_item(act) for act in _acts()))
    watch = Watch(store, UNITS, users=False)
    watch.save_guard(look(watch, settings, NOW).guard)


def _past(segment: Segment, settings: Settings, versions: int, latest: int) -> Iterator[Item]:
    """Yields the policy at its version, and the latest records and snapshots."""
    first = versions - latest
    policy, its = Policy(segment, version=first, episodes=first), lessons()
    if first:
        yield snapshot_item(policy)
    for _ in range(latest):
        policy, record = next_version(policy, [next(its)], settings)
        yield record_item(segment, record)
        if policy.version % SNAPSHOT_EVERY == 0:
            yield snapshot_item(policy)
    yield policy_item(policy)


def _acts() -> Iterator[Act]:
    segments = list(Segment)
    for n in range(ACTS):
        segment, person = segments[n % len(segments)], n.to_bytes(8, "big") if n % 2 else b""
        what = "exclude" if person else "rollback"
        words = {"before": f"version {n}, {n} episodes", "after": f"version {n + 1}", "reason": "said why. " * 50}
        at = NOW - timedelta(hours=7 * (ACTS - n))
        yield Act(f"{n:08x}", at, "arn:aws:iam::123456789012:user/operator", what, segment, person=person, **words)


def live(stack: Stack, store: Store, settings: Settings) -> None:
    """Lets a user have sessions over the API, and sets sessions aside."""
    with httpx.Client(base_url=stack.url, timeout=60.0, trust_env=False) as http:
        phone: Phone[Json] = Phone(bodies(over_http(http, stack.token(USER))))
        phone.put_profile(segment=WHOLE.value)
        for _ in range(SESSIONS):
            plan = phone.recommend()
            phone.batch([{"activity_id": activity, "completed": True} for activity in ids(plan)])
    session = store.session(USER, 1)
    assert session is not None
    aside = (replace(session, number=1_000 + n, parked="the table refuses it") for n in range(PARKED))
    _put(store, (session_item(its, settings.index_shards) for its in aside))


def _put(store: Store, items: Iterator[Item]) -> None:
    made: list[Item] = []
    for item in items:
        made.append(item)
        if len(made) == _AT_ONCE:
            store_all(store, made)
            made.clear()
    store_all(store, made)


# What is looked at.


def _script(screen: str) -> None:
    """What Streamlit runs; its source is taken out of this file, hence the import."""
    from operate.console.frame import run

    run(screen)


def seen(view: View, units: Units) -> Seen:
    """Looks once, and returns what that took. Raises AssertionError when the screen does not say what it read."""
    console = AppTest.from_function(_script, args=(view.screen,), default_timeout=120)
    for name, value in view.query:
        console.query_params[name] = value
    units.take()
    began = time.monotonic()
    console.run()
    if view.types:
        console.text_input[0].input(view.types[0])
        console.number_input[0].set_value(view.types[1])
    if view.presses or view.types:
        button = next(each for each in console.button if not view.presses or each.label == view.presses)
        units.take()
        began = time.monotonic()
        button.click().run()
    seconds = time.monotonic() - began
    assert not console.exception, f"{view.name}: {console.exception[0].message}"
    assert not console.error, f"{view.name}: {console.error[0].value}"
    assert view.says in _words(console), f"{view.name} does not say {view.says!r}"
    said = [found for its in console.caption if (found := _READ.search(its.value))]
    assert said, f"{view.name} does not say what it read"
    return Seen(view.name, float(said[-1][1]), float(said[-1][2]), units.take()[0], seconds)


def _words(console: AppTest) -> str:
    blocks = (console.title, console.subheader, console.markdown, console.caption)
    return "\n".join(str(each.value) for block in blocks for each in block)


def measure(sessions: int, folder: Path) -> list[Seen]:
    """Starts a stack, fills its table, and looks at every screen."""
    clock = SteppedClock(NOW)
    with Stack(clock=clock, quiet=True, folder=folder, parameters={"SessionsPerDay": "1000"}) as stack:
        store, settings = Store(stack.table_name), read_settings(table_name=stack.table_name)
        began = time.monotonic()
        fill(store, settings, sessions)
        print(f"the table is filled in {time.monotonic() - began:.0f} s", flush=True)
        live(stack, store, settings)
        seat.take(Source(store.name, store.client, NOW + timedelta(minutes=5) - datetime.now(UTC), local=True))
        units = Units(store.client)
        return [seen(view, units) for view in VIEWS]


def main() -> int:
    """Prints a line for each view, and all figures as JSON at the end; returns 1 if a view read too much."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=1_000_000)
    options = parser.parse_args()
    logging.disable(logging.WARNING)  # Streamlit warns of each page that is run without a browser
    with tempfile.TemporaryDirectory(prefix="fettle-console-") as folder:
        found = measure(options.sessions, Path(folder))
    for its in found:
        print(f"{its.view:<26} {its.billed:>6.1f} of {its.most:>3.0f} units  {its.seconds:>6.2f} s")
    print(json.dumps({its.view: {"units": its.billed, "seconds": round(its.seconds, 2)} for its in found}))
    return int(any(its.billed > its.most for its in found))


if __name__ == "__main__":
    sys.exit(main())
