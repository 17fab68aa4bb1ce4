"""Reads CloudFormation's YAML tags and evaluates its functions, those that the template uses; others are an error."""

import re
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import yaml

ACCOUNT = "000000000000"
REGION = "us-east-1"
STACK_NAME = "fettle-local"
PSEUDO_PARAMETERS = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::StackName": STACK_NAME,
    "AWS::URLSuffix": "amazonaws.com",
}


NO_VALUE = object()  # what !Ref AWS::NoValue gives: the entry or property is left out


class TemplateError(Exception):
    """Raised when the template uses something that the local stack does not understand."""


@dataclass(frozen=True, slots=True)
class Call:
    """A CloudFormation function that is not evaluated yet: `!Ref Table` is Call("Ref", "Table")."""

    function: str
    argument: Any


class _Loader(yaml.CSafeLoader):
    """A SafeLoader that keeps CloudFormation's tags as calls and raises TemplateError for a repeated key."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        twice = {key for key in keys if keys.count(key) > 1}
        if twice:
            raise TemplateError(f"line {node.start_mark.line + 1}: given twice: {', '.join(map(str, sorted(twice)))}")
        return super().construct_mapping(node, deep=deep)


def _construct_call(loader: _Loader, suffix: str, node: yaml.Node) -> Call:
    if isinstance(node, yaml.ScalarNode):
        return Call(suffix, loader.construct_scalar(node))
    if isinstance(node, yaml.SequenceNode):
        return Call(suffix, loader.construct_sequence(node, deep=True))
    if isinstance(node, yaml.MappingNode):
        return Call(suffix, loader.construct_mapping(node, deep=True))
    raise TemplateError(f"!{suffix}: neither text, list nor mapping")


_Loader.add_multi_constructor("!", _construct_call)


@lru_cache(maxsize=4)
def parse(text: str) -> dict[str, Any]:
    """Returns the template's YAML as plain values and calls. It is kept for the next call, so nobody may change it."""
    document = yaml.load(text, Loader=_Loader)
    if not isinstance(document, dict):
        raise TemplateError("not a template: the top level is no mapping")
    return document


@dataclass(slots=True)
class Resolver:
    """Evaluates the calls in a value, with the parameters and conditions of one template."""

    parameters: Mapping[str, Any]
    conditions: Mapping[str, Any]
    physical_ids: Mapping[str, str]
    attributes: Mapping[str, str]
    _functions: dict[str, Callable[[Any], Any]] = field(init=False)

    def __post_init__(self) -> None:
        self._functions = {
            "Ref": self._ref,
            "Sub": self._sub,
            "GetAtt": self._get_att,
            "If": self._if,
            "Equals": self._equals,
            "Not": self._not,
            "Condition": self.condition,
        }

    def resolve(self, value: Any) -> Any:
        """Returns the value with every call in it replaced by its result."""
        if isinstance(value, Call):
            return self._evaluate(value)
        if isinstance(value, dict):
            call = _long_form(value)
            if call:
                return self._evaluate(call)
            resolved = {key: self.resolve(item) for key, item in value.items()}
            return {key: item for key, item in resolved.items() if item is not NO_VALUE}
        if isinstance(value, list):
            return [item for item in map(self.resolve, value) if item is not NO_VALUE]
        return value

    def condition(self, name: str) -> bool:
        """Returns whether the template's condition of that name holds."""
        if name not in self.conditions:
            raise TemplateError(f"there is no condition {name}")
        return bool(self.resolve(self.conditions[name]))

    def _evaluate(self, call: Call) -> Any:
        function = self._functions.get(call.function)
        if function is None:
            raise TemplateError(f"!{call.function} is not understood by the local stack")
        return function(call.argument)

    def _ref(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return NO_VALUE
        for values in (self.parameters, PSEUDO_PARAMETERS, self.physical_ids):
            if name in values:
                return values[name]
        raise TemplateError(f"!Ref {name}: no such parameter or resource")

    def _get_att(self, argument: str | list[str]) -> str:
        name = argument if isinstance(argument, str) else ".".join(argument)
        if name not in self.attributes:
            raise TemplateError(f"!GetAtt {name} is not known locally")
        return self.attributes[name]

    def _sub(self, argument: str | list[Any]) -> str:
        text, given = (argument, {}) if isinstance(argument, str) else (argument[0], self.resolve(argument[1]))

        def replacement(match: re.Match[str]) -> str:
            name = match[1]
            if name.startswith("!"):
                return "${" + name[1:] + "}"
            if name in given:
                return text_of(given[name])
            return text_of(self._get_att(name) if "." in name else self._ref(name))

        return re.sub(r"\$\{([^}]+)\}", replacement, text)

    def _if(self, argument: list[Any]) -> Any:
        name, then, otherwise = argument
        return self.resolve(then if self.condition(name) else otherwise)

    def _equals(self, argument: list[Any]) -> bool:
        left, right = self.resolve(argument)
        return text_of(left) == text_of(right)

    def _not(self, argument: list[Any]) -> bool:
        (condition,) = self.resolve(argument)
        return not condition


def text_of(value: Any) -> str:
    """Returns a value as the text that CloudFormation passes on."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise TemplateError(f"expected text or a number, not {value!r}")


def _long_form(value: dict[str, Any]) -> Call | None:
    """Returns the call of a tag's long form, such as `{"Fn::Sub": ...}` or `{"Ref": ...}`; None for other mappings."""
    if len(value) != 1:
        return None
    ((key, argument),) = value.items()
    if key == "Ref" or str(key).startswith("Fn::"):
        return Call(str(key).removeprefix("Fn::"), argument)
    return None
