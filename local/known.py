"""Says where the stack that runs is, in a file of the stack's folder: its API, data and table, and what time it has."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from local.scratch import STACK_FOLDER
from local.stack import Stack

KNOWN = STACK_FOLDER / "stack.json"


@contextmanager
def known(stack: Stack) -> Iterator[None]:
    """Writes the file for `make daily`, `make console` and scripts that use the API, and removes it at the end.

    `ahead_s` is how many seconds the stack's clock is ahead of the machine's, `variables` the environment of its
    functions. When two stacks run at once, the file is of the one that started later.
    """
    ahead = (stack.clock.now() - datetime.now(UTC)).total_seconds()
    its = {"url": stack.url, "endpoint": stack.data_url, "table": stack.table_name, "ahead_s": ahead}
    said = json.dumps(its | {"variables": stack.variables})
    KNOWN.write_text(said, encoding="utf-8")
    try:
        yield
    finally:
        if KNOWN.exists() and KNOWN.read_text(encoding="utf-8") == said:
            KNOWN.unlink()
