"""`make bench-coldstart`: each request handler's init beside `python` + `boto3.client("dynamodb")`, alternately.

Both start from nothing and end when they are ready, the handler's own client included. `--count` adds what each
technique is worth, in instructions; the last line is JSON. Fails when the slowest takes more than 1.5 times the client
on the functions' Python; on another one it only measures.
"""

import argparse
import json
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from lab.bench.coldstart import techniques
from lab.bench.coldstart.emulated import init_seconds
from lab.bench.coldstart.measure import alternately, bare, init, instructions, ratio
from lab.bench.coldstart.sandbox import ROOT, Sandbox, SandboxError, interpreter, make, request_handlers

AT_MOST = 1.5
FOLDER = ROOT / "build" / "coldstart"
TARGET = "python3.13"

console = Console(width=110)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures, and prints tables and the JSON line; returns 1 when a handler is too slow, 2 when it cannot measure."""
    parser = argparse.ArgumentParser(prog="python -m lab.bench.coldstart", description=__doc__)
    parser.add_argument("--python", default="", help=f"the Python to measure; else {TARGET}, else this one")
    parser.add_argument("--layer", type=Path, help="a built layer's `python` folder; else one is put together")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--count", action="store_true", help="count instructions, technique by technique (valgrind)")
    options = parser.parse_args(arguments)
    try:
        return _bench(options)
    except SandboxError as error:
        print(f"bench-coldstart: {error}", file=sys.stderr)
        return 2


def _bench(options: argparse.Namespace) -> int:
    python = interpreter(options.python) if options.python else _target()
    sandbox = make(FOLDER, python, options.layer and options.layer.resolve())
    result: dict[str, Any] = {"python": python.name, "layer": "built" if options.layer else "put together here"}
    result |= _times(sandbox, options.rounds) | _emulated(sandbox, options.rounds)
    if options.count:
        result["instructions"] = _counted(sandbox)
    print(json.dumps(result))
    return int(python.name == TARGET and result["worst_ratio"] > AT_MOST)


def _target() -> Path:
    try:
        return interpreter(TARGET)
    except SandboxError:
        console.print(f"{TARGET}, the functions' Python, is not here: measured on this one instead, without the limit.")
        return interpreter(sys.executable)


def _times(sandbox: Sandbox, rounds: int) -> dict[str, Any]:
    """Measures whole processes by wall clock and CPU time, prints the table, and returns its figures."""
    names = request_handlers()
    client, *handlers = alternately([bare(sandbox), *(init(sandbox, name) for name in names)], rounds)
    wall = {name: ratio(its.wall, client.wall) for name, its in zip(names, handlers, strict=True)}
    cpu = {name: ratio(its.cpu, client.cpu) for name, its in zip(names, handlers, strict=True)}
    table = _table(f"Whole process, {rounds} rounds", "ms", "x", "CPU ms", "x CPU")
    table.add_row("boto3's client", _ms(client.wall), "1.00", _ms(client.cpu), "1.00")
    for name, its in zip(names, handlers, strict=True):
        table.add_row(name, _ms(its.wall), f"{wall[name]:.2f}", _ms(its.cpu), f"{cpu[name]:.2f}")
    console.print(table)
    return {
        "rounds": rounds,
        "client_ms": round(statistics.median(client.wall) * 1000),
        "ratios": _rounded(wall),
        "worst_ratio": round(max(wall.values()), 3),
        "worst_cpu_ratio": round(max(cpu.values()), 3),
    }


def _emulated(sandbox: Sandbox, rounds: int) -> dict[str, Any]:
    """Measures the init phase as Lambda's runtime reports it, prints the table, and returns its figures.

    The time includes the runtime API's client, for the bare client too.
    """
    names, log = request_handlers(), FOLDER / "emulator.log"
    seconds: dict[str, list[float]] = {name: [] for name in ("bare", *names)}
    for _ in range(rounds):
        for name, its in seconds.items():
            its.append(init_seconds(sandbox, name, log))
    ratios = {name: ratio(its, seconds["bare"]) for name, its in seconds.items()}
    table = _table(f"Under the Lambda runtime, {rounds} rounds", "ms", "x")
    for name, its in seconds.items():
        table.add_row("boto3's client" if name == "bare" else name, _ms(its), f"{ratios[name]:.2f}")
    console.print(table)
    del ratios["bare"]
    return {"runtime_ratios": _rounded(ratios), "worst_runtime_ratio": round(max(ratios.values()), 3)}


def _counted(sandbox: Sandbox) -> dict[str, float]:
    """Counts millions of instructions of one handler's init, technique by technique; prints and returns them."""
    counts = {name: instructions(start) / 1e6 for name, start in techniques.starts(sandbox).items()}
    client, ours = counts["boto3's client"], counts["as it is"]
    table = _table(f"{techniques.FUNCTION}, counted", "M instructions", "x", "more than as it is")
    for name, count in counts.items():
        table.add_row(name, f"{count:.0f}", f"{count / client:.2f}", f"{count - ours:+.0f}")
    console.print(table)
    return _rounded(counts)


def _table(title: str, *columns: str) -> Table:
    table = Table(box=None)
    table.add_column(title, min_width=len(title))
    for column in columns:
        table.add_column(column, justify="right")
    return table


def _ms(seconds: Sequence[float]) -> str:
    return f"{statistics.median(seconds) * 1000:.0f}"


def _rounded(values: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 3) for name, value in values.items()}


if __name__ == "__main__":
    sys.exit(main())
