"""Segments of which there is something to see: days, lessons of several persons, what the guard saw."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from itertools import islice
from typing import Any

from botocore.exceptions import EndpointConnectionError
from streamlit.testing.v1 import AppTest

from lab.bench.full import lessons
from rl_core import learner
from rl_core.config import Settings, settings
from rl_core.days import Course, DayRow, DrawSums, Guard, Replay, Replayed, Weight
from rl_core.models import ACTIONS, MILLION, Action, Facts, Policy, Segment, Transition
from rl_core.store import DayTable, Store, Watch, Watermark, publish_writes
from rl_core.store.trends import trend_item
from rl_core.work import next_version
from tests.functions.conftest import NOW, SEGMENT

FINAL = NOW.date() - timedelta(days=4)
ONE = timedelta(days=1)
LIAR = b"\xaa\xbb\xcc\xdd\xee\xff\x00\x11"


def row(mean: float, users: int = 9, sessions: int = 20) -> DayRow:
    """A day whose rewards vary by 0.1 around the mean."""
    n = sessions
    sums = round(n * mean * MILLION), round(n * (mean * mean + 0.01) * MILLION**2)
    return DayRow(users, users, n, n, *sums, 7 * n, 5 * n, DrawSums(n, 0, n // 10, n * MILLION // 4))


def days(latest: float, before: float, users: int = 9) -> dict[date, DayRow]:
    """Seven days of one mean reward, and the 28 before of another."""
    return {FINAL - n * ONE: row(latest if n < 7 else before, users) for n in range(35)}


def put_days(store: Store, rows: Mapping[Segment, Mapping[date, DayRow]], final: date = FINAL) -> None:
    """TREND of all segments up to a final day."""
    for segment in Segment:
        store.call("put_item", Item=trend_item(segment, Course(final, dict(rows.get(segment, {})))))
    table = DayTable(store.name, store.client)
    mark = table.watermark()
    table.save_watermark(Watermark(final, mark.revision if mark else 0))


def teach(store: Store, versions: int, batch: int = 1, *, lies: int = 0, segment: Segment = SEGMENT) -> None:
    """So many versions of a policy; one person gives the first `lies` sessions of each version a reward of -1."""
    policy, its = store.policy(segment), lessons()
    for _ in range(versions):
        learned = list(islice(its, batch))
        for n in range(lies):
            learned[n] = replace(learned[n], key=LIAR + learned[n].key[8:], reward=-1.0)
        policy, record = next_version(policy, learned, settings())
        store.write(*publish_writes(policy, record))


def learned(n: int, best: Action = Action.MEDITATION) -> tuple[Transition, ...]:
    """So many lessons of forty persons, in which one action is worth more than the others."""
    usual = [0.6 if action is best else 0.2 for action in ACTIONS]
    facts = Facts((1,) * len(ACTIONS), tuple(round(mean * MILLION) for mean in usual))
    its = islice(lessons(), n)
    return tuple(replace(t, reward=usual[t.action] + t.reward / 5, facts=facts) for t in its)


def folded(its: tuple[Transition, ...], settings: Settings) -> Policy:
    """The policy that learned these lessons."""
    return learner.fold(Policy(SEGMENT), its, learner.fold_of(settings))


def put_guard(store: Store, replays: Mapping[Segment, Replay], weights: Mapping[Segment, Weight] | None = None) -> None:
    """What the guard saw last."""
    Watch(store, 9).save_guard(Guard(replays=replays, weights=weights or {}))


EQUAL = Replay(Replayed.EQUAL, 9, 3, NOW)


class DownForPolicies:
    """A client that cannot read a policy, and anything else."""

    def __init__(self, client: Any) -> None:
        self.client = client

    def __getattr__(self, name: str) -> Any:
        return getattr(self.client, name)

    def get_item(self, **arguments: Any) -> Any:
        if arguments["Key"]["sk"] == {"S": "POLICY"}:
            raise EndpointConnectionError(endpoint_url="http://nowhere")
        return self.client.get_item(**arguments)


def links(console: AppTest) -> list[str]:
    """The labels of the links to pages, in order."""
    return [its.proto.label for its in console.get("page_link")]
