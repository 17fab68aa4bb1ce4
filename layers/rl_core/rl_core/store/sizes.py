"""Says how many bytes DynamoDB counts an item as."""

from collections.abc import Mapping
from typing import Any


def size(item: Mapping[str, Any]) -> int:
    """Returns the bytes of an item by DynamoDB's published rules: names and values."""
    return sum(len(name.encode()) + _size_of(value) for name, value in item.items())


def _size_of(value: Mapping[str, Any]) -> int:
    ((kind, held),) = value.items()
    if kind == "S":
        return len(held.encode())
    if kind == "N":
        digits = held.lower().partition("e")[0].replace(".", "").lstrip("-0")
        return (len(digits) + 1) // 2 + 1 + bool(held.startswith("-"))
    if kind == "B":
        return len(bytes(held))
    if kind == "L":
        return 3 + sum(1 + _size_of(element) for element in held)
    if kind == "M":
        return 3 + sum(1 + len(name.encode()) + _size_of(element) for name, element in held.items())
    if kind == "BOOL":
        return 1
    raise ValueError(f"no item of ours has a value of kind {kind}")
