"""HTTP of customers' links: given to staff only to be handed over, and on record."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Body, Depends, Request
from fastapi.responses import JSONResponse
from sqlalchemy.ext.asyncio import AsyncConnection

from services.access.rights import allowed_to, require_right
from services.contracts.base import Nothing
from services.contracts.permissions import Action
from services.intake.audit.log import reader_of
from services.intake.feedback.queries import arrival
from services.intake.links.hand_over import hand_over, handed_link
from services.intake.schemas import HandedLink
from services.intake.service import IntakeDep
from services.intake.wording import WORDING
from services.runtime.errors import Forbidden
from services.runtime.postgres.idempotency import HttpAnswer
from services.runtime.security.auth import Caller

router = APIRouter(tags=["intake"])


async def _may_hand_over(
    ticket_no: str, caller: Annotated[Caller, Depends(allowed_to(Action.HAND_OVER_LINK))], intake: IntakeDep
) -> Caller:
    """Whoever may be given the link of this very ticket: nobody who could confirm their own work by it."""
    async with intake.database.read() as connection:
        await arrival(connection, ticket_no)
    access = await intake.tickets.access(ticket_no)
    require_right(caller, Action.HAND_OVER_LINK, access)
    if access.is_work_of(caller):
        raise Forbidden(WORDING.told("refused", "own_work"), code="own_work")
    return caller


@router.post("/v1/feedback/{ticket_no}/hand-over-link", response_model=HandedLink)
async def hand_over_ticket_link(
    request: Request,
    ticket_no: str,
    caller: Annotated[Caller, Depends(_may_hand_over)],
    intake: IntakeDep,
    _: Annotated[Nothing, Body()],
) -> JSONResponse:
    """Get a new link to the customer's own page, to be handed to them; the links that they have stay good.

    For clerks and supervisors, or the scope `tickets:supervise`, and for nobody who works on the ticket. Every link
    that is given away is in the audit log, and a confirmation by it names that line.
    """

    async def work(connection: AsyncConnection) -> HttpAnswer:
        return HttpAnswer(await hand_over(connection, ticket_no, reader_of(caller)))

    return await intake.idempotency.once(request, caller, work, partial(handed_link, intake.links, ticket_no))
