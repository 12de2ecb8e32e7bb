"""Endpoints for intake's pages, on the internal port: their ticket, and the commands that are theirs."""

from typing import Annotated

from fastapi import APIRouter, Body, Response
from fastapi.responses import JSONResponse
from pydantic import ValidationError

from services.contracts.base import Message
from services.contracts.commands.ending import Confirm
from services.contracts.customer import CUSTOMER_COMMANDS, CustomerCommand
from services.contracts.vocabulary import CommandName
from services.runtime.errors import Conflict, IdempotencyKeyReused, NotFound, ValidationFailed
from services.runtime.http.problems import field_errors
from services.runtime.security.auth import Caller, PeerDep
from services.workflow.service import TicketsDep
from services.workflow.views.customer_page import customer_ticket
from services.workflow.views.ticket_row import TicketRow

router = APIRouter(include_in_schema=False)


@router.get("/internal/tickets/{ticket_no}/customer-page")
async def read_customer_page(tickets: TicketsDep, _: PeerDep, ticket_no: str) -> Response:
    """Everything that the customer's own page shows of a ticket."""
    ticket = await tickets.showing.existing(ticket_no)
    shown = await customer_ticket(tickets.queries, ticket)
    return Response(shown.model_dump_json(), media_type="application/json")


@router.post("/internal/tickets/{ticket_no}/customer-commands/{command}")
async def give_customer_command(
    tickets: TicketsDep, _: PeerDep, ticket_no: str, command: CommandName, asked: Annotated[CustomerCommand, Body()]
) -> Response:
    """Give a command for the customer of the ticket, who holds its link; answers when the effect is durable.

    A key that came with other words is a conflict `idempotency_key_reused`, a form that was drawn from what no longer
    holds is one `outdated`.
    """
    body = _validated(command, asked)
    ticket = await tickets.showing.existing(ticket_no)
    customer = customer_of(ticket)
    keyed = tickets.idempotency.under(customer, asked.key, asked.body)
    admission = await tickets.commands.admit(ticket_no, command, customer, keyed)
    try:
        taken = await tickets.commands.take(admission, body, basis=asked.basis)
    except IdempotencyKeyReused as error:
        raise Conflict(code=IdempotencyKeyReused.default_code) from error
    return JSONResponse({"ticket_no": ticket_no, "repeated": taken.repeated})


def customer_of(ticket: TicketRow) -> Caller:
    """The customer of a ticket, as somebody who gives commands."""
    return Caller(kind="customer", id=ticket.row["customer_id"], name="")


def _validated(command: CommandName, asked: CustomerCommand) -> Message:
    model = CUSTOMER_COMMANDS.get(command)
    if model is None:
        raise NotFound
    try:
        body = model.model_validate(asked.body)
    except ValidationError as error:
        raise ValidationFailed(field_errors(error.errors())) from error
    return Confirm(hand_over=asked.hand_over) if command is CommandName.CONFIRM else body
