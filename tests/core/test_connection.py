"""The store's client sees only what DynamoDB needs of botocore's data, and must act as one that sees all of it."""

import boto3
import pytest
from botocore.session import Session

from local.endpoints import ENDPOINTS, generate
from rl_core.store.connection import Connection

REGIONS = ("eu-central-1", "us-east-1", "ap-southeast-7", "cn-north-1", "us-gov-west-1", "eu-west-99")


def test_the_shipped_endpoints_are_botocores_own() -> None:
    assert ENDPOINTS.read_text() == generate(), "run `python -m local.endpoints`"


@pytest.mark.parametrize("region", REGIONS)
def test_the_client_reaches_the_endpoint_that_boto3_would(region: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", region)
    ours, theirs = Connection("table").client, boto3.session.Session().client("dynamodb")
    assert (ours.meta.region_name, ours.meta.endpoint_url) == (region, theirs.meta.endpoint_url)
    assert ours.meta.service_model.signature_version == theirs.meta.service_model.signature_version


def test_the_client_has_every_operation_that_boto3s_has() -> None:
    theirs = Session().create_client("dynamodb")
    assert Connection("table").client.meta.service_model.operation_names == theirs.meta.service_model.operation_names
