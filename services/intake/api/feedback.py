"""Feedback over HTTP, and the end of its customer's link (api.md)."""

from typing import Annotated

from fastapi import APIRouter, Body, Depends, Request
from fastapi.responses import Response
from sqlalchemy.ext.asyncio import AsyncConnection

from services.access.rights import allowed_to, require_right
from services.contracts.base import Nothing
from services.contracts.permissions import Action, may, sees_contact
from services.intake.audit.log import reader_of, record_reading
from services.intake.feedback.queries import arrival, stored, view
from services.intake.links.revocation import revoke_link
from services.intake.schemas import FeedbackView, LinkRevocation
from services.intake.service import IntakeDep
from services.runtime.postgres.idempotency import HttpAnswer
from services.runtime.security.auth import Caller

router = APIRouter(tags=["intake"])

FeedbackReader = Annotated[Caller, Depends(allowed_to(Action.READ_FEEDBACK))]
LinkRevoker = Annotated[Caller, Depends(allowed_to(Action.REVOKE_LINK))]


@router.get("/v1/feedback/{ticket_no}")
async def read_feedback(ticket_no: str, caller: FeedbackReader, intake: IntakeDep) -> FeedbackView:
    """Show a feedback as it arrived. The contact is shortened unless the caller handles the ticket, and logged then.
    What the customer wrote is null for whoever lacks the right to notes: a key without `notes:read`.
    """
    row = await stored(intake.database, ticket_no)
    access = await intake.tickets.access(ticket_no)
    require_right(caller, Action.READ_FEEDBACK, access)
    in_full = sees_contact(caller, access)
    if in_full:
        await record_reading(intake.database, reader_of(caller), row["customer_id"], ticket_no)
    return view(row, in_full=in_full, with_texts=may(caller, Action.READ_NOTE, access))


async def _of_their_queue(ticket_no: str, caller: LinkRevoker, intake: IntakeDep) -> Caller:
    """Whoever may end the link of this very ticket; asked before anything is said about the body."""
    async with intake.database.read() as connection:
        await arrival(connection, ticket_no)
    require_right(caller, Action.REVOKE_LINK, await intake.tickets.access(ticket_no))
    return caller


TheirRevoker = Annotated[Caller, Depends(_of_their_queue)]


@router.post("/v1/feedback/{ticket_no}/revoke-link", response_model=LinkRevocation)
async def revoke_the_link(
    request: Request, ticket_no: str, caller: TheirRevoker, intake: IntakeDep, _: Annotated[Nothing, Body()]
) -> Response:
    """End the customer's link to this ticket: it opens nothing from now on. Their next notice carries a new one.

    For supervisors, or the scope `tickets:supervise`. The feedback tells who did it.
    """

    async def work(connection: AsyncConnection) -> HttpAnswer:
        done = await revoke_link(connection, ticket_no, reader_of(caller))
        return HttpAnswer(done.model_dump(mode="json"))

    return await intake.idempotency.once(request, caller, work)
