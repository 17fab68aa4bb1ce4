"""Damages what is stored, as no part of the service does."""

from typing import Any

from rl_core.models import Segment
from rl_core.store import Store


def spoil_policy(store: Store, segment: Segment, **attributes: Any) -> None:
    """Puts other attributes into a segment's policy item; None takes one away."""
    item = store.stored_policy(segment)
    assert item is not None
    spoilt = {name: value for name, value in (dict(item) | attributes).items() if value is not None}
    store.client.put_item(TableName=store.name, Item=spoilt)
