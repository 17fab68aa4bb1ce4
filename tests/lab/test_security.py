"""What `make security` makes of its scanners' findings: nothing is passed over in silence."""

import pytest

from lab.security.__main__ import shown
from lab.security.template import Finding, Suppression, suppressions, unexplained
from lab.security.tools import Outcome

OPEN = Finding("CKV_1", "Table", "no backup")
MEANT = Suppression("CKV_1", frozenset({"Table"}), "There is nothing to keep.")


def test_a_finding_without_an_explanation_is_a_complaint() -> None:
    assert unexplained([OPEN], []) == ["CKV_1 Table: no backup"]


def test_an_explained_finding_is_none() -> None:
    assert unexplained([OPEN], [MEANT]) == []
    assert unexplained([OPEN], [Suppression("CKV_1", frozenset({"*"}), "Everywhere.")]) == []


def test_an_explanation_covers_its_own_check_and_resources_alone() -> None:
    other = Finding("CKV_1", "Api", "no backup")
    assert unexplained([OPEN, other], [MEANT]) == ["CKV_1 Api: no backup"]


@pytest.mark.parametrize("resources", [{"Table", "Gone"}, {"Gone"}, {"*"}])
def test_an_explanation_of_what_is_no_longer_found_is_a_complaint(resources: set[str]) -> None:
    findings = [OPEN] if "Table" in resources else []
    (complaint,) = unexplained(findings, [Suppression("CKV_1", frozenset(resources), "It was so.")])
    assert "not found" in complaint


def test_every_suppression_gives_its_reason_once() -> None:
    found = suppressions()
    assert all(len(each.reason.split()) > 5 for each in found)
    assert len({each.check for each in found}) == len(found)


@pytest.mark.parametrize(
    ("outcome", "code", "complete_code"),
    [(Outcome(True, ""), 0, 0), (Outcome(False, "a finding"), 1, 1), (Outcome(False, "no network", asked=False), 0, 1)],
)
def test_a_scanner_that_could_not_work_is_said_and_fails_where_it_must(
    outcome: Outcome, code: int, complete_code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert shown("scanner", lambda: outcome, complete=False) == code
    assert shown("scanner", lambda: outcome, complete=True) == complete_code
    assert ("NOTHING IS KNOWN" in capsys.readouterr().out) is not outcome.asked
