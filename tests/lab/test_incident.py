"""The shortest story of `make incident`, and that a story which goes amiss is not taken for a good one."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.proofs.incident import __main__ as command
from lab.proofs.incident.incident import AmissError, Incident, line_with
from lab.proofs.incident.people import PLAIN, residents
from lab.proofs.incident.stage import START, Stage, Typed, block, stage
from lab.proofs.incident.stuck import stuck
from rl_core.models import Segment

OPERATIONS = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()
SAID = ["RED    waiting    30 min", "       since", "GREEN  parked     0", "       since"]


@pytest.fixture
def told() -> list[str]:
    """The lines that a stage printed."""
    return []


@pytest.fixture
def set_up(told: list[str]) -> Iterator[Stage]:
    """A stage of its own."""
    with stage(told.append) as made:
        yield made


def test_a_learner_that_stands_still_is_seen_within_the_hour_and_green_an_hour_after(set_up: Stage) -> None:
    incident = Incident(set_up)
    stuck(incident)
    figures = incident.figures()
    assert (figures["mended"], figures["audited"]) == (True, True)
    assert 0 < figures["seen_after_s"] <= 3600
    assert 0 < figures["green_after_s"] <= 3600


def test_a_light_that_stays_green_and_one_that_does_not_come_back_are_amiss(set_up: Stage) -> None:
    incident = Incident(set_up)
    incident.green("waiting", step=set_up.hour, most=2)
    incident.trouble("none")
    with pytest.raises(AmissError, match="waiting is not red after 2 steps"):
        incident.turns("waiting", step=set_up.hour, most=2)
    assert not incident.figures()["mended"]
    incident.seen["waiting"], incident.mended = set_up.now, set_up.now
    assert not incident.figures()["mended"]
    incident.returns("waiting", step=set_up.hour, most=2)
    assert incident.figures()["mended"]


def test_an_act_is_told_as_it_was_typed_and_has_its_row_in_the_audit(set_up: Stage, told: list[str]) -> None:
    (ana,) = residents(set_up.phone, Segment.LOW_LOW, PLAIN, ["ana"])
    ana.visit()
    ana.visit()
    set_up.operate("rollback", "LOW_LOW", "1", "--reason", "a bad day")
    typed = line_with("rollback LOW_LOW 1 --reason 'a bad day' --now 2026-10-05T08:00:00Z", told)
    assert f"$ python -m operate --endpoint-url {set_up.stack.data_url} --table {set_up.stack.table_name} " in typed
    assert Incident(set_up).figures()["audited"]
    set_up.typed.append(Typed(START, ("rollback", "LOW_LOW", "0"), 0))
    assert not Incident(set_up).figures()["audited"]


def test_a_story_that_goes_amiss_is_told_in_the_last_line_and_by_the_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def amiss(incident: Incident) -> None:
        """Nothing comes back."""
        incident.trouble("it is")
        incident.seen["waiting"] = incident.stage.now
        raise AmissError("it stays red")

    monkeypatch.setattr(command, "STORIES", {"amiss": amiss})
    assert command.main([]) == 1
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    its = last["amiss"]
    assert (its["seen_after_s"], its["green_after_s"], its["mended"], its["amiss"]) == (0, None, False, "it stays red")


def test_what_check_says_of_one_light_is_told_apart_by_its_name() -> None:
    assert block(SAID, "waiting") == SAID[:2]
    assert block(SAID, "parked") == SAID[2:]
    assert block(SAID, "weight") == []


def test_a_story_that_is_not_there_is_refused() -> None:
    with pytest.raises(SystemExit):
        command.main(["--story", "none of them"])


def test_a_dry_run_and_a_command_that_was_refused_are_no_acts() -> None:
    assert Typed(START, ("mend", "HIGH_LOW"), 0).acts
    assert not Typed(START, ("mend", "HIGH_LOW"), 2).acts
    assert not Typed(START, ("exclude", "HIGH_LOW", "00", "--dry-run"), 0).acts
    assert not Typed(START, ("check",), 0).acts


def test_the_runbook_tells_each_story() -> None:
    part = OPERATIONS.partition("## Rehearse an incident\n")[2].partition("\n## ")[0]
    assert re.findall(r"(?m)^\| `([^`]+)` \|", part) == list(command.STORIES)
