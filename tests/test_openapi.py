"""docs/openapi.json is generated: it may not drift from the handlers or from the template."""

import json

from local.openapi import OPENAPI, generate
from local.template import load


def test_the_document_is_what_the_handlers_generate() -> None:
    assert OPENAPI.read_text() == generate(), "run `make openapi`"


def test_it_describes_exactly_the_routes_of_the_template() -> None:
    document = json.loads(OPENAPI.read_text())
    described = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    routed = {(route.method, route.path) for route in load().routes}
    assert {route for route in routed if route[1].endswith("/")} == described


def test_every_route_answers_with_and_without_its_trailing_slash() -> None:
    routed = {(route.method, route.path) for route in load().routes}
    assert routed == {(method, path.rstrip("/") + slash) for method, path in routed for slash in ("", "/")}


def test_every_route_wants_a_token() -> None:
    assert all(route.authorised for route in load().routes)
