"""Writes the tables of docs/data-model.md, from the field tables with which the store reads and writes each item.

`python -m local.data_model` writes them; a test says when they are out of date.
"""

import re
from pathlib import Path

from rl_core.days import NO_DRAWS
from rl_core.models import NO_FACTS
from rl_core.store import (
    assessments,
    audit,
    consents,
    day_table,
    erasures,
    guards,
    items,
    policies,
    refolds,
    sums,
    trends,
)
from rl_core.store.fields import REQUIRED, FieldTable

PAGE = Path(__file__).parents[1] / "docs" / "data-model.md"
TABLES: dict[str, tuple[int, tuple[FieldTable, ...]]] = {
    "profile": (items.PROFILE_FORM, (items.PROFILE,)),
    "marker": (items.PROFILE_FORM, (items.MARKER,)),
    "session": (items.SESSION_FORM, (items.SESSION, items.DECISION, items.CLOSING)),
    "activity": (items.SESSION_FORM, (items.ACTIVITY,)),
    "statement": (consents.STATEMENT_FORM, (consents.STATEMENT,)),
    "request": (consents.REQUEST_FORM, (consents.REQUEST,)),
    "assessment": (assessments.ASSESSMENT_FORM, (assessments.ASSESSMENT,)),
    "policy": (policies.POLICY_FORM, (policies.POLICY,)),
    "record": (policies.RECORD_FORM, (policies.RECORD,)),
    "transition": (policies.RECORD_FORM, (policies.TRANSITION,)),
    "refold": (refolds.REFOLD_FORM, (refolds.REFOLD,)),
    "act": (audit.AUDIT_FORM, (audit.AUDIT,)),
    "user day": (items.USER_DAY_FORM, (items.MARK, items.COUNTED)),
    "figures": (items.USER_DAY_FORM, (items.FIGURES,)),
    "segment day": (sums.SEGMENT_DAY_FORM, (sums.SEGMENT_DAY, sums.FORM_1)),
    "shard": (day_table.SHARD_FORM, (day_table.SHARD,)),
    "erasure": (erasures.ERASURE_FORM, (erasures.ERASURE,)),
    "absence": (day_table.ABSENCE_FORM, (day_table.ABSENCE,)),
    "trend": (trends.TREND_FORM, (trends.TREND,)),
    "guard": (guards.GUARD_FORM, (guards.GUARD,)),
    "standing": (guards.GUARD_FORM, (guards.STANDING,)),
    "replay": (guards.GUARD_FORM, (guards.REPLAY,)),
    "weight": (guards.GUARD_FORM, (guards.WEIGHT,)),
    "watermark": (day_table.WATERMARK_FORM, (day_table.WATERMARK,)),
}


def table(name: str) -> str:
    """Returns the Markdown table of one kind of item."""
    form, tables = TABLES[name]
    rows = [
        f"Form {form}.",
        "",
        "| attribute | stored as | means | where it is missing | since form |",
        "|---|---|---|---|---|",
    ]
    for f in (f for each in tables for f in each.fields):
        missing = "never" if f.default is REQUIRED else _said(f.default)
        rows.append(f"| `{f.attribute}` | {f.codec.kind} | {f.means} | {missing} | {f.since} |")
    return "\n".join(rows)


def _said(default: object) -> str:
    if default is None:
        return "no value"
    if default == NO_FACTS:
        return "nothing is known"
    if default == NO_DRAWS:
        return "all are 0"
    return {"()": "none", "{}": "none", "''": "empty", "b''": "empty"}.get(repr(default), str(default))


def generate(page: str) -> str:
    """Returns the page with its tables written anew."""

    def written(found: re.Match[str]) -> str:
        return f"<!-- fields: {found[1]} -->\n{table(found[1])}\n<!-- end -->"

    return re.sub(r"<!-- fields: ([a-z ]+) -->\n.*?<!-- end -->", written, page, flags=re.DOTALL)


if __name__ == "__main__":
    PAGE.write_text(generate(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
