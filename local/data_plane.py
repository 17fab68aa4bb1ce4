"""Where the local stack's AWS is: MiniStack, or with DATA=dynoxide MiniStack and Dynoxide for the table."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from local import dynoxide, ministack
from local.engine import EngineError
from local.scratch import STACK_FOLDER

IMPLEMENTATIONS = ("ministack", "dynoxide")


class Endpoints(NamedTuple):
    """The URLs of the table's DynamoDB and of every other service."""

    dynamodb: str
    others: str

    @property
    def variables(self) -> dict[str, str]:
        """What makes each AWS SDK go there."""
        return {"AWS_ENDPOINT_URL": self.others, "AWS_ENDPOINT_URL_DYNAMODB": self.dynamodb}


def chosen() -> str:
    """The implementation of DynamoDB that DATA names. Raises EngineError when it names none."""
    name = os.environ.get("DATA") or IMPLEMENTATIONS[0]
    if name not in IMPLEMENTATIONS:
        raise EngineError(f"DATA={name} is no DynamoDB of the local stack; it can be {' or '.join(IMPLEMENTATIONS)}")
    return name


@contextmanager
def running(folder: Path = STACK_FOLDER) -> Iterator[Endpoints]:
    """The endpoints, while what is behind them runs."""
    if chosen() == "ministack":
        with ministack.running(folder) as both:
            yield Endpoints(both, both)
    else:
        with dynoxide.running(folder) as data, ministack.running(folder) as others:
            yield Endpoints(data, others)
