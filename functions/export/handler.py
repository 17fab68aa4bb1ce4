"""GET /export/ returns all that is held of the user, page by page, for them to take along."""

import base64
import binascii
import json
from collections.abc import Iterator
from itertools import chain
from typing import Annotated, Any, Literal

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.event_handler.openapi.params import Query
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel

from rl_core.edge.exported import (
    FORMS,
    ExportAbsence,
    ExportAssessment,
    ExportConsent,
    ExportDay,
    ExportProfile,
    ExportSession,
    ExportUnlearning,
)
from rl_core.edge.http import answer_problems, caller, resolve, responses
from rl_core.errors import (
    ErasingError,
    InvalidRequestError,
    ProfileRequiredError,
    UnavailableError,
    UnreadableItemError,
)
from rl_core.store import PROFILE_SK, ReadBudget, Stored, kind_of, number_of, open_store, own_items, own_profile

app = APIGatewayHttpResolver(enable_validation=True)
answer_problems(app)
open_store()  # called at init, when Lambda gives the sandbox a whole processor, instead of at the first request
logger = Logger()

_PAGE = 512 * 1024  # bytes of the body; it is ASCII, so these are its characters
_FRAME = 1024  # of them, for the names of the lists and the token
_READ_UNITS = 256


class ExportUnreadable(BaseModel):
    """An item that could not be read; `which` is its number or date. `kind` is `other` for a newer release's item."""

    kind: str
    which: str | None


class ExportResponse(BaseModel):
    """A page. `profile` is on the first one; each other item is on one page, in no order that means anything."""

    format: Literal["fettle.export/1"]
    profile: ExportProfile | None
    consents: list[ExportConsent]
    unlearning: ExportUnlearning | None
    absences: list[ExportAbsence]
    assessments: list[ExportAssessment]
    sessions: list[ExportSession]
    days: list[ExportDay]
    unreadable: list[ExportUnreadable]
    next_token: str | None


@app.get("/export", include_in_schema=False)
@app.get(
    "/export/",
    operation_id="export",
    summary="All that is held of the user",
    description="Go on with `next_token` until it is null. A page has at most 512 KB. Each item is as it was when its "
    "page was made.",
    responses=responses(ExportResponse, ErasingError, InvalidRequestError, ProfileRequiredError),
)
def export(next_token: Annotated[str | None, Query(pattern=r"^[A-Za-z0-9_-]{1,100}$")] = None) -> ExportResponse:
    user, after = caller(app.current_event.raw_event), _place_of(next_token)
    store, budget = open_store(), ReadBudget(_READ_UNITS)
    profile = own_profile(store, user)
    if profile is None:
        raise ProfileRequiredError
    first = [] if after else [(PROFILE_SK, profile)]
    return _page(chain(first, own_items(store, user, after, budget)), budget)


def _page(items: Iterator[tuple[str, Stored]], budget: ReadBudget) -> ExportResponse:
    """Returns the page of as many of these items as it may have; its token names the last of them, if more may follow.

    Raises UnavailableError when items of a newer release, among which no token can name a place, fill the page.
    """
    page: dict[str, Any] = {form.place: None if form.single else [] for form in FORMS.values()}
    page |= {"format": "fettle.export/1", "unreadable": []}
    left, last = _PAGE - _FRAME, ""
    for sk, item in items:
        place, entry, single = _entry(sk, item)
        left -= len(json.dumps(entry.model_dump(mode="json"), separators=(",", ":"))) + 1
        if left < 0:
            break
        if single:
            page[place] = entry
        else:
            page[place].append(entry)
        last = sk if kind_of(sk) and sk != PROFILE_SK else last
    else:
        if budget.sessions(1):
            return ExportResponse(**page, next_token=None)
    if not last:
        raise UnavailableError
    return ExportResponse(**page, next_token=_token_of(last))


def _entry(sk: str, item: Stored) -> tuple[str, BaseModel, bool]:
    """Returns in which place of the page the item belongs, its entry there, and whether it is the only one."""
    kind = kind_of(sk)
    if kind is None:
        return "unreadable", ExportUnreadable(kind="other", which=None), False
    try:
        form = FORMS[kind.name]
        return form.place, form.make(kind.read(item)), form.single
    except UnreadableItemError:
        return "unreadable", ExportUnreadable(kind=kind.name, which=number_of(sk)), False


def _token_of(sk: str) -> str:
    return base64.urlsafe_b64encode(sk.encode()).decode().rstrip("=")


def _place_of(token: str | None) -> str:
    """Returns the sort key after which the page begins. Raises InvalidRequestError for a token that is not of ours."""
    if token is None:
        return ""
    try:
        sk = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode("ascii")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise InvalidRequestError from error
    if _token_of(sk) != token or sk == PROFILE_SK or kind_of(sk) is None:
        raise InvalidRequestError
    return sk


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return resolve(app, event, context)
