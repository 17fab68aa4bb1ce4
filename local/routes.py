"""Finds the template's route for a request, and makes the event that its function receives."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule

from local.facts import Route
from local.gateway import Event, HttpRequest, event_of


class Match(NamedTuple):
    """The route of a request, and the values of the route's parameters in the request's path."""

    route: Route
    parameters: Mapping[str, str]

    def event(self, request: HttpRequest, claims: Mapping[str, Any] | None, now: datetime) -> Event:
        """Returns the event that the route's function receives for the request."""
        return event_of(request, route_key=self.route.key, path_parameters=self.parameters, claims=claims, now=now)


class Routes:
    """Finds the route of a request."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._routes = {(route.method, route.path): route for route in routes}
        rules = [Rule(_rule(path), endpoint=path) for path in dict.fromkeys(path for _, path in self._routes)]
        self._paths = Map(rules, merge_slashes=False).bind("localhost")

    def match(self, request: HttpRequest) -> Match | None:
        """Returns the route of this exact path and method, or None; without its slash a path is another, as on AWS."""
        try:
            path, parameters = self._paths.match(request.path)
        except HTTPException:
            return None
        route = self._routes.get((request.method, path))
        return Match(route, parameters) if route else None


def _rule(path: str) -> str:
    """Returns the template's path in werkzeug's notation: "/activity/{id}" becomes "/activity/<id>"."""
    return path.replace("{", "<").replace("}", ">")
