"""Intake over HTTP: feedback, and the end of its customer's link (api.md)."""

from typing import Annotated

from fastapi import APIRouter, Body, Depends, Request
from fastapi.responses import Response
from sqlalchemy.ext.asyncio import AsyncConnection

from services.access.rights import allowed_to, require_right
from services.contracts.base import Nothing
from services.contracts.feedback import Feedback
from services.contracts.names import Role
from services.contracts.permissions import Action, may, sees_contact
from services.intake.audit.log import reader_of, record
from services.intake.feedback.origins import origin_of
from services.intake.feedback.queries import arrival, supplied_to, view
from services.intake.links.revocation import revocations, revoke_link
from services.intake.schemas import (
    FeedbackView,
    LinkRevocation,
    Registered,
)
from services.intake.service import Intake, IntakeDep
from services.runtime.http.openapi import LOCATED
from services.runtime.postgres.idempotency import HttpAnswer, replay_headers
from services.runtime.role_parts import service
from services.runtime.security.auth import Caller

router = APIRouter(tags=["intake"])

FeedbackSender = Annotated[Caller, Depends(allowed_to(Action.REGISTER_FEEDBACK))]
FeedbackReader = Annotated[Caller, Depends(allowed_to(Action.READ_FEEDBACK))]
LinkRevoker = Annotated[Caller, Depends(allowed_to(Action.REVOKE_LINK))]


@router.post("/v1/feedback", status_code=201, response_model=Registered, responses=LOCATED)
async def register_feedback(request: Request, feedback: Feedback, caller: FeedbackSender) -> Response:
    """Register a feedback: it gets its ticket number and promised times, and is never lost from then on.

    Needs a channel and a description; from forms and programs also a name and one contact. What else is missing is
    told in `missing` and asked for at the review. The same `Idempotency-Key` and body answer the same ticket.
    """
    intake: Intake = service(request, Role.INTAKE)  # no dependency: each costs a twentieth of a registration
    origin = origin_of(caller, feedback.channel, intake.idempotency.keyed(request, caller))
    receipt = await intake.registrar.register(feedback, origin)
    headers = {
        "Location": f"/v1/tickets/{receipt.registered.ticket_no}",
        **replay_headers(repeated=receipt.replayed),
    }
    content = receipt.registered.model_dump_json()
    return Response(content, status_code=201, headers=headers, media_type="application/json")


@router.get("/v1/feedback/{ticket_no}")
async def read_feedback(ticket_no: str, caller: FeedbackReader, intake: IntakeDep) -> FeedbackView:
    """Show a feedback as it arrived. The contact is shortened unless the caller handles the ticket, and logged then.
    What the customer wrote is null for whoever lacks the right to notes: a key without `notes:read`.
    """
    async with intake.database.read() as connection:
        row = await arrival(connection, ticket_no)
    access = await intake.tickets.access(ticket_no)
    require_right(caller, Action.READ_FEEDBACK, access)
    in_full = sees_contact(caller, access)
    async with intake.database.begin() as connection:
        supplied = await supplied_to(connection, ticket_no)
        revoked = await revocations(connection, ticket_no)
        if in_full:
            await record(connection, reader_of(caller), [(row["customer_id"], ticket_no)])
    return view(row, supplied, revoked, in_full=in_full, with_texts=may(caller, Action.READ_NOTE, access))


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
