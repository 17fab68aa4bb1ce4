"""The template's tables: a stack makes them, or works on tables that are there, and then names its own nowhere."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from local.intrinsics import Call, parse
from local.template import TEMPLATE

DOCUMENT = parse(TEMPLATE.read_text())
OWN = {"Table": "OwnTable", "Erasures": "OwnErasures"}


def named(value: Any, within: frozenset[str] = frozenset()) -> Iterator[tuple[str, frozenset[str]]]:
    """Every name that a value refers to, with the conditions that hold there."""
    if isinstance(value, Call) and value.function == "If":
        condition, then, otherwise = value.argument
        yield from named(then, within | {condition})
        yield from named(otherwise, within)
    elif isinstance(value, Call) and value.function in {"Ref", "GetAtt"}:
        yield str(value.argument).partition(".")[0], within
    elif isinstance(value, Call) and value.function == "Sub":
        text, more = (value.argument, {}) if isinstance(value.argument, str) else value.argument
        yield from ((name.partition(".")[0], within) for name in re.findall(r"\$\{([^}!]+)\}", text))
        yield from named(more, within)
    elif isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from named(each, within)


@pytest.mark.parametrize("table", OWN)
def test_a_table_that_a_parameter_may_replace_is_named_under_its_condition_only(table: str) -> None:
    its = DOCUMENT["Resources"][table]
    assert its["Condition"] == OWN[table]
    places = [
        within
        for part in ("Globals", "Resources", "Outputs")
        for name, within in named(DOCUMENT[part])
        if name == table
    ]
    assert len(places) > 2
    assert [within for within in places if OWN[table] not in within] == []


@pytest.mark.parametrize("table", OWN)
def test_a_tables_condition_is_that_its_parameter_is_empty(table: str) -> None:
    parameter = "TableName" if table == "Table" else "ErasuresTableName"
    assert DOCUMENT["Conditions"][OWN[table]] == Call("Equals", [Call("Ref", parameter), ""])
    assert re.fullmatch(DOCUMENT["Parameters"][parameter]["AllowedPattern"], "fettle-Table.1_X") is not None
    assert re.fullmatch(DOCUMENT["Parameters"][parameter]["AllowedPattern"], "a table") is None


@pytest.mark.parametrize("table", OWN)
def test_every_table_is_protected_and_can_be_recovered(table: str) -> None:
    its = DOCUMENT["Resources"][table]
    assert its["DeletionPolicy"] == its["UpdateReplacePolicy"] == Call("If", ["Protected", "Retain", "Delete"])
    assert its["Properties"]["DeletionProtectionEnabled"] == Call("If", ["Protected", True, False])
    assert its["Properties"]["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert its["Properties"]["TimeToLiveSpecification"]["Enabled"] is True
