"""The survey service's endpoints for other services, on the internal port."""

from typing import Annotated, Any

from fastapi import APIRouter, Body

from services.contracts.notice import NoticeStanding
from services.runtime.security.auth import PeerDep
from services.survey.service import SurveysDep

router = APIRouter(include_in_schema=False)


@router.post("/internal/surveys/{survey_id}/delivered")
async def tell_of_delivery(
    surveys: SurveysDep, _: PeerDep, survey_id: str, standing: Annotated[NoticeStanding | None, Body()] = None
) -> dict[str, str]:
    """Hear that the notice of an invitation went, or never will; who does not say where it stands is asked. Safe to
    repeat; an unknown survey is passed by."""
    await surveys.standings.delivered(survey_id, standing)
    return {"survey_id": survey_id}


@router.get("/internal/tickets/{ticket_no}/cycles/{cycle}/survey-page")
async def find_page(surveys: SurveysDep, _: PeerDep, ticket_no: str, cycle: int) -> dict[str, str | None]:
    """Tell where the customer of a ticket answers the survey of a cycle: for their own page, and shown to nobody else.
    Null where there is nothing to answer."""
    row = await surveys.queries.find_of(ticket_no, cycle)
    return {"path": None if row is None else surveys.open_page(row)}


@router.get("/internal/questionnaires")
async def list_questionnaires(surveys: SurveysDep, _: PeerDep) -> dict[str, Any]:
    """Name the questionnaires that there are, each with its latest version: policies may name no others."""
    return {"items": [{"id": id_, "version": version} for id_, version in await surveys.questionnaires.ids()]}
