"""HTTP of the workflow service: tickets, commands and the feed (api.md)."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Query, Request, Response
from fastapi.responses import JSONResponse

from services.access.rights import allowed_to
from services.contracts.base import Message, Sought
from services.contracts.commands.table import BODIES
from services.contracts.journal import EventType
from services.contracts.permissions import Action
from services.contracts.vocabulary import CommandName
from services.runtime.http.conditions import etag, if_match, is_known
from services.runtime.http.direct_routes import DirectRoute
from services.runtime.http.json_response import WrittenJson
from services.runtime.http.openapi import CONDITIONAL, VERSIONED
from services.runtime.http.paging import CursorQuery, LimitQuery, page
from services.runtime.http.problems import preferred_language
from services.runtime.postgres.idempotency import RepeatableResponse, replay_headers
from services.runtime.security.auth import Caller
from services.workflow.commands import commands
from services.workflow.service import TicketsDep, TicketService
from services.workflow.views import schemas
from services.workflow.views.filters import TicketFilters
from services.workflow.views.views import feed_item

router = APIRouter()

TicketReader = Annotated[Caller, Depends(allowed_to(Action.READ_TICKET))]
FeedReader = Annotated[Caller, Depends(allowed_to(Action.READ_EVENTS))]


class TicketSearch(TicketFilters):
    """The body of a search: the filters of the list, and what to look for."""

    q: Sought


@router.get("/v1/tickets", tags=["tickets"], response_model=schemas.TicketPage)
async def list_tickets(
    tickets: TicketsDep, caller: TicketReader, filters: Annotated[TicketFilters, Query()]
) -> Response:
    """List the tickets that you may read, what is due next first. Contacts are masked in lists."""
    rows, following = await tickets.queries.page(caller, filters)
    return WrittenJson(page(await tickets.showing.tickets(rows, caller), following))


@router.get("/v1/tickets/counts", tags=["tickets"], response_model=schemas.TicketCounts)
async def count_tickets(tickets: TicketsDep, caller: TicketReader) -> Response:
    """Count the lists that people work from: open, mine, to review, late and so on, each with the filters that show
    it."""
    return JSONResponse({"items": await tickets.counts(caller)})


@router.post("/v1/tickets/search", tags=["tickets"], response_model=schemas.TicketPage)
async def search_tickets(
    request: Request, tickets: TicketsDep, caller: TicketReader, search: Annotated[TicketSearch, Body()]
) -> Response:
    """Find tickets by number, serial or order number, customer name or phone digits, or words of the description."""

    async def work() -> dict[str, Any]:
        return page(*await tickets.search(caller, search.q, search))

    return await tickets.idempotency.once_computed(request, caller, work)


@router.get("/v1/tickets/{ticket_no}", tags=["tickets"], response_model=schemas.TicketView, responses=VERSIONED)
async def read_ticket(request: Request, tickets: TicketsDep, caller: TicketReader, ticket_no: str) -> Response:
    """Show one ticket; `ETag` is its version. `If-None-Match` with the current one is answered 304, and no contact is
    read then."""
    ticket = await tickets.showing.find_shown(ticket_no, caller)
    headers = {"ETag": etag(ticket.row["version"])}
    if is_known(request, ticket.row["version"]):
        return Response(status_code=304, headers=headers)
    return JSONResponse(await tickets.showing.ticket(ticket, caller), headers=headers)


@router.get("/v1/tickets/{ticket_no}/timeline", tags=["tickets"], response_model=schemas.TimelinePage)
async def read_timeline(
    tickets: TicketsDep, caller: TicketReader, ticket_no: str, limit: LimitQuery = 50, cursor: CursorQuery = None
) -> Response:
    """Show the journal of a ticket, from its first event."""
    ticket = await tickets.showing.find(ticket_no, caller)
    return JSONResponse(page(*await tickets.showing.timeline(ticket, caller, limit, cursor)))


@router.get("/v1/tickets/{ticket_no}/clocks", tags=["tickets"], response_model=schemas.LedgerPage)
async def read_clocks(
    request: Request,
    tickets: TicketsDep,
    caller: TicketReader,
    ticket_no: str,
    limit: LimitQuery = 50,
    cursor: CursorQuery = None,
) -> Response:
    """Show the ledger of every clock: why each due time is what it is."""
    ticket = await tickets.showing.find(ticket_no, caller)
    language = preferred_language(request.headers.get("accept-language"))
    return JSONResponse(await tickets.showing.ledger(ticket, language, limit, cursor))


@router.get("/v1/tickets/{ticket_no}/overview", tags=["tickets"], response_model=schemas.TicketOverview)
async def read_overview(request: Request, tickets: TicketsDep, caller: TicketReader, ticket_no: str) -> Response:
    """Show what a page of a ticket shows in one answer: the ticket, the beginnings of its journal and of its ledger,
    and other tickets of its customer. A list with a `next_cursor` goes on at its own address."""
    ticket = await tickets.showing.find_shown(ticket_no, caller)
    language = preferred_language(request.headers.get("accept-language"))
    return WrittenJson(await tickets.showing.overview(ticket, caller, language))


def _add_command(name: CommandName, model: type[Message]) -> None:
    # The second callback is the same command and another right.
    actions = (Action(name), Action.SECOND_CALLBACK) if name is CommandName.RECORD_CALLBACK else (Action(name),)
    entitled = allowed_to(*actions)

    async def admit(
        request: Request, tickets: TicketsDep, caller: Annotated[Caller, Depends(entitled)], ticket_no: str
    ) -> commands.Admission:
        return await tickets.commands.admit(ticket_no, name, caller, tickets.idempotency.keyed(request, caller))

    async def give(
        request: Request, tickets: TicketsDep, admission: Annotated[commands.Admission, Depends(admit)], body: Message
    ) -> Response:
        taken = await tickets.take(admission, body, if_match(request))
        return await _answer(tickets, admission, taken)

    give.__annotations__["body"] = Annotated[model, Body()]
    give.__doc__ = model.__doc__
    router.add_api_route(
        f"/v1/tickets/{{ticket_no}}/{name}",
        give,
        methods=["POST"],
        route_class_override=DirectRoute,
        tags=["commands"],
        name=name,
        response_model=schemas.TicketView,
        responses=VERSIONED,
        openapi_extra=CONDITIONAL,
        operation_id=f"command_{name.replace('-', '_')}",
    )


async def _answer(tickets: TicketService, admission: commands.Admission, taken: commands.Taken) -> Response:
    """The ticket as it is now; a repeat gets the first answer, with the customer as the caller may see and reach them
    now."""
    ticket = await tickets.queries.require_shown(admission.ticket_no)
    view = await tickets.showing.ticket(ticket, admission.caller)
    present = {name: view.pop(name) for name in ("reach", "customer")}
    answer = taken.answer or view
    if taken.answer is None and admission.asked.key:
        answer = await tickets.commands.remember(taken, view)
    headers = {"ETag": etag(answer["version"]), **replay_headers(repeated=taken.repeated)}
    return RepeatableResponse({**answer, **present}, headers=headers)


for _name, _model in BODIES.items():
    _add_command(_name, _model)


@router.get("/v1/events", tags=["events"], response_model=schemas.FeedPage)
async def read_events(
    tickets: TicketsDep,
    caller: FeedReader,
    limit: LimitQuery = 50,
    cursor: CursorQuery = None,
    type: Annotated[list[EventType], Query()] = [],  # noqa: A002, B006 - the parameter's public name; never changed
) -> Response:
    """Read the events of all tickets in order. `next_cursor` is null at the end; go on later from `position`."""
    rows, position, more = await tickets.queries.feed(caller, type, limit, cursor)
    return JSONResponse({**page([feed_item(row) for row in rows], position if more else None), "position": position})
