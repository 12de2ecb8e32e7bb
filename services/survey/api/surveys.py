"""HTTP of the survey service: surveys, answers taken by phone, questionnaires, the satisfaction report (api.md)."""

from typing import Annotated

from fastapi import APIRouter, Body, Depends, Query, Request
from fastapi.responses import JSONResponse
from sqlalchemy.ext.asyncio import AsyncConnection

from services.access.rights import allowed_to
from services.contracts.base import Message, Nothing
from services.contracts.permissions import Action
from services.contracts.survey import Answer, Questionnaire
from services.runtime.errors import ValidationFailed
from services.runtime.http.paging import page
from services.runtime.postgres.idempotency import HttpAnswer
from services.runtime.security.auth import Caller
from services.runtime.turns import Turns
from services.survey.answers.answers import refuse_own
from services.survey.answers.questionnaires import misfits
from services.survey.answers.refusals import AlreadyAnswered
from services.survey.reports.satisfaction import By, ReportFilters, ReportRow, rows
from services.survey.reports.summary import Summary, summary
from services.survey.service import SurveysDep
from services.survey.states import Row, lock
from services.survey.views.queries import SurveyFilters
from services.survey.views.views import HandedSurveyLink, SurveyPage, SurveyView, survey_view

router = APIRouter()

Reader = Annotated[Caller, Depends(allowed_to(Action.READ_SURVEY))]
Recorder = Annotated[Caller, Depends(allowed_to(Action.ANSWER_SURVEY))]
ReportReader = Annotated[Caller, Depends(allowed_to(Action.READ_REPORT))]


TURNS = Turns(at_once=4, each=2)
"""Reports, each of which reads a period's answers many times over."""


async def entrusted(surveys: SurveysDep, caller: Recorder, survey_id: str) -> Row:
    """The survey that the caller may answer for its customer; 403 before the body is looked at."""
    row = await surveys.require(survey_id, caller, Action.ANSWER_SURVEY)
    refuse_own(row, caller)
    return row


class SatisfactionReport(Message):
    """Rows by what was asked for, and the figures of the whole period."""

    by: By
    items: tuple[ReportRow, ...]
    next_cursor: str | None
    summary: Summary


@router.get("/v1/surveys", tags=["surveys"], response_model=SurveyPage)
async def list_surveys(surveys: SurveysDep, caller: Reader, filters: Annotated[SurveyFilters, Query()]) -> JSONResponse:
    """List the surveys of tickets that were yours to read when they closed, the newest first."""
    found, following = await surveys.queries.page(caller, filters)
    return JSONResponse(page([survey_view(row, caller) for row in found], following))


@router.get("/v1/surveys/{survey_id}", tags=["surveys"], response_model=SurveyView)
async def read_survey(surveys: SurveysDep, caller: Reader, survey_id: str) -> JSONResponse:
    """Show one survey."""
    row = await surveys.require(survey_id, caller, Action.READ_SURVEY)
    return JSONResponse(survey_view(row, caller))


@router.get("/v1/surveys/{survey_id}/questionnaire", tags=["surveys"], response_model=Questionnaire)
async def read_questionnaire(surveys: SurveysDep, caller: Reader, survey_id: str) -> Questionnaire:
    """Show what the customer is asked, in the version that the survey was made with."""
    row = await surveys.require(survey_id, caller, Action.READ_SURVEY)
    return await surveys.questionnaires.version(row["questionnaire"], row["questionnaire_version"])


@router.post("/v1/surveys/{survey_id}/answer", tags=["surveys"], response_model=SurveyView)
async def answer_survey(
    request: Request,
    surveys: SurveysDep,
    caller: Recorder,
    survey_id: str,
    row: Annotated[Row, Depends(entrusted)],
    answer: Annotated[Answer, Body()],
) -> JSONResponse:
    """Record what the customer said on the phone. Never for your own ticket; it is marked as yours, and final."""
    asked = await surveys.questionnaires.version(row["questionnaire"], row["questionnaire_version"])

    async def work(connection: AsyncConnection) -> HttpAnswer:
        if errors := misfits(asked, answer):
            raise ValidationFailed(errors)
        await surveys.answering.by_staff(connection, survey_id, answer, caller)
        recorded = await lock(connection, survey_id)
        return HttpAnswer(survey_view(recorded or row, caller))

    return await surveys.idempotency.once(request, caller, work)


@router.post("/v1/surveys/{survey_id}/hand-over-link", tags=["surveys"], response_model=HandedSurveyLink)
async def hand_over_survey_link(
    request: Request,
    surveys: SurveysDep,
    caller: Recorder,
    row: Annotated[Row, Depends(entrusted)],
    _: Annotated[Nothing, Body()],
) -> JSONResponse:
    """Get the customer's link to a survey that takes answers, to be handed to them. Never for your own ticket; every
    link that is given away is in the audit log."""

    async def work(_: AsyncConnection) -> HttpAnswer:
        surveys.answering.require_open(row, surveys.answering.now())
        if row["answered_at"] is not None:
            raise AlreadyAnswered
        await surveys.log_hand_over(row, caller)
        return HttpAnswer({"survey_id": row["id"]})

    def link(_: object) -> dict[str, str]:
        # Made anew at a repeat too: a stored answer would keep the customer's secret.
        return {"link": surveys.links.to(row["id"], row["nonce"])}

    return await surveys.idempotency.once(request, caller, work, link)


@router.get(
    "/v1/reports/satisfaction", tags=["reports"], response_model=SatisfactionReport, dependencies=[TURNS.of_question()]
)
async def report_satisfaction(
    surveys: SurveysDep, caller: ReportReader, filters: Annotated[ReportFilters, Query()]
) -> SatisfactionReport:
    """Report what customers answered in a period: rows by dimension, department, category, product, owner, channel or
    month, and a summary. `GET /v1/surveys` with the same filters lists the surveys behind every number."""
    zone = surveys.queries.zone
    async with surveys.database.read() as connection:
        found, following = await rows(connection, caller, filters, zone)
        figures = await summary(connection, caller, filters, zone)
    return SatisfactionReport(by=filters.by, items=tuple(found), next_cursor=following, summary=figures)
