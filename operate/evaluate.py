"""`python -m operate.evaluate`: what other policies would have earned, told from logged decisions alone.

    python -m operate.evaluate --endpoint-url http://127.0.0.1:4566                  the local stack's table
    python -m operate.evaluate --table fettle-Table --policy greedy                  a table on AWS
    python -m operate.evaluate --export folder --policy setting:min_probability=0.01 an export to S3, copied to disk
    python -m operate.evaluate --csv log.csv --policy fixed:2 --policy relearned     a CSV (columns: operate/log.py)
    python -m operate.evaluate export --out log.csv                                  the table's decisions as such a CSV

The value is that of one decision: the mean reward of a session if the policy had chosen in the very states to which
the logging policy led people (a contextual bandit). What a policy does to later states is not in it. Intervals are
95 %, users drawn anew; `gain` is the doubly robust value less the mean of what was served, and its interval.
A policy is refused, with the reason, when the log cannot support a claim about it. Exit code 0; 1 if any policy was
refused or the whole log; 2 if it could not be read.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from operate.log import Log, LogError, pseudonymous, read_csv, write_csv
from operate.log_sources import ExportedStore, Found, scanned
from operate.ope import specs
from operate.ope.calibration import Calibration, calibrate
from operate.ope.estimators import logged as logged_column
from operate.ope.judge import Estimate, RefusedError, Verdict, expect_evaluable, judge, served
from operate.ope.plots import forest
from operate.ope.sample import Sample, sample_of
from operate.ope.targets import as_of_each_decision
from operate.ope.totals import ESTIMATORS
from operate.source import LOCAL_TABLE, table_of
from rl_core.config import Settings, read_settings
from rl_core.errors import FettleError, VersionError
from rl_core.models import ACTIONS
from rl_core.store import Store

EVERYWHERE = ("uniform", *(f"fixed:{int(action)}" for action in ACTIONS), "relearned")
OF_A_TABLE = ("greedy",)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.command == "export" and options.out is None:
        parser.error("export needs --out, such as --out log.csv")
    try:
        return _export(options) if options.command == "export" else _evaluate(options)
    except RefusedError as refusal:
        print(f"refused: {refusal}", file=sys.stderr)
        return 1
    except (FettleError, LogError, specs.SpecError, OSError) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 2


def _export(options: argparse.Namespace) -> int:
    """Writes the decisions as a CSV in which a code replaces each user; notes are not in it."""
    found = _found(options)[0]
    write_csv(options.out, pseudonymous(found.rows))
    print(f"{len(found.rows)} decisions written to {options.out}; {_left_out(found.log)}")
    return 0


def _evaluate(options: argparse.Namespace) -> int:
    log, store = _read(options)
    sample, settings = sample_of(log), read_settings(table_name=options.table)
    print(f"{len(log)} decisions of {log.users} users; {_left_out(log)}")
    if store is not None:
        sample = _recomputed(sample, log, store, settings)
    expect_evaluable(sample)
    calibration, logged = calibrate(sample), served(sample, options.replicates, options.seed)
    print(_of_calibration(calibration))
    names = options.policy or [*EVERYWHERE, *(OF_A_TABLE if store else ())]
    targets = [specs.target_of(name, log, store, settings) for name in names]
    verdicts = judge(sample, targets, options.replicates, options.seed)
    _tell(logged, verdicts)
    if options.plot:
        forest(logged, verdicts).savefig(options.plot)
    if options.json:
        print(json.dumps(_figures(sample, log, calibration, logged, verdicts)))
    return 1 if any(verdict.refused for verdict in verdicts) else 0


def _recomputed(sample: Sample, log: Log, store: Store, settings: Settings) -> Sample:
    """Returns the sample with the propensities of all actions, recomputed from the policies' past.

    Prints the reason and returns the sample unchanged when they cannot be recomputed or differ from the logged ones.
    """
    try:
        every = as_of_each_decision(store, log, settings)
    except VersionError as error:
        print(f"propensities could not be recomputed: {error}")
        return sample
    differing = int((~np.isclose(logged_column(every, log.action), log.propensity, rtol=1e-9)).sum())
    if differing:
        print(f"{differing} propensities are not those of their policy version under today's settings")
        return sample
    print("every propensity is that of its policy version, recomputed")
    return replace(sample, all_propensities=every)


def _read(options: argparse.Namespace) -> tuple[Log, Store | None]:
    """Returns the log, and the store that holds the policies' past; None for a CSV, which has no store."""
    if options.csv is not None:
        return read_csv(options.csv), None
    found, store = _found(options)
    return found.log, store


