"""Runs the service that is compared with the model: the functions in this process, on an engine of the local stack.

The engine is the one to which AWS_ENDPOINT_URL_DYNAMODB leads.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from local.data_plane import Endpoints
from local.functions import Functions, environment
from local.stack import variables
from local.template import load
from local.wire import shortened
from rl_core.config import settings
from rl_core.store import open_day_table, open_store

Table = dict[tuple[str, str], dict[str, Any]]

TEMPLATE = load()
_QUIET = {"POWERTOOLS_METRICS_DISABLED": "true", "POWERTOOLS_LOG_LEVEL": "CRITICAL"}


@contextmanager
def empty_table() -> Iterator[None]:
    """Runs the service on a new table until the end of the block."""
    engine = os.environ["AWS_ENDPOINT_URL_DYNAMODB"]
    with environment(variables(TEMPLATE, Endpoints(engine, engine)) | _QUIET):
        _forget()
        with shortened(client(), os.environ["AWS_ACCESS_KEY_ID"]):
            TEMPLATE.create_tables(client())
            yield
            TEMPLATE.delete_tables(client())
        _forget()


def _forget() -> None:
    """Clears the layer's caches (settings, store, day table), because they belong to one table."""
    for kept in (settings, open_store, open_day_table):
        kept.cache_clear()


def client() -> Any:
    """Returns the client that the functions use."""
    return open_store().client


@lru_cache(maxsize=1)
def _functions() -> Functions:
    return Functions(TEMPLATE, fresh=False)


def invoke(function: str, event: Any) -> Any:
    """Calls a function as Lambda does, and returns its answer."""
    return _functions().invoke(function, event)


def run_job(function: str, now: int) -> dict[str, int]:
    """Runs the job as scheduled for that second, and returns what it counted."""
    counts: dict[str, int] = invoke(function, {"time": datetime.fromtimestamp(now, UTC).isoformat()})
    return counts


def read_table() -> Table:
    """Returns every item by its key."""
    pages = client().get_paginator("scan").paginate(TableName=TEMPLATE.table.name)
    return {(i["pk"]["S"], i["sk"]["S"]): dict(i) for page in pages for i in page["Items"]}
