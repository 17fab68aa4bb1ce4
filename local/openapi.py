"""Writes docs/openapi.json from the handlers' own schemas, merged by Powertools.

`python -m local.openapi` writes it; with `--check` it only checks that the file is up to date, as a test does.
"""

import json
import sys
import warnings
from pathlib import Path
from typing import Any

from aws_lambda_powertools.event_handler.openapi.merge import OpenAPIMerge
from aws_lambda_powertools.event_handler.openapi.models import HTTPBearer

from local.functions import environment
from local.intrinsics import REGION
from local.template import load
from local.tokens import PARAMETERS

_POWERTOOLS_ERROR = "#/components/schemas/HTTPValidationError"
_GATEWAY_ANSWER = {"type": "object", "properties": {"message": {"type": "string"}}, "required": ["message"]}
ROOT = Path(__file__).parents[1]
OPENAPI = ROOT / "docs" / "openapi.json"

_DESCRIPTION = """Recommends concrete activities, records what people did, learns which kind of plan helps whom.

Errors are `application/problem+json` (RFC 9457); `type` is a stable word. Answers that API Gateway itself makes keep
its own JSON, `{"message": "..."}`: 401 without a valid token, 404 for an unknown route, 413 above 10 MB, 429 when
throttled, 500 and 503 when a function fails. Every route answers with and without its trailing slash."""


def generate() -> str:
    """Returns the content of docs/openapi.json."""
    merge = OpenAPIMerge(
        title="Fettle",
        version="1",
        description=_DESCRIPTION,
        security_schemes={"bearer": HTTPBearer(bearerFormat="JWT")},
        security=[{"bearer": []}],
        on_conflict="error",
    )
    merge.discover(path=ROOT / "functions", pattern="handler.py", recursive=True)
    with warnings.catch_warnings(), environment({**load(PARAMETERS).environment, "AWS_DEFAULT_REGION": REGION}):
        warnings.simplefilter("error")  # Powertools only warns of a handler that it cannot import
        document: dict[str, Any] = json.loads(merge.get_openapi_json_schema())
    return json.dumps(_tidied(document), indent=2, ensure_ascii=False) + "\n"


def _tidied(document: dict[str, Any]) -> dict[str, Any]:
    """Returns the document without answers that no route gives, such as Powertools' own validation error."""
    schemas = document["components"]["schemas"]
    for unused in ("HTTPValidationError", "ValidationError", "ResponseValidationError"):
        schemas.pop(unused, None)
    for operations in document["paths"].values():
        for operation in operations.values():
            described = operation["responses"]
            described["401"]["content"]["application/json"] = {"schema": _GATEWAY_ANSWER}
            described.get("204", {}).pop("content", None)
            operation["responses"] = {s: r for s, r in sorted(described.items()) if _POWERTOOLS_ERROR not in str(r)}
    document["components"]["schemas"] = dict(sorted(schemas.items()))
    document["paths"] = dict(sorted(document["paths"].items()))
    return document


def main() -> int:
    text = generate()
    if "--check" in sys.argv[1:]:
        return 0 if OPENAPI.read_text() == text else 1
    OPENAPI.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
