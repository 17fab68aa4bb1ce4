"""Golden items: what was stored, and what it must read as, for ever. One file for each kind of item and form.

Each entry of a file has `item`, as DynamoDB holds it (bytes as base64), and `reads`, the model as plain JSON. A form
that changes gets a new file with the next number; the old files stay as they are. A policy's table has a form of its
own, its learner's: `policy.2.posterior-2` has items of the policy's form 2 with tables of posterior/2.
tests/forms/make.py makes the files of the present forms that are not there yet.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from enum import Enum
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
SHARDS = 4  # of the index, when the first forms were stored


def plain(value: Any) -> Any:
    """Returns a model as plain JSON; floats by their bits."""
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, float):
        return value.hex()
    if isinstance(value, Mapping):
        return {plain(n) if isinstance(n, Enum | bytes) else str(n): plain(each) for n, each in value.items()}
    if isinstance(value, frozenset):
        return sorted(plain(each) for each in value)
    if isinstance(value, tuple | list):
        return [plain(each) for each in value]
    return value


def encoded(item: Any) -> Any:
    """Returns an item with its bytes as base64."""
    if isinstance(item, bytes):
        return b64encode(item).decode()
    if isinstance(item, Mapping):
        return {name: encoded(value) for name, value in item.items()}
    return [encoded(each) for each in item] if isinstance(item, list) else item


def decoded(item: Any) -> Any:
    """Returns an item as the client gives it."""
    if isinstance(item, dict):
        return {name: b64decode(v) if name == "B" and isinstance(v, str) else decoded(v) for name, v in item.items()}
    return [decoded(each) for each in item] if isinstance(item, list) else item


def load(name: str) -> list[dict[str, Any]]:
    """Returns the entries of a file, their items decoded."""
    found = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return [entry | {"item": decoded(entry["item"])} for entry in found]


def save(kind: str, form: int | str, entries: list[tuple[Mapping[str, Any], Any]]) -> None:
    """Writes the file of a kind's form, items and the models that they read as; one that is there stays as it is."""
    path = FOLDER / f"{kind}.{form}.json"
    if path.exists():
        return
    lines = [json.dumps({"item": encoded(item), "reads": plain(model)}) for item, model in entries]
    path.write_text("[\n" + ",\n".join(lines) + "\n]\n", encoding="utf-8")
