"""Writes the API's access log, in the template's format, to the logger `local.access_log` at INFO.

API Gateway knows more of a request than a format should ask for: path, address, who called. All that is known here too,
so that a test that searches the log would find it.
"""

import logging
import re
from dataclasses import dataclass
from typing import Any

from local.gateway import Event, HttpResponse

UNKNOWN = "-"  # what API Gateway writes for a variable that it does not know, or that has no value

_VARIABLE = re.compile(r"\$context\.([A-Za-z]+(?:\.[A-Za-z_]+)*)")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AccessLog:
    """Writes a line for each request; without a format, none."""

    format: str

    def write(self, event: Event, answer: HttpResponse, milliseconds: int, error: str = UNKNOWN) -> None:
        """Writes the line of a request, which is described as the event of its function."""
        if self.format:
            known = variables(event, answer, milliseconds, error)
            _log.info("%s", _VARIABLE.sub(lambda found: known.get(found[1], UNKNOWN), self.format))


def variables(event: Event, answer: HttpResponse, milliseconds: int, error: str) -> dict[str, str]:
    """Returns the values of the variables that a format may use, by their names after `$context.`."""
    context: dict[str, Any] = event["requestContext"]
    http, claims = context["http"], context.get("authorizer", {}).get("jwt", {}).get("claims", {})
    known = {
        "requestId": context["requestId"],
        "requestTime": context["time"],
        "requestTimeEpoch": context["timeEpoch"],
        "routeKey": context["routeKey"],
        "stage": context["stage"],
        "domainName": context["domainName"],
        "httpMethod": http["method"],
        "path": http["path"],
        "protocol": http["protocol"],
        "identity.sourceIp": http["sourceIp"],
        "identity.userAgent": http["userAgent"],
        "status": answer.status,
        "responseLength": len(answer.body),
        "responseLatency": milliseconds,
        "integrationLatency": milliseconds,
        "integrationStatus": answer.status,
        "error.message": error,
    }
    known |= {f"authorizer.claims.{name}": value for name, value in claims.items()}
    return {name: str(value) for name, value in known.items()}