def _found(options: argparse.Namespace) -> tuple[Found, Store]:
    if options.export is not None:
        exported = ExportedStore(options.export)
        return exported.found(), exported
    store = table_of(options.table, options.endpoint_url).store()
    return scanned(store), store


def _left_out(log: Log) -> str:
    counted = ", ".join(f"{count} {reason}" for reason, count in log.left_out.items())
    return f"left out: {counted}" if counted else "none left out"


def _of_calibration(calibration: Calibration) -> str:
    tests = len(calibration.counts)
    if not tests:
        return "too few draws to tell whether the propensities match them"
    return f"propensities match what was drawn: {tests} comparisons, smallest p times {tests} = {calibration.p:.2g}"


def _tell(logged: Estimate, verdicts: Sequence[Verdict]) -> None:
    """Prints a table with a line for each policy."""
    width = max(len("policy"), *(len(verdict.name) for verdict in verdicts))
    heads = "".join(f"  {name:<22}" for name in (*ESTIMATORS, "gain (DR)"))
    print(f"{'policy':<{width}}{heads}  sample size  largest weight")
    print(f"{'logged':<{width}}  {_text(logged)}")
    for verdict in verdicts:
        print(f"{verdict.name:<{width}}  {_line(verdict)}")


def _line(verdict: Verdict) -> str:
    if verdict.refused:
        return f"refused: {verdict.refused}"
    cells = [*(verdict.value[name] for name in ESTIMATORS), verdict.gain["DR"]]
    shown = "  ".join(f"{_text(cell):<22}" for cell in cells)
    noted = f"  ({verdict.caution})" if verdict.caution else ""
    return f"{shown}  {verdict.sample_size:>11.0f}  {verdict.largest_weight:>14.1f}{noted}"


def _text(estimate: Estimate) -> str:
    return f"{estimate.value:.3f} [{estimate.low:.3f}, {estimate.high:.3f}]"


def _figures(
    sample: Sample, log: Log, calibration: Calibration, logged: Estimate, verdicts: Sequence[Verdict]
) -> dict[str, object]:
    """Returns all results as values for JSON."""
    return {
        "decisions": len(log),
        "users": sample.users,
        "left_out": dict(log.left_out),
        "calibration": [asdict(count) | {"p": count.p} for count in calibration.counts],
        "logged": asdict(logged),
        "policies": [asdict(verdict) for verdict in verdicts],
    }


def _parser() -> argparse.ArgumentParser:
    about, forms = argparse.RawDescriptionHelpFormatter, specs.__doc__ or ""
    name = "python -m operate.evaluate"
    parser = argparse.ArgumentParser(name, description=__doc__, epilog=forms, formatter_class=about)
    parser.add_argument("command", nargs="?", choices=("values", "export"), default="values")
    parser.add_argument("--table", default=os.environ.get("TABLE_NAME", LOCAL_TABLE), help="else TABLE_NAME's")
    parser.add_argument("--endpoint-url", help="of the local stack's data; AWS without")
    parser.add_argument("--export", type=Path, help="a folder with an export of the table to S3, DYNAMODB_JSON")
    parser.add_argument("--csv", type=Path, help="a CSV of logged decisions")
    parser.add_argument("--policy", action="append", help="may be repeated; see below")
    parser.add_argument("--replicates", type=int, default=1000, help="of the bootstrap")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--plot", type=Path, help="values and intervals as a picture, by its suffix .svg or .png")
    parser.add_argument("--json", action="store_true", help="a last line with all figures")
    parser.add_argument("--out", type=Path, help="where export writes")
    return parser


if __name__ == "__main__":
    sys.exit(main())
