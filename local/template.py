"""Reads infra/template.yaml, the only list of routes, schedules, keys and variables.

`load()` gives it as typed facts; the local stack and the tests take everything from there. A construct that is not
understood raises `TemplateError`, so that what runs locally is never quietly less than what is deployed.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from local import cloud_only
from local.facts import Authorizer, Function, Queue, Route, Schedule, Table, Template
from local.intrinsics import ACCOUNT, REGION, STACK_NAME, Call, Resolver, TemplateError, parse, text_of
from local.permissions import Statement, statements_of

__all__ = [
    "TEMPLATE",
    "Authorizer",
    "Function",
    "Queue",
    "Route",
    "Schedule",
    "Table",
    "Template",
    "TemplateError",
    "load",
]

TEMPLATE = Path(__file__).parents[1] / "infra" / "template.yaml"

FUNCTION = {"CodeUri", "Handler", "Layers", "MemorySize", "Timeout", "Environment", "Events", "Policies"}
TABLE = {"BillingMode", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "LocalSecondaryIndexes"}


def load(parameters: Mapping[str, str] | None = None, *, path: Path = TEMPLATE) -> Template:
    """Returns the template's facts, with these parameters over its defaults. Raises TemplateError."""
    try:
        return _Reader(path, parse(path.read_text()), parameters or {}).template()
    except TemplateError as error:
        raise TemplateError(f"{path.name}: {error}") from None


