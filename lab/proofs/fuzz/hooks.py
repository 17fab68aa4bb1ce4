"""Tells schemathesis what it cannot know: who asks, and which activities are the caller's own.

schemathesis loads this file in its own environment. Most valid requests name activities of the caller's open session,
so that they reach the rules behind the schema; the ids of a batch belong to one session, which no schema can say. Only
certain users ask to be erased: otherwise all users would soon be in erasure.
"""

import atexit
import json
import os
import random
import urllib.error
import urllib.request
from base64 import urlsafe_b64encode
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import schemathesis
from hypothesis import strategies

URL = os.environ["FETTLE_FUZZ_URL"]
REPORT = Path(os.environ["FETTLE_FUZZ_REPORT"])
TOKENS: list[str] = json.loads(os.environ["FETTLE_FUZZ_TOKENS"])
STAYING, LEAVING = TOKENS[:-4], TOKENS[-4:]
ZONES = ("UTC", "Europe/Berlin", "America/St_Johns", "Asia/Kathmandu", "Pacific/Kiritimati")
OWN = 0.8  # share of valid requests that name the caller's own activities
UNKNOWN = 404
COMPLETE, BATCH = "/activity/{id}/complete/", "/activity/feedback-batch/"
CONSENT, PAUSE = "/consent/", "/pause/"
EXPLANATION, EXPORT = "/explanation/{session_id}/", "/export/"
PAUSED = 409
LONGEST = 180 * 24 * 3600

draw = random.Random(0)
answered: defaultdict[str, Counter[int]] = defaultdict(Counter)
schemathesis.openapi.format("iana-time-zone", strategies.sampled_from(ZONES))


@schemathesis.auth(refresh_interval=None)
class Users:
    """Chooses a user for each request; users who ask to be erased send only reads besides."""

    def get(self, case: Any, context: Any) -> str:
        """Returns the token of a random user."""
        del context
        if case.method.upper() == "DELETE" and case.path != PAUSE:
            return draw.choice(LEAVING)
        return draw.choice(STAYING if case.method.upper() == "PUT" else TOKENS)

    def set(self, case: Any, data: str, context: Any) -> None:
        """Adds the token to the request."""
        del context
        case.headers = {**(case.headers or {}), "Authorization": f"Bearer {data}"}


@schemathesis.hook
def before_call(context: Any, case: Any, **kwargs: Any) -> None:
    """Puts a session or activities of one into a valid request, mostly those of the caller's open session.

    Has a valid request that takes back what was learned also withdraw, for the caller may not have done so before, and
    a valid pause end within the time that a pause may last. Gives an export a token that names a place.
    """
    del context, kwargs
    if not (case.meta and case.meta.generation.mode.is_positive):
        return
    if case.path == CONSENT and case.method.upper() == "PUT" and case.body.get("unlearn"):
        case.body["learn"] = False
    if case.path == PAUSE and case.method.upper() == "PUT":
        case.body["until"] = f"{datetime.now(UTC) + timedelta(seconds=draw.randrange(60, LONGEST)):%Y-%m-%dT%H:%M:%SZ}"
    if case.path == EXPORT and (case.query or {}).get("next_token") is not None:
        case.query["next_token"] = urlsafe_b64encode(b"SESSION#%08d" % draw.randrange(1, 100)).decode().rstrip("=")
    token = str((case.headers or {}).get("Authorization", "")).removeprefix("Bearer ")
    if case.path == EXPLANATION and token in STAYING and draw.random() < OWN:
        case.path_parameters["session_id"] = _open_activities(token)[0] // 10
    if case.path not in (COMPLETE, BATCH):
        return
    ids = _open_activities(token) if token in STAYING and draw.random() < OWN else _elsewhere(case)
    if case.path == COMPLETE:
        case.path_parameters["id"] = draw.choice(ids)
    else:
        case.body["activities"] = case.body["activities"][: len(ids)]
        for item, its in zip(case.body["activities"], draw.sample(ids, len(ids)), strict=False):
            item["activity_id"] = its


@schemathesis.hook
def after_call(context: Any, case: Any, response: Any) -> None:
    """Counts the answer by operation and status."""
    del context
    answered[f"{response.request.method} {case.path}"][response.status_code] += 1


@schemathesis.check
def an_undeclared_method_is_an_unknown_route(context: Any, response: Any, case: Any) -> None:
    """Expects a 404, as API Gateway's HTTP APIs answer; schemathesis' own check wants 405."""
    del context
    scenario = getattr(case.meta.phase.data, "scenario", None) if case.meta else None
    if scenario is not None and scenario.value == "unspecified_http_method":
        assert response.status_code == UNKNOWN, f"{response.request.method} answers {response.status_code}"


@atexit.register
def report() -> None:
    """Writes the counts to the file that `lab.proofs.fuzz` reads."""
    REPORT.write_text(json.dumps(answered))


def _elsewhere(case: Any) -> list[int]:
    """Returns the ids of the session that the drawn id belongs to; it may be anybody's session."""
    drawn = case.path_parameters["id"] if case.path == COMPLETE else case.body["activities"][0]["activity_id"]
    return [int(drawn) // 10 * 10 + position for position in range(1, 8)]


def _open_activities(token: str) -> list[int]:
    """Returns the activity ids of the user's open session, or of a new one; ends a pause that holds."""
    try:
        plan = _ask(token, "GET", "/activity/recommended/")
    except urllib.error.HTTPError as error:
        if error.code != PAUSED:
            raise
        _ask(token, "DELETE", PAUSE)
        plan = _ask(token, "GET", "/activity/recommended/")
    return [activity["id"] for activity in plan["activities"]]


def _ask(token: str, method: str, path: str) -> Any:
    request = urllib.request.Request(URL + path, headers={"Authorization": f"Bearer {token}"}, method=method)  # noqa: S310 - our own address
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
        return json.loads(answer.read() or "null")
