"""What MiniStack cannot take from a template as SAM transforms it, said in words that it can; nothing else is touched.

- An HTTP API's OpenAPI body is accepted and ignored there: each path becomes a route, an integration and an authorizer.
- A batch of messages is checked there as an action of its own; on AWS `sqs:SendMessage` is the permission for both.
- Alarms of metric math are refused: they are left out, and named, so that nobody takes them for proven.
"""

from collections.abc import Iterator, Mapping
from typing import Any

Resources = dict[str, Any]


def for_ministack(template: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The template for MiniStack, and the logical ids of what had to be left out."""
    resources: Resources = dict(template["Resources"])
    left_out = [name for name, it in resources.items() if "Metrics" in it.get("Properties", {})]
    for name in left_out:
        del resources[name]
    for name, it in list(resources.items()):
        if it["Type"] == "AWS::IAM::Role":
            _allow_batches(it["Properties"].get("Policies", []))
        if it["Type"] == "AWS::ApiGatewayV2::Api":
            body = it["Properties"].pop("Body")
            resources |= dict(_api(name, body))
            cors = body.get("x-amazon-apigateway-cors", {"Ref": "AWS::NoValue"})
            it["Properties"] |= {"Name": {"Ref": "AWS::StackName"}, "ProtocolType": "HTTP", "CorsConfiguration": cors}
    return {**template, "Resources": resources}, left_out


def _allow_batches(policies: list[Any]) -> None:
    for statement in (it for policy in policies for it in policy["PolicyDocument"]["Statement"]):
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        if "sqs:SendMessage" in actions:
            statement["Action"] = [*actions, "sqs:SendMessageBatch"]


def _api(api: str, body: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The resources that say what an OpenAPI body says."""
    for name, scheme in body["components"]["securitySchemes"].items():
        yield f"{api}{name}", _authorizer(api, name, scheme["x-amazon-apigateway-authorizer"])
    for number, (path, method, operation) in enumerate(_operations(body)):
        integration = operation["x-amazon-apigateway-integration"]
        yield (
            f"{api}Integration{number}",
            _resource(
                "Integration",
                api,
                IntegrationType="AWS_PROXY",
                IntegrationUri=integration["uri"],
                PayloadFormatVersion=integration["payloadFormatVersion"],
            ),
        )
        yield f"{api}Route{number}", _route(api, number, f"{method.upper()} {path}", operation.get("security", []))


def _operations(body: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for path, methods in body["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def _authorizer(api: str, name: str, authorizer: Mapping[str, Any]) -> dict[str, Any]:
    jwt = authorizer["jwtConfiguration"]
    return _resource(
        "Authorizer",
        api,
        Name=name,
        AuthorizerType="JWT",
        IdentitySource=[authorizer["identitySource"]],
        JwtConfiguration={"Issuer": jwt["issuer"], "Audience": jwt["audience"]},
    )


def _route(api: str, number: int, key: str, security: list[Mapping[str, Any]]) -> dict[str, Any]:
    target = {"Fn::Sub": f"integrations/${{{api}Integration{number}}}"}
    allowed: dict[str, Any] = {}
    for scheme in security:
        (name,) = scheme
        allowed = {"AuthorizationType": "JWT", "AuthorizerId": {"Ref": f"{api}{name}"}}
    return _resource("Route", api, RouteKey=key, Target=target, **allowed)


def _resource(kind: str, api: str, **properties: Any) -> dict[str, Any]:
    return {"Type": f"AWS::ApiGatewayV2::{kind}", "Properties": {"ApiId": {"Ref": api}, **properties}}
