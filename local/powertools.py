"""Makes Powertools safe for threads.

Powertools keeps the current event on a class and the metrics in shared dictionaries, because a Lambda sandbox serves
one event at a time. This process serves many at once: without this module a user's request would be answered with
another user's event. Here each thread gets its own copies, as each sandbox has.
"""

import os
import threading
from collections.abc import Iterator, MutableMapping
from typing import Any

from aws_lambda_powertools.event_handler import api_gateway
from aws_lambda_powertools.metrics import Metrics

EVENT_ATTRIBUTES = ("current_event", "lambda_context")
METRIC_ATTRIBUTES = ("_metrics", "_dimensions", "_metadata")

_current = threading.local()


class ThreadDict(MutableMapping[str, Any]):
    """A dictionary with separate entries for each thread."""

    def __init__(self) -> None:
        self._local = threading.local()

    @property
    def _items(self) -> dict[str, Any]:
        items: dict[str, Any] = self._local.__dict__
        return items

    def __getitem__(self, key: str) -> Any:
        return self._items[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self._items[key] = value

    def __delitem__(self, key: str) -> None:
        del self._items[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)


class Dropped(dict[str, Any]):
    """A dictionary that keeps nothing.

    Powertools' switch for metrics stops the printing, but lets the metrics accumulate, and prints them at 100.
    """

    def __setitem__(self, key: str, value: Any) -> None:
        """Discards the entry."""


def isolate_threads() -> None:
    """Gives every thread its own event and metrics. Call it before the handlers are imported."""
    disabled = os.environ.get("POWERTOOLS_METRICS_DISABLED") == "true"
    for name in METRIC_ATTRIBUTES:
        setattr(Metrics, name, Dropped() if disabled else ThreadDict())
    module: Any = api_gateway
    if module.BaseRouter is _current:
        return
    for name in EVENT_ATTRIBUTES:
        setattr(module.BaseRouter, name, _of_this_thread(name))
    # resolve() writes to what its module calls BaseRouter; the class itself is already a base of the resolvers.
    module.BaseRouter = _current


def isolate_app(app: Any) -> None:
    """Gives every thread its own routing context, and builds what Powertools would build at a route's first request."""
    app.context = ThreadDict()
    for route in (*app._static_routes, *app._dynamic_routes):
        route.dependant  # noqa: B018 - computed at first use
        route._build_middleware_stack(router_middlewares=app._router_middlewares, app=app)


def _of_this_thread(name: str) -> property:
    return property(lambda _: getattr(_current, name))
