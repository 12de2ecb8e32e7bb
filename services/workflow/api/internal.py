"""Endpoints for other services and `reconcile`, on the internal port."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Body, Path, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import Field
from temporalio.service import RPCError

from services.contracts.base import Message
from services.contracts.feed import Remark
from services.contracts.feedback import Registration
from services.runtime.errors import Unavailable
from services.runtime.security.auth import PeerDep
from services.workflow.journal.cursors import LARGEST_SEQ
from services.workflow.service import TicketsDep
from services.workflow.views.ticket_row import TicketRow

router = APIRouter(include_in_schema=False)


class TicketNumbers(Message):
    """Tickets that another service asks about."""

    ticket_nos: Annotated[tuple[str, ...], Field(max_length=200)]


class RegistrationBatch(Message):
    """A batch from intake's relay."""

    items: Annotated[tuple[Registration, ...], Field(max_length=500)]


@router.post("/internal/tickets")
async def register(tickets: TicketsDep, _: PeerDep, batch: Annotated[RegistrationBatch, Body()]) -> Response:
    """Enter registrations; safe to repeat."""
    await tickets.arrivals.hand_over(batch.items)
    return JSONResponse({"items": [{"ticket_no": each.ticket_no, "registered": True} for each in batch.items]})


@router.get("/internal/tickets/{ticket_no}/access")
async def read_access(tickets: TicketsDep, caller: PeerDep, ticket_no: str) -> Response:
    """Tell what the permission table asks of a ticket."""
    return JSONResponse(_access(await tickets.showing.find(ticket_no, caller)))


@router.post("/internal/tickets/accesses")
async def read_accesses(tickets: TicketsDep, _: PeerDep, asked: Annotated[TicketNumbers, Body()]) -> Response:
    """The same for several tickets; those that are not here yet are left out."""
    found = await tickets.queries.find_all(asked.ticket_nos)
    return JSONResponse({"items": [_access(ticket) for ticket in found]})


def _access(ticket: TicketRow) -> dict[str, Any]:
    return {
        "ticket_no": ticket.row["ticket_no"],
        "phase": ticket.phase,
        "department": ticket.department,
        "owner": ticket.owner,
        "co_owners": list(ticket.co_owners),
        "complaint_about": ticket.row["complaint_about"],
    }


@router.post("/internal/tickets/{ticket_no}/remarks")
async def enter_remark(tickets: TicketsDep, _: PeerDep, ticket_no: str, remark: Annotated[Remark, Body()]) -> Response:
    """Enter what another service has to say in the ticket's journal; answers when it is durable. Safe to repeat."""
    seq = await tickets.remarks.enter(ticket_no, remark)
    return JSONResponse({"ticket_no": ticket_no, "seq": seq})


@router.post("/internal/reconcile")
async def reconcile(tickets: TicketsDep, _: PeerDep) -> Response:
    """Compare tickets and running workflows; what is missing is started again, what is unknown is named."""
    try:
        found = await tickets.reconciler.compare()
    except (RPCError, RuntimeError) as error:  # the second until the first connection succeeds
        raise Unavailable(code="engine_unavailable") from error
    return JSONResponse(asdict(found))


@router.get("/internal/events")
async def read_feed(
    request: Request,
    tickets: TicketsDep,
    _: PeerDep,
    after: Annotated[str | None, Query(max_length=1000)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    wait: Annotated[float, Query(ge=0, le=30)] = 0,
    only: Annotated[str, Query(max_length=1000)] = "",
) -> Response:
    """A page of the feed; where there is nothing behind `after`, the answer comes with the next event or after `wait`
    seconds. A peer's own time-out must be longer. Where `only` names types, separated by commas, of the others no more
    is seen than that `next_cursor` has moved past them."""
    types = only.split(",") if only else None
    page = await tickets.events.page(after, limit, wait, request.app.state.stopping, types)
    return Response(page, media_type="application/json")


@router.get("/internal/events/{ticket_no}/{seq}")
async def read_event(
    tickets: TicketsDep, _: PeerDep, ticket_no: str, seq: Annotated[int, Path(ge=1, le=LARGEST_SEQ)]
) -> Response:
    """One event of the feed, with its ticket as that is now: for a consumer that could not apply it in its turn."""
    event = await tickets.events.event(ticket_no, seq)
    return Response(event.model_dump_json(), media_type="application/json")


@router.get("/internal/promises")
async def read_promises(tickets: TicketsDep, _: PeerDep) -> Response:
    """Tell the promises in force: intake keeps a copy."""
    return JSONResponse((await tickets.catalogue.in_force()).promises.model_dump(mode="json"))