class _Reader:
    """Reads one template once."""

    def __init__(self, path: Path, document: dict[str, Any], given: Mapping[str, str]) -> None:
        _only(document, {"Globals", "Resources", "Parameters", "Conditions"} | _PROSE, "the template")
        self._folder = path.parent
        self._globals = document.get("Globals", {})
        _only(self._globals, {"Function"}, "Globals")
        self._declared: dict[str, Any] = document.get("Resources", {})
        names, attributes = dict[str, str](), dict[str, str]()
        self._resolver = Resolver(
            parameters=_parameters(document.get("Parameters", {}), given),
            conditions=document.get("Conditions", {}),
            physical_ids=names,
            attributes=attributes,
        )
        self._resources = {name: it for name, it in self._declared.items() if self._exists(it)}
        for name, it in self._resources.items():
            names[name] = _physical_id(name, it)
            if it.get("Type") in _ARNS:
                attributes[f"{name}.Arn"] = f"arn:aws:{_ARNS[it['Type']]}{STACK_NAME}-{name}"
        self._routes: list[Route] = []
        self._schedules: list[Schedule] = []
        self._queues: list[Queue] = []

    def template(self) -> Template:
        """Reads every resource and returns the template; the functions' events become routes, schedules and queues."""
        known = {_TABLE, _POLICY, "AWS::Serverless::HttpApi", *_CODE_TYPES} | cloud_only.TYPES
        for name, resource in self._resources.items():
            if resource.get("Type") not in known:
                raise TemplateError(f"{name}: type {resource.get('Type')} is not understood by the local stack")
        api_name, authorizer_name, authorizer, access_log = self._api()
        functions = {name: self._function(name, it) for name, it in self._of("AWS::Serverless::Function")}
        for name, resource in self._of("AWS::Serverless::Function"):
            for event_name, event in resource["Properties"].get("Events", {}).items():
                self._event(name, f"{name}.{event_name}", event, api_name, authorizer_name)
        return Template(
            tables=tuple(self._table(name, it) for name, it in self._declared.items() if it.get("Type") == _TABLE),
            functions=functions,
            routes=tuple(self._routes),
            authorizer=authorizer,
            schedules=tuple(self._schedules),
            queues=tuple(self._queues),
            layers=tuple(self._code(it) for _, it in self._of("AWS::Serverless::LayerVersion")),
            access_log=access_log,
            policies={name: self._policy(name, it) for name, it in self._of(_POLICY)},
        )

    def _exists(self, resource: dict[str, Any]) -> bool:
        return "Condition" not in resource or self._resolver.condition(resource["Condition"])

    def _of(self, kind: str) -> list[tuple[str, dict[str, Any]]]:
        return [(name, it) for name, it in self._resources.items() if it["Type"] == kind]

    def _code(self, resource: dict[str, Any]) -> Path:
        properties = resource["Properties"]
        uri = self._resolver.resolve(properties.get("CodeUri", properties.get("ContentUri")))
        return (self._folder / str(uri)).resolve()

    def _table(self, name: str, resource: dict[str, Any]) -> Table:
        """Returns the table that the template makes, or the one that a parameter names in its place.

        The local stack makes that one too, for its data plane may just have started.
        """
        _only(resource["Properties"], TABLE | cloud_only.TABLE | {"TimeToLiveSpecification"}, name)
        properties = self._resolver.resolve(_without(resource["Properties"], cloud_only.TABLE))
        ttl = properties.get("TimeToLiveSpecification", {})
        return Table(
            name=self._resolver.physical_ids.get(name) or self._named_instead(name, resource),
            properties={key: value for key, value in properties.items() if key in TABLE},
            ttl_attribute=ttl.get("AttributeName") if ttl.get("Enabled") else None,
        )

    def _named_instead(self, name: str, resource: dict[str, Any]) -> str:
        """Returns the parameter's value for a table under the condition that the parameter is empty."""
        match self._resolver.conditions[resource["Condition"]]:
            case Call("Equals", [Call("Ref", parameter), ""]) if parameter in self._resolver.parameters:
                return text_of(self._resolver.parameters[parameter])
        raise TemplateError(f"{name}: a table's condition may only be that a parameter, its name, is empty")

    def _api(self) -> tuple[str | None, str | None, Authorizer | None, str]:
        """Returns the API's logical id, its default authorizer's name, that authorizer, and the access log's format."""
        apis = self._of("AWS::Serverless::HttpApi")
        if not apis:
            return None, None, None, ""
        if len(apis) > 1:
            raise TemplateError("more than one HTTP API is not understood")
        ((name, resource),) = apis
        properties = resource.get("Properties", {})
        _only(properties, {"Auth", "AccessLogSettings"} | cloud_only.API, name)
        access_log = text_of(properties.get("AccessLogSettings", {}).get("Format", ""))
        auth = properties.get("Auth")
        if auth is None:
            return name, None, None, access_log
        _only(auth, {"DefaultAuthorizer", "Authorizers"}, f"{name}.Auth")
        default = auth.get("DefaultAuthorizer")
        if list(auth.get("Authorizers", {})) != [default]:
            raise TemplateError(f"{name}.Auth: expected one authorizer, and that the default")
        return name, default, self._authorizer(auth["Authorizers"][default], f"{name}.Auth.{default}"), access_log

    def _authorizer(self, description: Any, where: str) -> Authorizer:
        resolved = self._resolver.resolve(description)
        _only(resolved, {"IdentitySource", "JwtConfiguration"}, where)
        if resolved.get("IdentitySource") != "$request.header.Authorization":
            raise TemplateError(f"{where}: tokens are only read from the Authorization header")
        jwt = resolved["JwtConfiguration"]
        _only(jwt, {"issuer", "audience"}, f"{where}.JwtConfiguration")
        return Authorizer(issuer=text_of(jwt["issuer"]), audience=tuple(map(text_of, jwt["audience"])))

    def _function(self, name: str, resource: dict[str, Any]) -> Function:
        defaults, own = self._globals.get("Function", {}), resource["Properties"]
        for properties, where in ((defaults, "Globals.Function"), (own, name)):
            _only(properties, FUNCTION | cloud_only.FUNCTION, where)
        merged = {**defaults, **own}
        variables = {**_variables(defaults, "Globals.Function"), **_variables(own, name)}
        return Function(
            name=name,
            folder=self._code(resource),
            handler=text_of(self._resolver.resolve(merged["Handler"])),
            environment={key: text_of(self._resolver.resolve(value)) for key, value in variables.items()},
            memory_mb=int(self._resolver.resolve(merged.get("MemorySize", 128))),
            timeout_seconds=int(self._resolver.resolve(merged.get("Timeout", 3))),
            statements=statements_of(self._resolver.resolve(merged.get("Policies", [])), name),
        )

    def _policy(self, name: str, resource: dict[str, Any]) -> tuple[Statement, ...]:
        _only(resource["Properties"], {"Description", "PolicyDocument"}, name)
        return statements_of([self._resolver.resolve(resource["Properties"]["PolicyDocument"])], name)

    def _event(self, function: str, where: str, event: dict[str, Any], api: str | None, authorizer: str | None) -> None:
        kind, properties = event.get("Type"), event.get("Properties", {})
        if kind == "HttpApi":
            resolved = self._resolver.resolve(properties)
            self._routes.append(self._route(function, where, resolved, api, authorizer))
        elif kind == "ScheduleV2":
            resolved = self._resolver.resolve(_without(properties, cloud_only.SCHEDULE))
            self._schedules.append(_schedule(function, where, resolved))
        elif kind == "SQS":
            self._queues.append(self._queue(function, where, self._resolver.resolve(properties)))
        else:
            raise TemplateError(f"{where}: event type {kind} is not understood by the local stack")

    def _route(self, function: str, where: str, it: dict[str, Any], api: str | None, authorizer: str | None) -> Route:
        _only(it, {"ApiId", "Method", "Path", "Auth"}, where)
        if api is None or it.get("ApiId") != self._resolver.physical_ids[api]:
            raise TemplateError(f"{where}: its ApiId is not the template's HTTP API")
        method, path = text_of(it["Method"]).upper(), text_of(it["Path"])
        if method in {"ANY", "*"} or "+}" in path or not path.startswith("/"):
            raise TemplateError(f"{where}: catch-all route {method} {path} is not understood")
        _only(it.get("Auth", {}), {"Authorizer"}, f"{where}.Auth")
        chosen = it.get("Auth", {}).get("Authorizer", authorizer)
        if chosen not in {authorizer, "NONE"}:
            raise TemplateError(f"{where}: authorizer {chosen} is not understood")
        return Route(method, path, function, authorised=chosen not in {None, "NONE"})

    def _queue(self, function: str, where: str, it: dict[str, Any]) -> Queue:
        """Returns the queue that this event source reads, with the values of its redrive policy."""
        _only(it, {"Queue", "BatchSize", "FunctionResponseTypes"} | cloud_only.SOURCE, where)
        if it.get("FunctionResponseTypes") != ["ReportBatchItemFailures"]:
            raise TemplateError(f"{where}: only a function that reports batch item failures is understood")
        found = dict(self._of("AWS::SQS::Queue"))
        arns = {self._resolver.resolve(Call("GetAtt", f"{name}.Arn")): name for name in found}
        if it.get("Queue") not in arns:
            raise TemplateError(f"{where}: its Queue is no queue of the template")
        name = arns[it["Queue"]]
        properties = self._resolver.resolve(_without(found[name].get("Properties", {}), cloud_only.QUEUE))
        _only(properties, {"RedrivePolicy"}, name)
        redrive = properties.get("RedrivePolicy", {})
        dead = arns.get(redrive.get("deadLetterTargetArn"))
        return Queue(
            name=f"{STACK_NAME}-{name}",
            url=self._resolver.physical_ids[name],
            function=function,
            batch_size=int(it.get("BatchSize", 10)),
            dead_letters=f"{STACK_NAME}-{dead}" if dead else None,
            most_receives=int(redrive.get("maxReceiveCount", 0)),
        )


