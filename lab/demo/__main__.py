"""`make demo`: weeks in the life of simulated people, over the real HTTP API, and what the service learned from them.

The local stack runs on a free port with a clock that is moved by hand. At each tick the people who are due open the
app, the segments side by side, the people of one segment in a fixed order: since learning is per segment, the same
seed gives the same table, however the threads interleave.
"""

from __future__ import annotations

import argparse
import signal
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from lab.demo import report
from lab.demo.consent import Held, recount, recounted, tally, what_was_said
from lab.demo.daily import daily_rows, tell_days
from lab.demo.drive import SurpriseError, User
from lab.demo.held import held
from lab.demo.log import Issued, Log
from lab.demo.plots import SHORT
from lab.demo.results import Learned, SegmentRow, Served, table, verdict
from lab.demo.steering import what_was_steered
from lab.world.people import Person, days_out, population
from lab.world.steps import steps
from lab.world.wishes import wishes
from local.clock import SteppedClock
from local.engine import EngineError
from local.known import known
from local.phone import Json, over_http
from local.stack import Stack
from rl_core.config import settings
from rl_core.learner import estimates, visits
from rl_core.models import NO_FACTS, Segment
from rl_core.store import Store

MIDNIGHT = datetime(2026, 10, 5, tzinfo=UTC)
START = MIDNIGHT + timedelta(minutes=1)  # so that no tick is in an hour's first minute, when the jobs ask every shard
TICK = timedelta(hours=3)
REPORT = Path("build/demo-report.html")
SEED, PER_SEGMENT, DAYS = 2026, 8, 30
WORKERS = 4
FINISHING = 4  # days after the last one, until the daily job has made every day final

KEPT = """The stack stays up at {url}, its clock running.
  `make console` opens the operator's console
  Ctrl-C stops the stack; the data goes with it
ready"""

