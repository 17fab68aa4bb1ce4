"""The template is read whole, or not at all."""

from datetime import timedelta
from pathlib import Path

import pytest

from local.template import TEMPLATE, Template, TemplateError, load


@pytest.fixture
def real() -> Template:
    return load({"JwtIssuer": "https://issuer.example", "JwtAudience": "someone"})


def changed(tmp_path: Path, original: Path, old: str, new: str) -> Path:
    """A copy of a template with one thing changed."""
    text = original.read_text()
    assert old in text
    copy = tmp_path / "template.yaml"
    copy.write_text(text.replace(old, new))
    return copy


def test_every_route_is_there_with_and_without_its_slash(real: Template) -> None:
    keys = {route.key for route in real.routes}
    assert {key for key in keys if not key.endswith("/")} == {key.rstrip("/") for key in keys}
    assert len(keys) == 2 * len({key.rstrip("/") for key in keys}) == len(real.routes)


def test_every_route_needs_a_token(real: Template) -> None:
    assert all(route.authorised for route in real.routes)


def test_every_function_names_the_table(real: Template) -> None:
    assert {function.environment["TABLE_NAME"] for function in real.functions.values()} == {real.table.name}


def test_the_erasure_alone_names_the_table_of_erasures(real: Template) -> None:
    named = {
        name: it.environment["ERASURES_NAME"]
        for name, it in real.functions.items()
        if "ERASURES_NAME" in it.environment
    }
    assert named == {"Erasure": "fettle-local-Erasures"}
    assert [table.name for table in real.tables] == ["fettle-local-Table", "fettle-local-Erasures"]
    assert real.tables[1].ttl_attribute == "until"


def test_tables_that_are_there_take_the_place_of_the_stacks_own() -> None:
    given = {"TableName": "restored", "ErasuresTableName": "kept"}
    template, own = load(given), load()
    assert template.environment == own.environment | {"TABLE_NAME": "restored", "ERASURES_NAME": "kept"}
    assert [table.name for table in template.tables] == ["restored", "kept"]
    assert [table.properties for table in template.tables] == [table.properties for table in own.tables]


def test_the_table_is_what_create_table_takes(real: Template) -> None:
    assert {key["AttributeName"] for key in real.table.properties["KeySchema"]} == {"pk", "sk"}
    assert "TableName" not in real.table.properties


def test_parameters_choose_the_issuer(real: Template) -> None:
    assert real.authorizer is not None
    assert (real.authorizer.issuer, real.authorizer.audience) == ("https://issuer.example", ("someone",))


def test_without_an_issuer_tokens_come_from_the_cognito_pool() -> None:
    authorizer = load().authorizer
    assert authorizer is not None
    assert authorizer.issuer.startswith("https://cognito-idp.")


def test_a_schedule_by_the_calendar_knows_its_time_of_day(real: Template) -> None:
    dispatch = next(schedule for schedule in real.schedules if schedule.function == "DailyDispatch")
    assert (dispatch.every, dispatch.daily_at) == (timedelta(days=1), timedelta(hours=12, minutes=30))


def test_a_queue_knows_its_function_and_where_dead_letters_go(real: Template) -> None:
    (queue,) = real.queues
    assert (queue.function, queue.batch_size, queue.most_receives) == ("DailyEngagement", 1, 3)
    assert queue.url == real.functions["DailyDispatch"].environment["DAILY_QUEUE_URL"]
    assert queue.dead_letters == "fettle-local-FailedJobs"


def test_schedules_know_their_function_and_rate(real: Template) -> None:
    learn = next(schedule for schedule in real.schedules if schedule.function == "Learn")
    assert learn.every == timedelta(minutes=1)
    assert learn.payload == '{"time": "<aws.scheduler.scheduled-time>"}'


def test_parameters_reach_the_environment() -> None:
    assert load({"EpsilonMin": "0.2"}).environment["EPSILON_MIN"] == "0.2"