def _schedule(function: str, where: str, properties: dict[str, Any]) -> Schedule:
    _only(properties, {"ScheduleExpression", "Input"}, where)
    expression = text_of(properties.get("ScheduleExpression", ""))
    payload = text_of(properties.get("Input", ""))
    if match := re.fullmatch(r"rate\((\d+) (minute|hour|day)s?\)", expression):
        every = timedelta(**{f"{match[2]}s": int(match[1])})
        if every:
            return Schedule(where, function, every, payload)
    if match := re.fullmatch(r"cron\((\d+) (\d+) \* \* \? \*\)", expression):
        at = timedelta(minutes=int(match[1]), hours=int(match[2]))
        if int(match[1]) < 60 and int(match[2]) < 24:
            return Schedule(where, function, timedelta(days=1), payload, daily_at=at)
    raise TemplateError(f"{where}: only rate(...) and a daily cron(M H * * ? *) are understood, not {expression!r}")


def _physical_id(name: str, resource: dict[str, Any]) -> str:
    """Returns what !Ref gives: a queue's URL, or any other resource's name."""
    full = f"{STACK_NAME}-{name}"
    return f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{full}" if resource.get("Type") == "AWS::SQS::Queue" else full


def _variables(properties: dict[str, Any], where: str) -> dict[str, Any]:
    environment: dict[str, Any] = properties.get("Environment", {})
    _only(environment, {"Variables"}, f"{where}.Environment")
    variables: dict[str, Any] = environment.get("Variables", {})
    return variables


def _parameters(declared: dict[str, dict[str, Any]], given: Mapping[str, str]) -> dict[str, Any]:
    _only(dict(given), set(declared), "the parameters given")
    values = {name: given.get(name, it.get("Default")) for name, it in declared.items()}
    for name, value in values.items():
        if value is None:
            raise TemplateError(f"parameter {name} has no default and was not given")
        _check(name, value, declared[name])
    return values


def _check(name: str, value: Any, declared: dict[str, Any]) -> None:
    if declared.get("Type") == "Number":
        low, high = declared.get("MinValue", float("-inf")), declared.get("MaxValue", float("inf"))
        if not _number(value) or not low <= float(value) <= high:
            raise TemplateError(f"parameter {name} must be a number from {low} to {high}, not {value!r}")
    if value not in declared.get("AllowedValues", [value]):
        raise TemplateError(f"parameter {name} may not be {value}")


def _number(value: Any) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return True


def _without(properties: Mapping[str, Any], ignored: Iterable[str]) -> dict[str, Any]:
    return {key: value for key, value in properties.items() if key not in ignored}


def _only(found: Mapping[str, Any], understood: Iterable[str], where: str) -> None:
    unknown = sorted(set(found) - set(understood))
    if unknown:
        raise TemplateError(f"{where}: not understood by the local stack: {', '.join(unknown)}")


_PROSE = {"AWSTemplateFormatVersion", "Transform", "Description", "Metadata", "Outputs"}
_TABLE = "AWS::DynamoDB::Table"
_POLICY = "AWS::IAM::ManagedPolicy"
_ARNS = {
    _TABLE: f"dynamodb:{REGION}:{ACCOUNT}:table/",
    "AWS::SQS::Queue": f"sqs:{REGION}:{ACCOUNT}:",
}
_CODE_TYPES = ("AWS::Serverless::Function", "AWS::Serverless::LayerVersion")
