"""Intake over HTTP: feedback, customers and the audit log of contacts (api.md)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Query, Request
from fastapi.responses import JSONResponse, Response
from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from services.contracts.base import Nothing
from services.contracts.feedback import Feedback
from services.contracts.permissions import Action, Relation, may, reach, sees_contact
from services.intake.api.internal import router as internal_router
from services.intake.audit import log, views
from services.intake.customers import records
from services.intake.customers import search as customer_search
from services.intake.customers.lookups import log_lookup
from services.intake.feedback.origins import origin_of
from services.intake.feedback.queries import arrival, supplied_to, view
from services.intake.links.revocation import revocations, revoke_link
from services.intake.schemas import (
    ContactReadingPage,
    CustomerChange,
    CustomerPage,
    CustomerProfile,
    CustomerSearch,
    FeedbackView,
    LinkRevocation,
    PastTicket,
    Registered,
    TicketAccess,
)
from services.intake.service import Intake, IntakeDep, allowed_to, asked_by, intake_of
from services.runtime.errors import Forbidden, NotFound
from services.runtime.http import CursorQuery, LimitQuery, decode_cursor, encode_cursor
from services.runtime.http.openapi import LOCATED
from services.runtime.postgres.idempotency import REPLAY_HEADER, Answer, body_hash, idempotency_key
from services.runtime.security.auth import Caller

__all__ = ["internal_router", "router"]

router = APIRouter(tags=["intake"])

FeedbackSender = Annotated[Caller, Depends(allowed_to(Action.REGISTER_FEEDBACK))]
FeedbackReader = Annotated[Caller, Depends(allowed_to(Action.READ_FEEDBACK))]
LinkRevoker = Annotated[Caller, Depends(allowed_to(Action.REVOKE_LINK))]
CustomerReader = Annotated[Caller, Depends(allowed_to(Action.READ_CUSTOMER))]
CustomerWriter = Annotated[Caller, Depends(allowed_to(Action.WRITE_CUSTOMER))]
Auditor = Annotated[Caller, Depends(allowed_to(Action.READ_AUDIT))]
Filter = Annotated[str | None, Query(max_length=100)]

_TICKETS_OF_A_CUSTOMER = 20


@router.post("/v1/feedback", status_code=201, response_model=Registered, responses=LOCATED)
async def register_feedback(request: Request, feedback: Feedback, caller: FeedbackSender) -> Response:
    """Register a feedback: it gets its ticket number and promised times, and is never lost from then on.

    Needs a channel and a description; from forms and programs also a name and one contact. What else is missing is
    told in `missing` and asked for at the review. The same `Idempotency-Key` and body answer the same ticket.
    """
    intake = intake_of(request)  # no dependency: each costs a twentieth of a registration
    key = idempotency_key(request)
    fingerprint = None if key is None else body_hash(request.state.json, intake.secret)
    receipt = await intake.registrar.register(feedback, origin_of(caller, feedback.channel, key, fingerprint))
    headers = {"Location": f"/v1/tickets/{receipt.registered.ticket_no}"}
    if receipt.replayed:
        headers[REPLAY_HEADER] = "true"
    content = receipt.registered.model_dump_json()
    return Response(content, status_code=201, headers=headers, media_type="application/json")


@router.get("/v1/feedback/{ticket_no}")
async def read_feedback(ticket_no: str, caller: FeedbackReader, intake: IntakeDep) -> FeedbackView:
    """Show a feedback as it arrived. The contact is shortened unless the caller handles the ticket, and logged then.
    What the customer wrote is null for whoever lacks the right to notes: a key without `notes:read`.
    """
    async with intake.database.read() as connection:
        row = await arrival(connection, ticket_no)
    if row is None:
        raise NotFound
    access = await intake.tickets.access(ticket_no)
    if not may(caller, Action.READ_FEEDBACK, access):
        raise Forbidden
    in_full = sees_contact(caller, access)
    async with intake.database.begin() as connection:
        supplied = await supplied_to(connection, ticket_no)
        revoked = await revocations(connection, ticket_no)
        if in_full:
            await log.record(connection, asked_by(caller), [(row["customer_id"], ticket_no)])
    return view(row, supplied, revoked, in_full=in_full, with_texts=may(caller, Action.READ_NOTE, access))


async def _of_their_queue(ticket_no: str, caller: LinkRevoker, intake: IntakeDep) -> Caller:
    """Whoever may end the link of this very ticket; asked before anything is said about the body."""
    async with intake.database.read() as connection:
        if await arrival(connection, ticket_no) is None:
            raise NotFound
    if not may(caller, Action.REVOKE_LINK, await intake.tickets.access(ticket_no)):
        raise Forbidden
    return caller


TheirRevoker = Annotated[Caller, Depends(_of_their_queue)]


@router.post("/v1/feedback/{ticket_no}/revoke-link", response_model=LinkRevocation)
async def revoke_the_link(
    request: Request, ticket_no: str, caller: TheirRevoker, intake: IntakeDep, _: Annotated[Nothing, Body()]
) -> Response:
    """End the customer's link to this ticket: it opens nothing from now on. Their next notice carries a new one.

    For supervisors, or the scope `tickets:supervise`. The feedback tells who did it.
    """

    async def work(connection: AsyncConnection) -> Answer:
        done = await revoke_link(connection, ticket_no, asked_by(caller))
        return Answer(done.model_dump(mode="json"))

    return await intake.idempotency.once(request, caller, work)


@router.get("/v1/customers/{customer_id}")
async def read_customer(customer_id: str, caller: CustomerReader, intake: IntakeDep) -> CustomerProfile:
    """Show a customer with their latest tickets, as far as the caller may read those."""
    async with intake.database.read() as connection:
        row = await records.customer(connection, customer_id)
        past = await records.history(connection, customer_id, _TICKETS_OF_A_CUSTOMER)
    accesses = await intake.tickets.accesses([ticket.ticket_no for ticket in past])
    _check_reach(caller, Action.READ_CUSTOMER, accesses)
    return await _profile(intake, caller, row, past, accesses)


@router.patch("/v1/customers/{customer_id}")
async def change_customer(
    customer_id: str, change: CustomerChange, caller: CustomerWriter, intake: IntakeDep
) -> CustomerProfile:
    """Correct a customer: what is left out stays, null clears. 409 when the number or contact is another customer's.

    Another contact is looked up by that, as by a search for it: counted, limited in an hour (429), and logged.
    """
    async with intake.database.read() as connection:
        await records.customer(connection, customer_id)
        past = await records.history(connection, customer_id, _TICKETS_OF_A_CUSTOMER)
    accesses = await intake.tickets.accesses([ticket.ticket_no for ticket in past])
    _check_reach(caller, Action.WRITE_CUSTOMER, accesses)
    await _log_whom_it_names(intake, caller, customer_id, change)
    async with intake.database.begin() as connection:
        row = await records.change(connection, customer_id, change, intake.identity_secret)
    return await _profile(intake, caller, row, past, accesses)


@router.post("/v1/customers/search", response_model=CustomerPage)
async def search_customers(
    request: Request, search: CustomerSearch, caller: CustomerReader, intake: IntakeDep
) -> JSONResponse:
    """Find customers by number; by parts of a name or phone those whose contact you read in full on one of their
    tickets. Who may register calls finds anybody by a whole phone or e-mail address: counted, limited in an hour (429),
    and logged. Contacts are shortened."""

    async def work() -> dict[str, Any]:
        rows, following = await customer_search.search_customers(intake, caller, search, _position(search.cursor))
        cursor = encode_cursor([following[0].isoformat(), following[1]]) if following else None
        found = CustomerPage(items=tuple(map(records.summary, rows)), next_cursor=cursor)
        return found.model_dump(mode="json")

    return await intake.idempotency.once_computed(request, caller, work)


@router.get("/v1/audit")
async def read_audit(
    caller: Auditor,
    intake: IntakeDep,
    limit: LimitQuery = 50,
    cursor: CursorQuery = None,
    ticket_no: Filter = None,
    customer_id: Filter = None,
    reader_id: Filter = None,
) -> ContactReadingPage:
    """List who was shown which contact in full, newest first.

    A caller of one department sees the lines of its tickets; a page may then hold fewer than `limit` although more
    follow: go on until `next_cursor` is null.
    """
    before = None if cursor is None else decode_cursor(cursor, int)[0]
    filters = views.Filters(ticket_no, customer_id, reader_id)
    lines, following = await views.page(intake, caller, filters, limit, before)
    return ContactReadingPage(items=tuple(lines), next_cursor=None if following is None else encode_cursor([following]))


async def _profile(
    intake: Intake, caller: Caller, row: RowMapping, past: Sequence[PastTicket], accesses: Sequence[TicketAccess]
) -> CustomerProfile:
    entitling = next((access.ticket_no for access in accesses if sees_contact(caller, access)), None)
    if entitling is not None:
        async with intake.database.begin() as connection:
            await log.record(connection, asked_by(caller), [(row["id"], entitling)])
    readable = {access.ticket_no for access in accesses if may(caller, Action.READ_TICKET, access)}
    tickets = tuple(ticket for ticket in past if ticket.ticket_no in readable)
    return records.profile(row, tickets, in_full=entitling is not None)


async def _log_whom_it_names(intake: Intake, caller: Caller, customer_id: str, change: CustomerChange) -> None:
    """Log a correction's contact as looked up, in a transaction of its own: a refusal undoes the correction alone."""
    async with intake.database.begin() as connection:
        named = await records.answers_to_a_contact(connection, customer_id, change, intake.identity_secret)
        if named is not None:
            await log_lookup(connection, asked_by(caller), named, intake.lookups_per_hour)


def _check_reach(caller: Caller, action: Action, accesses: Sequence[TicketAccess]) -> None:
    """A customer is within a department's reach through one of their tickets; within the whole centre's always."""
    if caller.department is None or reach(caller, action) is Relation.ANY:
        return
    if not any(may(caller, action, access) for access in accesses):
        raise Forbidden


def _position(cursor: str | None) -> tuple[datetime, str] | None:
    if cursor is None:
        return None
    created_at, customer_id = decode_cursor(cursor, datetime, str)
    return created_at, customer_id