# moment -> segment -> who opens the app then, in order
Diary = dict[datetime, dict[str, list[User]]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the demo; returns 0 if nothing broke, else another code."""
    parser = argparse.ArgumentParser(prog="python -m lab.demo", description="Simulated people live with the service.")
    parser.add_argument("--seed", type=int, default=SEED, help="another cast, another course")
    parser.add_argument("--days", type=int, default=DAYS, help="simulated days (from 4)")
    parser.add_argument("--people", type=int, default=PER_SEGMENT, help="people per segment")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a template parameter")
    parser.add_argument("--report", type=Path, default=REPORT, help="where the HTML report goes")
    parser.add_argument("--keep", action="store_true", help="leave the stack up, its clock running, until Ctrl-C")
    options = parser.parse_args(arguments)
    if options.days < 4 or options.people < 1:
        parser.error("at least 4 days and one person per segment")
    console = Console()
    try:
        people = population(options.seed, options.people, options.days)
        parameters = dict(pair.partition("=")[::2] for pair in options.set)
        with _users(people, options.days, options.seed, parameters) as (stack, users):
            _run(console, stack, users, options.days, options.report)
            if options.keep:
                _keep(stack, console)
    except (SurpriseError, EngineError) as error:
        Console(stderr=True).print(f"The demo broke: {error}", style="bold red", markup=False)
        return 1
    except KeyboardInterrupt:
        console.print("Stopped.")
        return 130
    return 0


def _run(console: Console, stack: Stack, users: Sequence[User], days: int, path: Path) -> None:
    """Lets the people live with the service, gathers the sessions and the policies, and writes the report."""
    began = time.monotonic()
    _live(stack, diary_of(users), console)
    stack.advance_to(stack.clock.now() + timedelta(hours=settings().session_hours + 1))
    for _ in range(FINISHING):
        stack.advance_to(stack.clock.now() + timedelta(days=1))
    sessions = _gather(users)
    for user in users:
        if user.steps.exports:
            user.take_along()
    policies = _policies(stack)
    logs = [user.log for user in users]
    table_says = held(Store(stack.table_name), logs)
    rolled_up = daily_rows(stack.table_name, START.date(), days + 3)
    _expect_learned_once(policies, sessions)
    _expect_consent(logs, table_says)
    unseen = sum(not log.counts(issued) for log in logs for issued in log.issued)
    requests = sum(user.requests for user in users)
    facts = {
        "sessions shown": f"{len(sessions):,}",
        "closed unseen": f"{unseen:,}",
        "people": f"{len(users):,}",
        "simulated days": f"{days}",
        "HTTP requests": f"{requests:,}",
        "running time": f"{time.monotonic() - began:.0f} s",
    }
    said, steered = tally(logs), what_was_steered(logs)
    report.write(path, policies, sessions, facts, rolled_up, said, steered)
    _tell(console, table(policies, sessions), facts)
    console.print(f"{steered} {what_was_said(said)} {recounted(said)}", highlight=False)
    console.print(verdict(table(policies, sessions), sessions), style="bold", highlight=False, soft_wrap=True)
    tell_days(console, rolled_up)
    console.print(f"Report: {path}", highlight=False, soft_wrap=True)


def _keep(stack: Stack, console: Console) -> None:
    """Leaves the stack up, its clock running, until Ctrl-C or a stop signal; the guard has seen each segment before."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    for _ in Segment:
        stack.advance_to(stack.clock.now() + timedelta(hours=1))
    stack.run_on()
    with known(stack), suppress(KeyboardInterrupt):
        console.print(KEPT.format(url=stack.url), highlight=False, soft_wrap=True)
        threading.Event().wait()


@contextmanager
def _users(
    people: Sequence[Person], days: int, seed: int, parameters: dict[str, str]
) -> Iterator[tuple[Stack, list[User]]]:
    """Starts the stack and yields it with a user, each with a phone, for every person."""
    with Stack(clock=SteppedClock(START), quiet=True, parameters=parameters, seed=seed, short=True) as stack:
        cooldown, asked = settings().action_cooldown, settings().consent_default == "required"
        with httpx.Client(base_url=stack.url, timeout=30.0, trust_env=False) as http:
            users = [
                User(
                    person,
                    over_http(http, stack.token(person.name)),
                    cooldown,
                    wishes(seed, person.name, days, asked),
                    steps(seed, person.name, days),
                )
                for person in people
            ]
            yield stack, users


def diary_of(users: Sequence[User]) -> Diary:
    """Returns who opens the app at which tick: each person at their own hour, rounded down to a tick."""
    diary: Diary = defaultdict(lambda: defaultdict(list))
    for user in users:
        for day in days_out(user.person):
            diary[_tick(user.person, day)][user.person.segment].append(user)
    return diary


def _tick(person: Person, day: int) -> datetime:
    """Returns the tick of the person's hour on that day.

    The first day begins a day after the clock's start, so that it has begun in no time zone before that.
    """
    local = (MIDNIGHT + timedelta(days=day + 1, hours=person.hour)).replace(tzinfo=ZoneInfo(person.timezone))
    return START + (local - MIDNIGHT) // TICK * TICK


def _live(stack: Stack, diary: Diary, console: Console) -> None:
    """Moves the clock from tick to tick; at each, the people who are due open the app."""
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[sessions]} sessions"))
    with (
        Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=console) as progress,
        ThreadPoolExecutor(WORKERS) as pool,
    ):
        visits = sum(len(users) for due in diary.values() for users in due.values())
        bar, sessions = progress.add_task("", total=visits, sessions=0), 0
        for tick, due in sorted(diary.items()):
            stack.advance_to(tick)
            sessions += sum(pool.map(lambda users, now=tick: _open_app(users, now), due.values()))
            progress.update(
                bar,
                advance=sum(map(len, due.values())),
                description=f"{tick:%a %d %b %H:%M}",
                sessions=f"{sessions:,}",
            )


def _open_app(users: Sequence[User], now: datetime) -> int:
    """Lets these people of one segment open the app one after the other; returns how many sessions they were given."""
    return sum(user.visit(now) for user in users)


