"""Judges the lights each hour, keeps how they stand in one item, and counts the red ones; the event has the time."""

from contextlib import suppress
from datetime import datetime
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from rl_core.config import settings
from rl_core.days import Colour
from rl_core.errors import ConflictError
from rl_core.store import Watch, open_store
from rl_core.work import UNITS, attempts, look

logger = Logger()
metrics = Metrics()


@metrics.log_metrics
@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    del context
    watch = Watch(open_store(), UNITS)
    seen = look(watch, settings(), datetime.fromisoformat(event["time"]))
    with suppress(ConflictError):  # another run of the same hour was faster, and saw the same
        for attempt in attempts(but=frozenset({"guard"})):
            with attempt:
                watch.save_guard(seen.guard)
    red, yellow = ([light.name for light in seen.lights if light.colour is its] for its in (Colour.RED, Colour.YELLOW))
    metrics.add_metric(name="GuardrailsRed", unit=MetricUnit.Count, value=len(red))
    units = UNITS - watch.budget.left
    logger.info("lights", extra={"red": red, "yellow": yellow, "units": units})
    return {"red": red, "yellow": yellow, "units": units}
