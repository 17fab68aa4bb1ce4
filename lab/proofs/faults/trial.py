"""Runs a scenario under every fault: the client repeats its request, the jobs run, and the tables are compared."""

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing import get_context
from typing import Any, NamedTuple

from lab.proofs.faults.bench import Bench, Item, bench
from lab.proofs.faults.calls import Call, Scenario
from lab.proofs.faults.client import Fault, Kind
from lab.proofs.faults.outcome import Outcome, broken, differences, outcome, unaudited
from lab.proofs.faults.scenarios import SCENARIOS

_TRIES = 5
_READS_OF_POLICY = ("get_item SEGMENT#", "query SEGMENT#")
_READS = ("get_item", "batch_get_item", "query")
_UNREADABLE = {Kind.BEFORE, Kind.AFTER, Kind.TIMEOUT, Kind.THROTTLE}
_DONE = {200, 204}
_LEASE = timedelta(minutes=16)  # a run that was killed leaves its work to the next one after the function's timeout


@dataclass(frozen=True, slots=True)
class Report:
    """Reports one fault: `violations` says what differs from the run without the fault."""

    scenario: str
    call: str
    kind: Kind
    violations: tuple[str, ...]

    @property
    def fault(self) -> str:
        """Returns the fault in words; they are unique among all faults."""
        return f"{self.scenario}: {self.call} {self.kind}"

    def __str__(self) -> str:
        return f"{self.fault}:\n" + "\n".join(f"    {line}" for line in self.violations)


class Share(NamedTuple):
    """The reports of one process on one scenario, and how many calls the scenario makes."""

    scenario: str
    calls: int
    reports: tuple[Report, ...]


class Trial:
    """Holds one scenario, the table before it, and the table after it when nothing fails."""

    def __init__(self, bench: Bench, scenario: Scenario) -> None:
        self._bench, self._scenario = bench, scenario
        bench.restore([])
        self._answer: Any = None
        self._call: Call = scenario.prepare(bench)
        self._before = bench.items()
        if errors := self._attempt(None):
            raise RuntimeError(f"{scenario.name} fails without a fault: {errors}")
        self.calls = tuple(bench.client.calls)
        self._said: Any = self._answer
        self._after: list[Item] = self._finish()
        if errors := broken(self._after) + unaudited(self._after):
            raise RuntimeError(f"{scenario.name} leaves without a fault: {errors}")
        bench.jobs(self._call.jobs_at + timedelta(minutes=1))
        if differences(self._seen(self._after, False), self._seen(bench.items(), False)):
            raise RuntimeError(f"{scenario.name}: the jobs do not come to rest without a fault")

    def run(self, kinds: Iterable[Kind] = tuple(Kind), first: int = 0, step: int = 1) -> Iterator[Report]:
        """Injects every fault of these kinds at every call that the scenario wants to fail, and yields the reports.

        `first` and `step` select every step-th fault, for one of several processes.
        """
        faults = [
            Fault(kind, at)
            for kind in kinds
            for at, call in enumerate(self.calls)
            if not call.startswith(_READS) or (kind is not Kind.REPEAT and at % self._scenario.reads == 0)
        ]
        for fault in faults[first::step]:
            call = f"call {fault.at} ({self.calls[fault.at]})"
            yield Report(self._scenario.name, call, fault.kind, tuple(self._under(fault)))

    def _under(self, fault: Fault) -> list[str]:
        """Injects the fault and returns what is wrong afterwards."""
        self._bench.restore(self._before)
        self._answer = None
        wrong = self._struck_by(fault)
        after = self._finish()
        fell_back = [i for i in after if "fallback" in i]
        redrawn = bool(fell_back) and self._may_fall_back(fault)
        if not redrawn:
            wrong += [f"answer.{line}" for line in differences(self._said or {}, self._answer or {})]
        return (
            wrong
            + broken(after)
            + unaudited(after)
            + differences(self._seen(self._after, redrawn), self._seen(after, redrawn))
        )

    def _struck_by(self, fault: Fault) -> list[str]:
        """Makes the call under the fault, repeats it as a client does, and returns what is wrong with its course."""
        wrong: list[str] = []
        call = self._call
        if fault.kind.kills:
            errors = ["killed"]
            if not self._bench.invoke_and_die(call.function, call.event, fault, self._scenario.between):
                return ["the process was not killed"]
        else:
            errors = self._attempt(fault)
            if not self._bench.client.struck:
                return ["the fault did not strike"]
            wrong += [e for e in errors if e.startswith("raised") and not call.is_job]
        for _ in range(_TRIES):
            if not errors:
                return wrong
            errors = self._attempt(None)
        return [*wrong, f"not done after {_TRIES} more tries: {errors}"] if errors else wrong

    def _may_fall_back(self, fault: Fault) -> bool:
        """Returns whether the fault kept a recommendation from reading the policy: the plan is then drawn at random."""
        reads = self.calls[fault.at].startswith(_READS_OF_POLICY)
        return reads and fault.kind in _UNREADABLE and self._call.function == "Recommend"

    def _attempt(self, fault: Fault | None) -> list[str]:
        """Calls the function once, and returns the errors that keep the call from being done."""
        try:
            answer: Any = self._bench.invoke(self._call.function, self._call.event, fault, self._scenario.between)
        except Exception as error:
            return [f"raised {type(error).__name__}: {error}"]
        if self._call.is_job:
            return []
        if answer["statusCode"] in _DONE:
            self._answer = json.loads(answer.get("body") or "{}")
            self._answer.pop("training_metrics", None)  # says "applied" or "queued"; both are right
            return []
        return [f"{answer['statusCode']}: {answer.get('body')}"]

    def _finish(self) -> list[Item]:
        """Has done, after the call, whatever comes between in any case; then runs the jobs once, and again where an
        erasure has to wait. Returns the table after them.
        """
        if self._scenario.between:
            self._scenario.between(self._bench)
        self._bench.jobs(self._call.jobs_at)
        items = self._bench.items()
        if not any(i.get("due_shard", {"S": ""})["S"].startswith("erasing#") for i in items):
            return items
        self._bench.jobs(self._call.jobs_at + _LEASE)
        return self._bench.items()

    def _seen(self, items: list[Item], redrawn: bool) -> Outcome:
        return outcome(items, ordered=self._scenario.ordered, fallback=redrawn)


def run_share(first: int, step: int, backups: bool) -> list[Share]:
    """Injects every step-th fault of each scenario, on a bench of this process, and prints each violation at once."""
    shares = []
    with bench() as own:
        for scenario in (each for each in SCENARIOS if backups or not each.backups):
            trial, reports = Trial(own, scenario), []
            for report in trial.run(first=first, step=step):
                reports.append(report)
                if report.violations:
                    print(report, flush=True)
            shares.append(Share(scenario.name, len(trial.calls), tuple(reports)))
    return shares


def run_all(every: int = 1, *, backups: bool) -> list[Share]:
    """Injects every fault of each scenario, or one in `every`, with a bench in each of several processes.

    Without `backups` leaves out the scenarios that need point-in-time recovery.
    """
    workers = min(4, os.cpu_count() or 1)
    firsts = range(0, workers * every, every)
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        found = pool.map(run_share, firsts, [workers * every] * workers, [backups] * workers)
        return [_joined(shares) for shares in zip(*found, strict=True)]


def _joined(shares: Sequence[Share]) -> Share:
    """Returns one share with the reports of all these shares of one scenario."""
    return shares[0]._replace(reports=tuple(report for share in shares for report in share.reports))
