"""Writes the tables of docs/learning-heartsteps.md, each between its two markers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from lab.studies.heartsteps.learning import Replay
from operate.ope.judge import Estimate, Verdict

PAGE = Path(__file__).parents[3] / "docs" / "learning-heartsteps.md"


def put(name: str, table: str, page: Path = PAGE) -> None:
    """Replaces the table of that name. Raises ValueError when the page has no markers for it."""
    text = page.read_text(encoding="utf-8")
    begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
    before, _, rest = text.partition(begin)
    _, found, after = rest.partition(end)
    if not found:
        raise ValueError(f"{page} has no {begin.strip()}")
    page.write_text(f"{before}{begin}{table}\n{end}{after}", encoding="utf-8")
    print(f"\n{table}")


def trial_table(logged: Estimate, verdicts: Sequence[Verdict], replays: Mapping[str, Replay]) -> str:
    lines = ["as randomised | | | " + _text(logged) + " | | "]
    lines += [
        f"{v.name} | {_text(v.value['IPS'])} | {_text(v.value['SNIPS'])} | {_text(v.value['DR'])} "
        f"| {_signed(v.gain['DR'])} | {v.sample_size:,.0f}"
        for v in verdicts
    ]
    lines += [
        f"learner, state {name}, replayed | | | {_text(r.value)} | {_signed(r.gain['as randomised'])} | {r.kept:,.0f}"
        for name, r in replays.items()
    ]
    head = "policy | IPS | SNIPS | DR, or mean | less as randomised | effective or kept decisions"
    return _table(head, lines)


def apart_table(apart: Mapping[str, Estimate], replays: Mapping[str, Replay]) -> str:
    lines = [f"{name} | doubly robust | {_signed(found)}" for name, found in apart.items()]
    lines += [
        f"{name}, less {other} | replay | {_signed(found.gain[other])}"
        for name, found in replays.items()
        for other in ("always", "never")
    ]
    return _table("difference | by | log of steps", lines)


def fading_table(
    gains: Mapping[str, Mapping[str, Estimate]],
    added: Mapping[str, Estimate],
    rules: Mapping[str, Mapping[str, float]],
) -> str:
    knowing, told = next(iter(gains.values())), next(iter(rules.values()))
    lines = [
        " | ".join(
            [world, *(_signed(found) for found in row.values()), _signed(added[world])]
            + [f"{rules[world][name]:+.3f}" if world in rules else "" for name in told]
        )
        for world, row in gains.items()
    ]
    return _table(" | ".join(["world", *knowing, "all three less shipped", *told]), lines)


def _table(head: str, lines: Sequence[str]) -> str:
    rule = "|".join(["---"] * (head.count("|") + 1))
    return "\n".join([f"| {head} |", f"|{rule}|", *(f"| {line} |" for line in lines)])


def _text(found: Estimate) -> str:
    return f"{found.value:.3f} [{found.low:.2f}, {found.high:.2f}]"


def _signed(found: Estimate) -> str:
    return f"{found.value:+.3f} [{found.low:+.3f}, {found.high:+.3f}]"
