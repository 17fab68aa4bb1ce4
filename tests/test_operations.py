"""docs/operations.md and docs/deploy.md say of the template and of the metrics what is so."""

import re
from pathlib import Path

from local.intrinsics import parse
from local.template import TEMPLATE

ROOT = Path(__file__).parents[1]
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
DEPLOY = (ROOT / "docs" / "deploy.md").read_text()
DOCUMENT = parse(TEMPLATE.read_text())
CODE = "\n".join(path.read_text() for folder in ("functions", "layers") for path in (ROOT / folder).rglob("*.py"))


def rows_of(text: str, heading: str) -> set[str]:
    """The backticked names in the first column of the table under a heading."""
    part = text.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    firsts = re.findall(r"(?m)^\| (`.*?) \|", part)
    return {name for first in firsts for name in re.findall(r"`(\w+)`", first)}


def test_every_alarm_is_explained() -> None:
    alarms = {name for name, it in DOCUMENT["Resources"].items() if it["Type"] == "AWS::CloudWatch::Alarm"}
    assert rows_of(OPERATIONS, "Alarms") == alarms


def test_every_parameter_is_explained() -> None:
    assert rows_of(DEPLOY, "Parameters") == DOCUMENT["Parameters"].keys()


def test_the_template_names_only_metrics_that_the_table_explains() -> None:
    text = TEMPLATE.read_text()
    ours = re.findall(r"Namespace: Fettle\n\s+MetricName: (\w+)", text)
    ours += re.findall(r'\{Fettle[^}]*\} MetricName=\\"(\w+)\\"', text)
    for group in re.findall(r'\["Fettle", .*?\]\]', text, re.DOTALL):
        ours += re.findall(r'\[(?:"Fettle"|"\."), "(\w+)"', group)
    assert len(set(ours)) > 10
    assert set(ours) <= rows_of(OPERATIONS, "Metrics")


def test_the_table_explains_every_metric_and_no_other() -> None:
    counted = set(re.findall(r'add_metric\(name="(\w+)"', CODE))
    counted |= set(re.findall(r'"((?:Sessions|Policy|Fallback)[A-Z]\w+)"', CODE))
    counted |= {"Epsilon", "Episodes", "ActionsChosen", "Reward", "CompletionRate"}
    assert rows_of(OPERATIONS, "Metrics") == counted
    assert all(f'"{name}"' in CODE for name in counted)
