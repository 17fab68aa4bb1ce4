"""GET /assessments/ returns the scores that the user gave, newest first, one pair for each day."""

from datetime import date
from typing import Annotated, Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.event_handler.openapi.params import Query
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel

from rl_core.edge.http import answer_problems, caller, resolve, responses
from rl_core.errors import ErasingError, InvalidRequestError, ProfileRequiredError
from rl_core.store import open_store

app = APIGatewayHttpResolver(enable_validation=True)
answer_problems(app)
open_store()  # called at init, when Lambda gives the sandbox a whole processor, instead of at the first request
logger = Logger()


class AssessmentGiven(BaseModel):
    """The scores that stood at the end of one of the user's days."""

    date: date
    gad7_score: int
    active_minutes_per_week: int


class AssessmentsResponse(BaseModel):
    assessments: list[AssessmentGiven]


@app.get("/assessments", include_in_schema=False)
@app.get(
    "/assessments/",
    operation_id="assessments",
    summary="The scores that the user gave, newest first",
    description="PUT /profile/ with both scores adds one, unless the service was set up to keep none.",
    responses=responses(AssessmentsResponse, ErasingError, InvalidRequestError, ProfileRequiredError),
)
def assessments(limit: Annotated[int, Query(ge=1, le=100)] = 20) -> AssessmentsResponse:
    user, store = caller(app.current_event.raw_event), open_store()
    if store.profile(user) is None:
        raise ProfileRequiredError
    return AssessmentsResponse(
        assessments=[
            AssessmentGiven(
                date=its.day, gad7_score=its.gad7_score, active_minutes_per_week=its.active_minutes_per_week
            )
            for its in store.assessments(user, limit)
        ]
    )


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return resolve(app, event, context)
