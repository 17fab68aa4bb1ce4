"""What each function's role allows, of which items: the whole list, and the rules that it keeps to.

Whoever gives a function a right writes it here and in infra/template.yaml. The local stack and the tests of functions
judge every call by the template (local/permissions.py), so a right that is missing fails them.
"""

import pytest

from local.permissions import Statement
from tests.conftest import ERASURES, READS, TEMPLATE, rights_of

QUERY, GET, BATCH = "dynamodb:Query", "dynamodb:GetItem", "dynamodb:BatchGetItem"
PUT, UPDATE, DELETE = "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"
CHECK, SEND = "dynamodb:ConditionCheckItem", "sqs:SendMessage"

# By function, and by partition keys of the table, or of its index.
MAY: dict[str, dict[str, set[str]]] = {
    "Recommend": {"USER#*": {QUERY, PUT}, "SEGMENT#*": {QUERY, GET}},
    "Complete": {"USER#*": {QUERY, GET, PUT}, "SEGMENT#*": {QUERY, GET, PUT}},
    "FeedbackBatch": {"USER#*": {QUERY, GET, PUT}, "SEGMENT#*": {QUERY, GET, PUT}},
    "Profile": {"USER#*": {QUERY, GET, PUT}},
    "Consent": {"USER#*": {QUERY, GET, PUT}},
    "Pause": {"USER#*": {GET, PUT}},
    "Assessments": {"USER#*": {QUERY, GET}},
    "Export": {"USER#*": {QUERY, GET}},
    "History": {"USER#*": {QUERY, GET}},
    "Stats": {"USER#*": {QUERY}},
    "Explanation": {"USER#*": {GET}, "SEGMENT#*": {QUERY, GET}},
    "Learn": {
        "index open#*": {QUERY},
        "index due#*": {QUERY},
        "USER#*": {BATCH, PUT, UPDATE},
        "SEGMENT#*": {QUERY, GET, PUT},
    },
    "Erasure": {
        "index erasing#*": {QUERY},
        "index audit#*": {QUERY},
        "AUDIT": {QUERY, UPDATE},
        "USER#*": {QUERY, BATCH, PUT, UPDATE, DELETE, CHECK},
        "SEGMENT#*": {QUERY, GET, BATCH, PUT, UPDATE, DELETE, CHECK},
        "DAILY": {GET, BATCH, PUT, DELETE, CHECK},
        "erasures": {PUT},
    },
    "DailyDispatch": {"DAILY": {QUERY, GET, PUT}, "SEGMENT#*": {BATCH, PUT}, "queue DailyQueue": {SEND}},
    "DailyEngagement": {
        "index day#*": {QUERY},
        "index away#*": {QUERY},
        "USER#*": {QUERY, BATCH, PUT},
        "SEGMENT#*": {QUERY, GET, BATCH, PUT},
        "DAILY": {QUERY, BATCH, PUT},
    },
    "Guard": {
        **{f"index {key}": {QUERY} for key in ("open#*", "due#*", "erasing#*", "parked", "day#*")},
        "USER#*": {QUERY},
        "SEGMENT#*": {QUERY, GET},
        "DAILY": {GET},
        "GUARD": {GET, PUT},
    },
}
KEYED = {QUERY, GET, BATCH, PUT, UPDATE, DELETE, CHECK}  # AWS tells the leading keys of each such call
STATEMENTS = [(name, its) for name, function in TEMPLATE.functions.items() for its in function.statements]
ON_DATA = [(name, its) for name, its in STATEMENTS if its.actions != {SEND} and its.resources != {ERASURES}]
LEARNS = {"Complete", "FeedbackBatch", "Learn", "Erasure"}


def writers(keys: str) -> set[str]:
    """The functions that may write items under these partition keys."""
    return {name for name, rights in MAY.items() if rights.get(keys, set()) - READS - {CHECK}}


@pytest.mark.parametrize("function", TEMPLATE.functions)
def test_a_function_may_do_what_the_list_says_and_nothing_else(function: str) -> None:
    assert rights_of(function) == MAY[function]


def test_what_is_learned_is_written_by_functions_that_learn_and_days_by_the_daily_job_and_erasures() -> None:
    assert writers("SEGMENT#*") == LEARNS | {"DailyDispatch", "DailyEngagement"}
    assert writers("DAILY") == {"DailyDispatch", "DailyEngagement", "Erasure"}
    assert {name for name, rights in MAY.items() if "DAILY" in rights} == writers("DAILY") | {"Guard"}


def test_the_guard_writes_what_it_saw_and_nothing_else() -> None:
    assert [key for key, actions in MAY["Guard"].items() if actions - READS] == ["GUARD"]
    assert {name for name, rights in MAY.items() if "GUARD" in rights} == {"Guard"}


def test_what_operators_did_is_touched_by_the_erasure_alone() -> None:
    assert {name for name, rights in MAY.items() if "AUDIT" in rights} == {"Erasure"}


def test_who_was_erased_is_written_by_the_erasure_alone_and_read_by_nobody() -> None:
    """Its keys are hashes, so there is nothing to tell apart: the right is one to the whole table, and to write."""
    found = [(name, its.actions) for name, its in STATEMENTS if ERASURES in its.resources]
    assert found == [("Erasure", frozenset({PUT}))]


def test_a_function_that_answers_requests_reads_no_index() -> None:
    answering = {route.function for route in TEMPLATE.routes}
    assert {
        name for name, rights in MAY.items() if any(key.startswith("index ") for key in rights)
    } & answering == set()


@pytest.mark.parametrize(("name", "statement"), ON_DATA)
def test_a_statement_names_keys_and_only_actions_whose_keys_aws_tells(name: str, statement: Statement) -> None:
    """Where a call tells no keys, a condition on all of them holds: Scan would read everything."""
    assert statement.leading_keys
    assert statement.actions <= KEYED


@pytest.mark.parametrize(("name", "statement"), ON_DATA)
def test_queries_of_the_index_have_a_statement_of_their_own(name: str, statement: Statement) -> None:
    if any("/index/" in resource for resource in statement.resources):
        assert statement.actions == {QUERY}
        assert len(statement.resources) == 1
