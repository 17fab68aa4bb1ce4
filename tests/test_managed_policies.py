"""The two policies of the template for people: the whole list of what they allow, by leading keys."""

from collections import defaultdict

from local.template import load
from tests.conftest import ERASURES, READS, TEMPLATE
from tests.test_permissions import CHECK, DELETE, KEYED, PUT, QUERY, UPDATE

SCAN = "dynamodb:Scan"
PROTECTION = {
    "dynamodb:DescribeTable",
    "dynamodb:DescribeContinuousBackups",
    "dynamodb:DescribeTimeToLive",
    "dynamodb:UpdateContinuousBackups",
    "dynamodb:UpdateTimeToLive",
    "dynamodb:UpdateTable",
}
EVERY = READS | {PUT, UPDATE, DELETE, CHECK}
OF_THE_SERVICE = ("SEGMENT#*", "DAILY", "AUDIT", "GUARD")
MAY: dict[str, dict[str, set[str]]] = {
    "FettleObserver": {
        **{f"Table {keys}": READS for keys in OF_THE_SERVICE},
        **{f"Table/index/due {keys}": {QUERY} for keys in ("open#*", "due#*", "erasing#*", "parked")},
    },
    "FettleOperator": {
        **{f"Table {keys}": EVERY for keys in (*OF_THE_SERVICE, "USER#*")},
        **{
            f"Table/index/due {keys}": {QUERY}
            for keys in ("open#*", "due#*", "erasing#*", "day#*", "away#*", "audit#*", "parked")
        },
        "Table": {SCAN} | PROTECTION,
        "Erasures": {SCAN, PUT} | PROTECTION,
        "restored*": EVERY | {SCAN} | PROTECTION,
    },
}


def rights_of(policy: str) -> dict[str, set[str]]:
    found = defaultdict[str, set[str]](set)
    for statement in TEMPLATE.policies[policy]:
        for resource in statement.resources:
            place = resource.rpartition("/fettle-local-" if "/index/" not in resource else ":table/fettle-local-")[2]
            for keys in statement.leading_keys or {""}:
                found[f"{place} {keys}".strip()] |= statement.actions
    return dict(found)


def test_a_policy_allows_what_the_list_says_and_nothing_else() -> None:
    assert {policy: rights_of(policy) for policy in TEMPLATE.policies} == MAY


def test_who_observes_reads_no_users_item_and_writes_nothing() -> None:
    for statement in TEMPLATE.policies["FettleObserver"]:
        assert statement.actions <= READS
        assert statement.leading_keys
        assert not [keys for keys in statement.leading_keys if keys.startswith(("USER", "*"))]
        assert ERASURES not in statement.resources


def test_where_a_statement_names_keys_aws_tells_those_of_each_of_its_actions() -> None:
    keyed = [its for policy in TEMPLATE.policies.values() for its in policy if its.leading_keys]
    assert len(keyed) == 4
    assert all(statement.actions <= KEYED for statement in keyed)


def test_with_a_key_of_ones_own_both_may_read_what_it_encrypts_and_operators_may_write_it() -> None:
    key = "arn:aws:kms:eu-central-1:1:key/own"
    policies = load({"KmsKeyArn": key}).policies
    allowed = {name: [its.actions for its in policy if its.resources == {key}] for name, policy in policies.items()}
    assert allowed == {"FettleObserver": [{"kms:Decrypt"}], "FettleOperator": [{"kms:Decrypt", "kms:GenerateDataKey"}]}
