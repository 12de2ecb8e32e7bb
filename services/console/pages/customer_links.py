"""The customer's links on a ticket: ended when they came into the wrong hands, given away only to be handed over."""

from fastapi import Request
from fastapi.responses import Response

from services.console.pages.ticket import REVOKED, shown
from services.console.public_api.client import path
from services.console.service import Page, PageDep
from services.console.shell.confirmation import Confirmation, ask, is_confirmed
from services.console.shell.routes import page_router, see_said
from services.console.tickets import overview
from services.runtime.pages.forms import read_form, require_key

router = page_router()


@router.post("/tickets/{ticket_no}/link/revoke")
async def revoke_link(ticket_no: str, request: Request, page: PageDep) -> Response:
    """End the customer's link, which came into the wrong hands."""
    form = await read_form(request)
    key, text = require_key(form), page.words.text
    if not is_confirmed(form):
        asked, button = text("ticket.revoke_link.ask", number=ticket_no), text("ticket.revoke_link")
        question = Confirmation(asked, text("ticket.revoke_link.hint"), button, path("tickets", ticket_no))
        return ask(page, form, question)
    await page.desk.post(path("v1", "feedback", ticket_no, "revoke-link"), {}, key=key)
    return see_said(f"{path('tickets', ticket_no)}?done={REVOKED}")


@router.post("/tickets/{ticket_no}/link/hand-over")
async def hand_over_ticket(ticket_no: str, request: Request, page: PageDep) -> Response:
    """Show a new link to the customer's own page, to be handed to them."""
    return await _hand_over(page, ticket_no, path("v1", "feedback", ticket_no, "hand-over-link"), request)


@router.post("/tickets/{ticket_no}/surveys/{survey_id}/hand-over")
async def hand_over_survey(ticket_no: str, survey_id: str, request: Request, page: PageDep) -> Response:
    """Show the customer's link to a survey, to be handed to them."""
    return await _hand_over(page, ticket_no, path("v1", "surveys", survey_id, "hand-over-link"), request)


async def _hand_over(page: Page, ticket_no: str, address: str, request: Request) -> Response:
    """The link stands on the page and nowhere else: no address, which programs keep, holds a customer's secret."""
    given = await page.desk.post(address, {}, key=require_key(await read_form(request)))
    return shown(page, await overview.overview(page, ticket_no), handed=given["link"])
