"""Says what it received: Powertools' resolver and metrics, as in the real functions."""

import os
import time
from typing import Any

from aws_lambda_powertools import Metrics
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response

app = APIGatewayHttpResolver()
metrics = Metrics()


@app.get("/things/<thing>/")
@app.get("/things/<thing>")
def get_thing(thing: str) -> dict[str, Any]:
    """Answers late, and counts twice, so that a neighbour's event would show."""
    time.sleep(0.005)
    metrics.add_metric("Answered", "Count", 1)
    return {"thing": thing, "event": app.current_event.raw_event, "greeting": os.environ["GREETING"]}


@app.put("/thing")
def put_thing() -> Response[str]:
    """Gives the body back."""
    return Response(201, "text/plain", app.current_event.decoded_body)


@app.get("/fail")
def fail() -> None:
    """Fails, and must not say why."""
    raise RuntimeError("a secret")


@app.get("/open")
def say_open() -> dict[str, str]:
    """Needs no token."""
    return {"open": "yes"}


@metrics.log_metrics
def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """The function's entry."""
    metrics.add_metric("Called", "Count", 1)
    return app.resolve(event, context)
