"""docs/deploy.md's bill: every sum is done again, and what it counts is counted in the template and in the code."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from local.intrinsics import parse
from local.template import TEMPLATE, load
from rl_core.models import Segment
from rl_core.store import DAY_SHARDS, Store
from tests.conftest import ROOT, counted
from tests.functions.test_events import answer
from tests.test_operations import ALARMS, OPERATIONS, rows_of, stats_of

BILL = (ROOT / "docs" / "deploy.md").read_text().partition("## What it costs\n")[2].partition("\n## ")[0]
MINUTES = 30 * 24 * 60  # of a month
MOST = 3.0  # dollars a month of a stack that stands still, without the dashboard
Row = list[str]


def table(heading: str) -> list[Row]:
    """The cells of each row of the table under a heading, without its head."""
    part = BILL.partition(f"### {heading}\n")[2].partition("\n### ")[0]
    lines = [line for line in part.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def worth(arithmetic: str, **values: float) -> float:
    """What an arithmetic expression of the page comes to."""
    assert re.fullmatch(r"(?:[\d., x+/()su]|million)+", arithmetic), arithmetic
    plain = arithmetic.replace(",", "").replace("million", "1e6").replace("x", "*")
    return float(eval(plain, {"__builtins__": {}}, values))


def row(heading: str, beginning: str) -> Row:
    (found,) = [cells for cells in table(heading) if cells[0].startswith(beginning)]
    return found


def numbers(text: str) -> list[float]:
    return [float(it.replace(",", "")) for it in re.findall(r"[\d,]*\.?\d+", text)]


def sums() -> Iterator[tuple[str, str, str, dict[str, float]]]:
    """Each sum of both tables: what of, its arithmetic, what the page says, and the month's sessions and users."""
    for name, arithmetic, cell in table("Standing still")[:-1]:
        yield name, arithmetic, cell, {}
    for name, arithmetic, *dollars in table("In use"):
        for users, cell in zip((1_000, 100_000), dollars, strict=True):
            if arithmetic:
                yield name, arithmetic, cell, {"s": 30.0 * users, "u": float(users)}


@pytest.mark.parametrize(("name", "arithmetic", "said", "values"), list(sums()))
def test_every_sum_is_right(name: str, arithmetic: str, said: str, values: dict[str, float]) -> None:
    assert f"{worth(arithmetic, **values):.2f}" == said


def test_the_parts_add_up() -> None:
    *parts, total = table("Standing still")
    assert total[-1] == f"{sum(float(cells[-1]) for cells in parts):.2f}"
    used = table("In use")
    at = next(n for n, cells in enumerate(used) if cells[0] == "together")
    for column in (2, 3):
        assert used[at][column] == f"{sum(float(cells[column]) for cells in used[:at]):.2f}"


def test_standing_still_costs_at_most_three_dollars() -> None:
    total = table("Standing still")[-1][-1]
    assert float(total) <= MOST
    assert row("In use", "standing still")[1:] == [total] * 3


def test_the_alarms_read_so_many_metrics() -> None:
    read = sum(len(stats_of(name)) if "Metrics" in alarm else 1 for name, alarm in ALARMS.items())
    name, arithmetic, _ = row("Standing still", "alarms")
    assert numbers(name) == [read]
    assert numbers(arithmetic)[0] == read


def test_schedules_and_shards_run_so_often() -> None:
    every = [schedule.every for schedule in load().schedules]
    assert [numbers(row("Standing still", "schedules")[1])[0]] == [sum(timedelta(days=30) / it for it in every)]
    shards = 30 * 3 * DAY_SHARDS  # a run finds three days that are not final
    for beginning in ("Lambda, requests", "logs"):
        assert numbers(row("Standing still", beginning)[1])[0] == sum(timedelta(days=30) / it for it in every) + shards
    minutely = [it for it in every if it == timedelta(minutes=1)]
    assert (len(minutely), numbers(row("Standing still", "Lambda, time")[1])[0]) == (2, MINUTES)


def test_the_jobs_ask_the_index_so_often(store: Store) -> None:
    jobs = [load().functions[it.function].folder.name for it in load().schedules if it.every == timedelta(minutes=1)]
    asked = {}
    for minute in (0, 1):
        with counted(store.client) as calls:
            for job in jobs:
                answer(job, {"time": f"2026-11-23T09:0{minute}:00Z"})
        asked[minute] = calls["due"]
    month = MINUTES * asked[1] + MINUTES // 60 * (asked[0] - asked[1])
    name, arithmetic, _ = row("Standing still", "table")
    assert (numbers(name)[0], numbers(arithmetic)[0]) == (month, month)
    assert f"asks the index {asked[1]} times" in BILL
    assert f"the first of an hour {asked[0]} times" in BILL


def test_one_queue_is_asked() -> None:
    assert len(load().queues) == 1


def test_functions_have_the_memory_that_the_bill_says() -> None:
    assert {function.memory_mb for function in load().functions.values()} == {512}
    assert " x 0.5 x " in row("Standing still", "Lambda, time")[1]


def test_so_many_metrics_are_published() -> None:
    every = rows_of(OPERATIONS, "Metrics")
    of_days = {name for name in every if name.startswith("Day") and name != "DaysNotFinal"}
    assert numbers(row("In use", "metrics")[1])[0] == len(every)
    assert numbers(row("In use", "`SegmentMetrics`")[1])[0] == len(of_days) * len(Segment)


def test_nothing_that_costs_by_the_month_is_left_out() -> None:
    """Of these types a stack has none, or costs nothing for having them, or the bill has a row or a sentence."""
    resources: dict[str, Any] = parse(TEMPLATE.read_text())["Resources"]
    free = {"IAM::Policy", "Logs::LogGroup", "SNS::Topic", "SNS::Subscription", "Cognito::UserPoolClient"}
    told = {"CloudWatch::Alarm", "CloudWatch::Dashboard", "SQS::Queue", "DynamoDB::Table", "Cognito::UserPool"}
    told |= {"Serverless::Function", "Serverless::HttpApi", "Serverless::LayerVersion"}
    assert {it["Type"].removeprefix("AWS::") for it in resources.values()} == free | told