def _gather(users: Sequence[User]) -> list[Served]:
    """Returns every session that was shown, in order of issue, with what the service's history says of it."""
    found = [
        (remembered["issued_at"], place, _served(issued, remembered))
        for place, user in enumerate(users)
        for issued, remembered in zip(user.log.issued, user.history(), strict=True)
        if _closed_as_it_should(user.log, issued, remembered)
    ]
    return [served for _, _, served in sorted(found, key=lambda each: each[:2])]


def _closed_as_it_should(log: Log, issued: Issued, remembered: Json) -> bool:
    """Returns whether the session was shown.

    Raises SurpriseError when the history does not say "unseen" of a session that was only prefetched, or that expired
    unanswered in a pause, "learned" of one that the person lets the service learn from, or "closed" of another one.
    """
    status = "unseen" if not log.counts(issued) else "learned" if log.teaches(issued) else "closed"
    if (remembered["session_id"], remembered["status"]) != (issued.session_id, status):
        raise SurpriseError(f"{issued.user}: session {issued.session_id} is {remembered['status']}, not {status}")
    return log.counts(issued)


def _served(issued: Issued, remembered: Json) -> Served:
    done = [activity["completed"] for activity in remembered["activities"]]
    return Served(
        user=issued.user,
        session_id=issued.session_id,
        segment=issued.segment,
        action=issued.action,
        eligible=issued.eligible,
        expected=issued.expected,
        rested=issued.rested,
        liking=issued.liking,
        reward=remembered["reward"],
        completion_rate=sum(done) / len(done),
        tried=issued.tried,
        learned=remembered["status"] == "learned",
    )


def _policies(stack: Stack) -> list[Learned]:
    """Returns what the nine policies hold at the end, for somebody who is new."""
    store = Store(stack.table_name)
    found = (store.policy(segment) for segment in Segment)
    return [
        Learned(
            segment=policy.segment.value,
            episodes=policy.episodes,
            q=estimates(policy, NO_FACTS),
            visits=visits(policy),
        )
        for policy in found
    ]


def _expect_learned_once(policies: Sequence[Learned], sessions: Sequence[Served]) -> None:
    """Raises SurpriseError unless each session that is learned is one episode of its segment (promise 1)."""
    for policy in policies:
        learned = sum(session.learned for session in sessions if session.segment == policy.segment)
        if policy.episodes != learned:
            raise SurpriseError(f"{policy.segment}: {learned} sessions are learned, {policy.episodes} episodes counted")


def _expect_consent(logs: Sequence[Log], table_says: Mapping[str, Held]) -> None:
    """Raises SurpriseError when the table has learned from somebody who did not let it."""
    if wrong := recount(logs, table_says):
        raise SurpriseError(f"the table disagrees with what people said of consent: {'; '.join(wrong[:9])}")


def _tell(console: Console, rows: Sequence[SegmentRow], facts: dict[str, str]) -> None:
    """Prints the table and the figures."""
    shown = Table(box=SIMPLE_HEAD, padding=0, pad_edge=False)
    for heading in ("Anxiety", "Activity"):
        shown.add_column(heading, no_wrap=True)
    for heading in ("\nSessions", "\nDone", "Reward\nfirst ¼", "Reward\nlast ¼", "Tries\nlast ¼"):
        shown.add_column(heading, justify="right", no_wrap=True)
    shown.add_column("\nFavourite")
    shown.add_column("Truly\nbest?")
    for row in rows:
        shown.add_row(*_cells(row))
    console.print(shown)
    console.print("; ".join(f"{label}: {figure}" for label, figure in facts.items()), highlight=False)


def _cells(row: SegmentRow) -> list[str]:
    levels = [part.split()[0] for part in row.segment.split(", ")]
    figures = [f"{row.completion_rate:.0%}", f"{row.reward_first:.3f}", f"{row.reward_last:.3f}", f"{row.tries:.0%}"]
    best = "[green]yes[/]" if row.found else f"[yellow]no: {SHORT[row.truly_best]}[/]"
    return [*levels, f"{row.sessions}", *figures, SHORT[row.favourite], best]


if __name__ == "__main__":
    sys.exit(main())
