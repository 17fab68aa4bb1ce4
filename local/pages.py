"""Serves local pages beside the API: its OpenAPI document, Swagger UI to read and try it, and the key set."""

import json
from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path

from aws_lambda_powertools.event_handler.openapi.swagger_ui import generate_swagger_html

from local import gateway
from local.gateway import HttpResponse
from local.tokens import Tokens

OPENAPI = Path(__file__).parents[1] / "docs" / "openapi.json"
_MISSING = gateway.message(404, "docs/openapi.json is missing; `make openapi` writes it")


def pages(tokens: Tokens, openapi: Path = OPENAPI) -> Mapping[str, Callable[[], HttpResponse]]:
    """Returns the local pages by path; the OpenAPI document is read at each request, so that an edit shows."""
    jwks = json.dumps(tokens.jwks()).encode()
    return {
        "/": lambda: HttpResponse(302, headers=(("Location", "/docs"),)),
        "/docs": lambda: _docs(openapi),
        "/openapi.json": lambda: _json(openapi.read_bytes()) if openapi.exists() else _MISSING,
        "/.well-known/jwks.json": lambda: _json(jwks),
    }


def _json(body: bytes) -> HttpResponse:
    return HttpResponse(200, body, (("Content-Type", "application/json"),))


def _docs(openapi: Path) -> HttpResponse:
    """Returns Swagger UI with Powertools' copy of its script and style inline, so that it works without a network."""
    if not openapi.exists():
        return _MISSING
    document = json.loads(openapi.read_text())
    document["servers"] = [{"url": "/", "description": "this local stack"}]
    spec = json.dumps(document).replace("</", "<\\/")
    script, style = _assets()
    html = generate_swagger_html(spec, script, style, "", None, persist_authorization=True)
    return HttpResponse(200, html.encode(), (("Content-Type", "text/html; charset=utf-8"),))


@cache
def _assets() -> tuple[str, str]:
    folder = files("aws_lambda_powertools.event_handler.openapi.swagger_ui")
    script = (folder / "swagger-ui-bundle.min.js").read_text(encoding="utf-8")
    return script, (folder / "swagger-ui.min.css").read_text(encoding="utf-8")
