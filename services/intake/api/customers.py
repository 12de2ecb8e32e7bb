"""Customers over HTTP: their records, corrections, and the search for them (api.md)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse
from sqlalchemy import RowMapping

from services.access.rights import allowed_to
from services.contracts.permissions import Action, Relation, may, reach, sees_contact
from services.intake.audit.log import reader_of, record
from services.intake.customers import records, search
from services.intake.customers.lookups import log_lookup
from services.intake.schemas import (
    CustomerChange,
    CustomerPage,
    CustomerProfile,
    CustomerSearch,
    PastTicket,
    TicketAccess,
)
from services.intake.service import Intake, IntakeDep
from services.runtime.errors import Forbidden
from services.runtime.http.paging import decode_cursor, encode_cursor
from services.runtime.security.auth import Caller

router = APIRouter(tags=["intake"])

CustomerReader = Annotated[Caller, Depends(allowed_to(Action.READ_CUSTOMER))]
CustomerWriter = Annotated[Caller, Depends(allowed_to(Action.WRITE_CUSTOMER))]

_TICKETS_OF_A_CUSTOMER = 20


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
    request: Request, wanted: CustomerSearch, caller: CustomerReader, intake: IntakeDep
) -> JSONResponse:
    """Find customers by number; by parts of a name or phone those whose contact you read in full on one of their
    tickets. Who may register calls finds anybody by a whole phone or e-mail address: counted, limited in an hour (429),
    and logged. Contacts are shortened."""

    async def work() -> dict[str, Any]:
        rows, following = await search.search_customers(
            intake.database,
            intake.tickets,
            caller,
            wanted,
            decode_cursor(wanted.cursor, datetime, str),
            per_hour=intake.lookups_per_hour,
        )
        cursor = encode_cursor([following[0].isoformat(), following[1]]) if following else None
        found = CustomerPage(items=tuple(map(records.summary, rows)), next_cursor=cursor)
        return found.model_dump(mode="json")

    return await intake.idempotency.once_computed(request, caller, work)


async def _profile(
    intake: Intake, caller: Caller, row: RowMapping, past: Sequence[PastTicket], accesses: Sequence[TicketAccess]
) -> CustomerProfile:
    entitling = next((access.ticket_no for access in accesses if sees_contact(caller, access)), None)
    if entitling is not None:
        async with intake.database.begin() as connection:
            await record(connection, reader_of(caller), [(row["id"], entitling)])
    readable = {access.ticket_no for access in accesses if may(caller, Action.READ_TICKET, access)}
    tickets = tuple(ticket for ticket in past if ticket.ticket_no in readable)
    return records.profile(row, tickets, in_full=entitling is not None)


async def _log_whom_it_names(intake: Intake, caller: Caller, customer_id: str, change: CustomerChange) -> None:
    """Log a correction's contact as looked up, in a transaction of its own: a refusal undoes the correction alone."""
    async with intake.database.begin() as connection:
        named = await records.answers_to_a_contact(connection, customer_id, change, intake.identity_secret)
        if named is not None:
            await log_lookup(connection, reader_of(caller), named, intake.lookups_per_hour)


def _check_reach(caller: Caller, action: Action, accesses: Sequence[TicketAccess]) -> None:
    """A customer is within a department's reach through one of their tickets; within the whole centre's always."""
    if caller.department is None or reach(caller, action) is Relation.ANY:
        return
    if not any(may(caller, action, access) for access in accesses):
        raise Forbidden
