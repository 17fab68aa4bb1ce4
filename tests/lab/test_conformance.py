"""Comparing the implementations: what is a difference, what is accepted, and what pytest's report says."""

from pathlib import Path

import pytest

from lab.proofs.conformance.__main__ import figures, told
from lab.proofs.conformance.compare import PASSED, Result, accepted_differences, compare
from lab.proofs.conformance.runs import integration, read_report, results_of
from lab.proofs.faults.client import Kind
from lab.proofs.faults.trial import Report, Share

WRONG = Result("failed", "lost an update")
REPORT = """<?xml version="1.0" encoding="utf-8"?>
<testsuites name="pytest tests"><testsuite name="pytest" errors="1" failures="1" skipped="1" tests="4">
<testcase classname="tests.integration.test_races" name="test_good[a.b::c]" time="0.1" />
<testcase classname="tests.integration.test_races" name="test_bad"><failure message="1 == 2">...</failure></testcase>
<testcase classname="tests.integration.test_days" name="test_broken"><error message="no stack">...</error></testcase>
<testcase classname="tests.integration.test_days" name="test_left"><skipped message="no network" /></testcase>
</testsuite></testsuites>"""


def test_what_goes_the_same_everywhere_is_no_difference() -> None:
    found = compare({"one": {"a": PASSED, "b": PASSED}, "other": {"b": PASSED, "a": PASSED}}, {})
    assert (found.tests, found.differences, found.holds) == (2, {}, True)


def test_what_fails_on_one_is_a_difference() -> None:
    found = compare({"one": {"a": PASSED}, "other": {"a": WRONG}}, {})
    assert (found.differences, found.holds) == ({"a": {"one": PASSED, "other": WRONG}}, False)


def test_what_does_not_run_on_one_is_a_difference() -> None:
    found = compare({"one": {"a": PASSED, "b": PASSED}, "other": {"a": PASSED}}, {})
    assert (found.tests, list(found.differences), found.holds) == (2, ["b"], False)


def test_what_fails_everywhere_is_no_difference_and_does_not_hold() -> None:
    found = compare({"one": {"a": WRONG}, "other": {"a": Result("failed", "in other words")}}, {})
    assert (found.differences, list(found.failed), found.holds) == ({}, ["a"], False)


def test_what_is_skipped_everywhere_holds_and_on_one_is_a_difference() -> None:
    skipped = Result("skipped", "no network")
    assert compare({"one": {"a": skipped}, "other": {"a": skipped}}, {}).holds
    assert list(compare({"one": {"a": skipped}, "other": {"a": PASSED}}, {}).differences) == ["a"]


def test_an_accepted_difference_is_named_with_its_reason() -> None:
    found = compare({"one": {"a": PASSED}, "other": {"a": WRONG}}, {"a": "AWS promises neither"})
    assert (found.differences, found.accepted, found.holds) == ({}, {"a": "AWS promises neither"}, True)


def test_an_accepted_difference_that_is_gone_has_to_go() -> None:
    found = compare({"one": {"a": PASSED}, "other": {"a": PASSED}}, {"a": "AWS promises neither", "left out": "why"})
    assert (found.stale, found.holds) == (("a",), False)


def test_every_accepted_difference_on_record_has_a_reason() -> None:
    assert all(accepted_differences().values())


ENTRY, REASON = '[[accepted]]\ntest = "a"\n', 'reason = "AWS promises neither"\n'


@pytest.mark.parametrize("text", [ENTRY, ENTRY + 'reason = " "', (ENTRY + REASON) * 2])
def test_an_accepted_difference_has_one_reason(tmp_path: Path, text: str) -> None:
    (path := tmp_path / "accepted.toml").write_text(text)
    with pytest.raises(ValueError, match="every test stands there once, with its reason"):
        accepted_differences(path)


def test_accepted_differences_are_read_by_test(tmp_path: Path) -> None:
    (path := tmp_path / "accepted.toml").write_text(ENTRY + REASON)
    assert accepted_differences(path) == {"a": "AWS promises neither"}


def test_pytests_report_is_read() -> None:
    assert read_report(REPORT) == {
        "tests/integration/test_races.py::test_good[a.b::c]": PASSED,
        "tests/integration/test_races.py::test_bad": Result("failed", "1 == 2"),
        "tests/integration/test_days.py::test_broken": Result("error", "no stack"),
        "tests/integration/test_days.py::test_left": Result("skipped", "no network"),
    }


def test_a_pytest_that_did_not_run_proves_nothing(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="pytest ended with 5 on dynoxide"):
        integration("dynoxide", [str(tmp_path)])


def test_the_tests_run_on_the_implementation(tmp_path: Path) -> None:
    (path := tmp_path / "test_data.py").write_text(
        "import os\ndef test_data(): assert os.environ['DATA'] == 'dynoxide'\ndef test_wrong(): assert 1 == 2\n"
    )
    found = integration("dynoxide", [str(path)])
    assert {test.rpartition("::")[2]: result.outcome for test, result in found.items()} == {
        "test_data": "passed",
        "test_wrong": "failed",
    }


def test_each_fault_is_a_test() -> None:
    well = Report("batch", "call 0 (get_item USER#ana)", Kind.BEFORE, ())
    badly = Report("batch", "call 0 (get_item USER#ana)", Kind.AFTER, ("missing: a", "too much: b"))
    assert results_of([Share("batch", 1, (well, badly))]) == {
        "faults: batch: call 0 (get_item USER#ana) fails before the call": PASSED,
        "faults: batch: call 0 (get_item USER#ana) fails after it took effect": Result(
            "failed", "missing: a; too much: b"
        ),
    }


def test_a_difference_is_told_with_what_each_did_and_counted() -> None:
    found = compare({"one": {"a": PASSED, "b": WRONG}, "other": {"a": WRONG, "b": WRONG}}, {})
    assert list(told(found)) == [
        "DIFFERENT: a\n    one: passed\n    other: failed lost an update",
        "FAILED everywhere: b\n    one: failed lost an update\n    other: failed lost an update",
    ]
    assert figures(found) == {"tests": 2, "differences": 1, "accepted": 0, "failed": 1}