def test_defaults_are_handed_on_as_text(small_template: Path) -> None:
    assert load(path=small_template).environment["LIMIT"] == "3"


def test_functions_own_properties_win_over_the_globals(small_template: Path) -> None:
    functions = load(path=small_template).functions
    assert (functions["Echo"].timeout_seconds, functions["Tick"].timeout_seconds) == (7, 3)
    assert functions["Tick"].memory_mb == 256


def test_time_to_live_is_kept_apart(small_template: Path) -> None:
    assert load(path=small_template).table.ttl_attribute == "expires"


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"Nonsense": "1"}, "Nonsense"),
        ({"Limit": "9"}, "Limit must be a number from 1 to 5"),
        ({"Limit": "many"}, "Limit must be a number"),
        ({"Greeting": "hey"}, "Greeting may not be hey"),
    ],
)
def test_wrong_parameters_are_refused(small_template: Path, given: dict[str, str], complaint: str) -> None:
    with pytest.raises(TemplateError, match=complaint):
        load(given, path=small_template)


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("Type: ScheduleV2", "Type: SNS", "Learn.EveryMinute: event type SNS"),
        ("rate(1 minute)", "cron(0 8 ? * MON *)", "only rate"),
        ("cron(30 12", "cron(30 24", "only rate"),
        ("Queue: !GetAtt DailyQueue.Arn", "Queue: !GetAtt Table.Arn", "no queue of the template"),
        ("FunctionResponseTypes: [ReportBatchItemFailures]", "Enabled: true", "batch item failures"),
        ("Method: PUT", "Method: ANY", "catch-all"),
        ("Path: /profile/ }", 'Path: "/{proxy+}" }', "catch-all"),
        ("Type: AWS::Cognito::UserPoolClient", "Type: AWS::S3::Bucket", "type AWS::S3::Bucket"),
        ("Timeout: 55", "VpcConfig: {}", "not understood by the local stack: VpcConfig"),
        ("!GetAtt Api.ApiEndpoint", "!ImportValue x", ""),
        ("SESSION_HOURS: !Ref SessionHours", "SESSION_HOURS: !ImportValue x", "!ImportValue is not understood"),
        ("SESSION_HOURS: !Ref SessionHours", "SESSION_HOURS: !Ref Tables", "!Ref Tables"),
        ('!Equals [!Ref TableName, ""]', "!Equals [!Ref TableName, none]", "Table: a table's condition"),
        ("DefaultAuthorizer: Jwt", "DefaultAuthorizer: Other", "expected one authorizer"),
        ("$request.header.Authorization", "$request.querystring.token", "Authorization header"),
        ("BillingMode: PAY_PER_REQUEST", "Replicas: []", "not understood by the local stack: Replicas"),
        ("SESSION_HOURS:", "TABLE_NAME:", "given twice: TABLE_NAME"),
        ("  Function:\n", "  Function2:\n", "Function2"),
    ],
)
def test_what_is_not_understood_is_named(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    path = changed(tmp_path, TEMPLATE, old, new)
    if not complaint:  # outputs are for people; nothing local reads them
        assert load(path=path)
        return
    with pytest.raises(TemplateError, match=complaint):
        load(path=path)


def test_long_spellings_mean_the_same(tmp_path: Path, small_template: Path) -> None:
    path = changed(tmp_path, small_template, "GREETING: !Ref Greeting", 'GREETING: { "Fn::Sub": "${Greeting}!" }')
    assert load(path=path).environment["GREETING"] == "hello!"


def test_functions_that_disagree_on_a_variable_have_no_shared_environment(tmp_path: Path, small_template: Path) -> None:
    path = changed(tmp_path, small_template, "MemorySize: 256", "Environment: { Variables: { LIMIT: 4 } }")
    template = load(path=path)
    with pytest.raises(TemplateError, match="LIMIT differs"):
        assert template.environment
