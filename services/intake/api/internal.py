"""Intake's endpoints for other services, on the internal port."""

from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response

from services.contracts.address import AddressQuestion, LinkHandOver
from services.contracts.feedback import CustomerQuestion, OpenQuestion, Registration, Supplemented
from services.contracts.policy import Promises
from services.intake.customers import contacts, search
from services.intake.customers.addresses import addresses
from services.intake.feedback.follow_ups import follow_up
from services.intake.feedback.queries import registrations
from services.intake.feedback.supplements import supply
from services.intake.links.hand_over import log_hand_over
from services.intake.schemas import SearchMatches, SupplementCommand, Wanted
from services.intake.service import IntakeDep
from services.runtime.errors import NotFound
from services.runtime.http.paging import page
from services.runtime.security.auth import PeerDep

router = APIRouter(include_in_schema=False)


@router.get("/internal/registrations/{ticket_no}", response_model=Registration)
async def read_registration(ticket_no: str, _: PeerDep, intake: IntakeDep) -> Response:
    """Answer what the relay hands over, for those who cannot wait for it."""
    async with intake.database.read() as connection:
        found = await registrations(connection, [ticket_no])
    if not found:
        raise NotFound
    return Response(found[0].model_dump_json(), media_type="application/json")


@router.post("/internal/customers/show")
async def show_customers(question: CustomerQuestion, _: PeerDep, intake: IntakeDep) -> dict[str, Any]:
    """Show customers on tickets, in the order asked; every line asked in full is logged for the reader named."""
    views = await contacts.show(intake.database, question)
    return page([each.model_dump(mode="json") for each in views])


@router.post("/internal/customers/addresses")
async def tell_addresses(question: AddressQuestion, _: PeerDep, intake: IntakeDep) -> dict[str, Any]:
    """Tell how customers are reached about tickets, in the order asked; what a reader gets to see is logged."""
    found = await addresses(intake.database, intake.links, question)
    return page([each.model_dump(mode="json") for each in found])


@router.post("/internal/audit/hand-overs", status_code=204)
async def log_a_hand_over(given: LinkHandOver, _: PeerDep, intake: IntakeDep) -> None:
    """Write into the audit log that a customer's link is given to somebody who is to hand it over."""
    async with intake.database.begin() as connection:
        await log_hand_over(connection, given)


@router.post("/internal/customers/find")
async def find_customers(wanted: Wanted, _: PeerDep, intake: IntakeDep) -> SearchMatches:
    """Find customers and tickets that a searched text may mean; a whole contact that is looked up is logged."""
    async with intake.database.begin() as connection:
        return await search.find(connection, wanted, intake.lookups_per_hour)


@router.post("/internal/feedback/{ticket_no}/supplement")
async def supplement_feedback(
    ticket_no: str, command: SupplementCommand, _: PeerDep, intake: IntakeDep
) -> Supplemented:
    """Keep what a customer supplied; a repeat of the command gets the first answer."""
    return await supply(intake.database, ticket_no, command.command_id, command.supplement)


@router.post("/internal/feedback/{ticket_no}/follow-ups")
async def file_follow_up(ticket_no: str, question: OpenQuestion, _: PeerDep, intake: IntakeDep) -> dict[str, str]:
    """Make a ticket of what a callback could not answer; a repeat of the command gets the first one's number."""
    return {"ticket_no": await follow_up(intake.database, intake.registrar, ticket_no, question)}


@router.put("/internal/promises")
async def take_promises(promises: Promises, _: PeerDep, intake: IntakeDep) -> dict[str, bool]:
    """Put a published generation in force; an older one is ignored."""
    return {"taken": await intake.promises.store(promises)}
