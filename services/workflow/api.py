"""HTTP of the workflow service: tickets, commands, the feed, policies and calendars (api.md)."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import StringConstraints

from services.contracts.base import Code, Message
from services.contracts.commands import BODIES
from services.contracts.journal import EventType
from services.contracts.permissions import Action
from services.contracts.policy import Policy, StoredCalendar
from services.contracts.words import CommandName
from services.promises.evaluate import EvaluateRequest, EvaluateResponse
from services.runtime.auth import Caller
from services.runtime.errors import NotFound, ValidationFailed
from services.runtime.http import (
    CursorQuery,
    LimitQuery,
    decode_cursor,
    encode_cursor,
    etag,
    if_match,
    page,
    preferred_language,
)
from services.runtime.http.openapi import CONDITIONAL, VERSIONED
from services.runtime.idempotency import REPLAY_HEADER, body_hash, idempotency_key
from services.workflow import answers, taking
from services.workflow.promising import CalendarBody, PolicyBody, calendar_view
from services.workflow.queries import TicketFilters
from services.workflow.service import TicketsDep, TicketService, allowed_to

router = APIRouter()

TicketReader = Annotated[Caller, Depends(allowed_to(Action.READ_TICKET))]
FeedReader = Annotated[Caller, Depends(allowed_to(Action.READ_EVENTS))]
PolicyReader = Annotated[Caller, Depends(allowed_to(Action.READ_POLICY))]
PolicyWriter = Annotated[Caller, Depends(allowed_to(Action.WRITE_POLICY))]
CalendarReader = Annotated[Caller, Depends(allowed_to(Action.READ_CALENDAR))]
CalendarWriter = Annotated[Caller, Depends(allowed_to(Action.WRITE_CALENDAR))]
Publish = Annotated[bool, Query(description="Apply it to new tickets at once.")]


class TicketSearch(TicketFilters):
    """The body of a search: the filters of the list, and what to look for."""

    q: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


@router.get("/v1/tickets", tags=["tickets"], response_model=answers.TicketPage)
async def list_tickets(
    tickets: TicketsDep, caller: TicketReader, filters: Annotated[TicketFilters, Query()]
) -> Response:
    """List the tickets that you may read, what is due next first. Contacts are masked in lists."""
    rows, following = await tickets.queries.page(caller, filters)
    return JSONResponse(page(await tickets.showing.tickets(rows, caller), following))


@router.get("/v1/tickets/counts", tags=["tickets"], response_model=answers.TicketCounts)
async def count_tickets(tickets: TicketsDep, caller: TicketReader) -> Response:
    """Count the lists that people work from: open, mine, to review, late and so on, each with the filters that show
    it."""
    return JSONResponse({"items": await tickets.counts(caller)})


@router.post("/v1/tickets/search", tags=["tickets"], response_model=answers.TicketPage)
async def search_tickets(
    request: Request, tickets: TicketsDep, caller: TicketReader, search: Annotated[TicketSearch, Body()]
) -> Response:
    """Find tickets by number, serial or order number, customer name or phone digits, or words of the description."""

    async def work() -> dict[str, Any]:
        return page(*await tickets.search(caller, search.q, search))

    return await tickets.once(request, caller, work)


@router.get("/v1/tickets/{ticket_no}", tags=["tickets"], response_model=answers.TicketView, responses=VERSIONED)
async def read_ticket(request: Request, tickets: TicketsDep, caller: TicketReader, ticket_no: str) -> Response:
    """Show one ticket; `ETag` is its version. `If-None-Match` with the current one is answered 304, and no contact is
    read then."""
    ticket = await tickets.showing.find(ticket_no, caller)
    headers = {"ETag": etag(ticket.row["version"])}
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    return JSONResponse(await tickets.showing.ticket(ticket, caller), headers=headers)


@router.get("/v1/tickets/{ticket_no}/timeline", tags=["tickets"], response_model=answers.TimelinePage)
async def read_timeline(
    tickets: TicketsDep, caller: TicketReader, ticket_no: str, limit: LimitQuery = 50, cursor: CursorQuery = None
) -> Response:
    """Show the journal of a ticket, from its first event."""
    ticket = await tickets.showing.find(ticket_no, caller)
    return JSONResponse(page(*await tickets.showing.timeline(ticket, caller, limit, cursor)))


@router.get("/v1/tickets/{ticket_no}/clocks", tags=["tickets"], response_model=answers.LedgerPage)
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
    shown = await tickets.showing.clocks(ticket, language)
    return JSONResponse(_page_of(shown, lambda it: f"{it['name']}/{it['cycle']}/{it['round']}", limit, cursor))


def _add_command(name: CommandName, model: type[Message]) -> None:
    # The second callback is the same command and another right.
    actions = (Action(name), Action.SECOND_CALLBACK) if name is CommandName.RECORD_CALLBACK else (Action(name),)
    entitled = allowed_to(*actions)

    async def admit(
        request: Request, tickets: TicketsDep, caller: Annotated[Caller, Depends(entitled)], ticket_no: str
    ) -> taking.Admission:
        ticket = await tickets.showing.existing(ticket_no)
        return await tickets.commands.admit(ticket, name, caller, idempotency_key(request))

    async def give(
        request: Request, tickets: TicketsDep, admission: Annotated[taking.Admission, Depends(admit)], body: Message
    ) -> Response:
        fingerprint = body_hash(getattr(request.state, "json", {}), tickets.secret)
        taken = await tickets.commands.take(admission, body, fingerprint, if_match(request))
        return await _answer(tickets, admission, taken)

    give.__annotations__["body"] = Annotated[model, Body()]
    give.__doc__ = model.__doc__
    router.add_api_route(
        f"/v1/tickets/{{ticket_no}}/{name}",
        give,
        methods=["POST"],
        tags=["commands"],
        name=name,
        response_model=answers.TicketView,
        responses=VERSIONED,
        openapi_extra=CONDITIONAL,
        operation_id=f"command_{name.replace('-', '_')}",
    )


async def _answer(tickets: TicketService, admission: taking.Admission, taken: taking.Taken) -> Response:
    """The ticket as it is now; a repeat gets the first answer, with the customer as the caller may see them now."""
    ticket = await tickets.queries.require(admission.ticket_no)
    view = await tickets.showing.ticket(ticket, admission.caller)
    customer = view.pop("customer")
    answer = taken.answer or view
    if taken.answer is None and admission.key:
        answer = await tickets.commands.remember(taken.command_id, view)
    headers = {REPLAY_HEADER: "true"} if taken.repeated else {}
    return JSONResponse({**answer, "customer": customer}, headers={"ETag": etag(answer["version"]), **headers})


for _name, _model in BODIES.items():
    _add_command(_name, _model)


@router.get("/v1/events", tags=["events"], response_model=answers.FeedPage)
async def read_events(
    tickets: TicketsDep,
    caller: FeedReader,
    limit: LimitQuery = 50,
    cursor: CursorQuery = None,
    type: Annotated[list[EventType], Query()] = [],  # noqa: A002, B006 - the parameter's public name; never changed
) -> Response:
    """Read the events of all tickets in order. `next_cursor` is null at the end; go on later from `position`."""
    items, position, more = await tickets.feed(caller, type, limit, cursor)
    return JSONResponse({**page(items, position if more else None), "position": position})


@router.get("/v1/policies", tags=["promises"], response_model=answers.PolicyPage)
async def list_policies(
    tickets: TicketsDep, _: PolicyReader, limit: LimitQuery = 50, cursor: CursorQuery = None
) -> Response:
    """List the latest version of every policy, in the order in which they are tried."""
    shown = [policy.model_dump(mode="json") for policy in await tickets.catalogue.policies()]
    return JSONResponse(_page_of(shown, _id_of, limit, cursor))


@router.get("/v1/policies/{policy_id}", tags=["promises"], response_model=Policy, responses=VERSIONED)
async def read_policy(tickets: TicketsDep, _: PolicyReader, policy_id: str) -> Response:
    """Show the latest version of one policy."""
    policy = next((it for it in await tickets.catalogue.policies() if it.id == policy_id), None)
    if policy is None:
        raise NotFound
    return JSONResponse(policy.model_dump(mode="json"), headers={"ETag": etag(policy.version)})


@router.put(
    "/v1/policies/{policy_id}", tags=["promises"], response_model=Policy, responses=VERSIONED, openapi_extra=CONDITIONAL
)
async def put_policy(
    request: Request,
    tickets: TicketsDep,
    _: PolicyWriter,
    policy_id: Code,
    draft: Annotated[PolicyBody, Body()],
    publish: Publish = False,
) -> Response:
    """Store the next version of a policy; with `publish=true` it applies to new tickets at once."""
    policy = await tickets.promising.put_policy(policy_id, draft, publish=publish, if_match=if_match(request))
    return JSONResponse(policy.model_dump(mode="json"), headers={"ETag": etag(policy.version)})


@router.get("/v1/calendars", tags=["promises"], response_model=answers.CalendarPage)
async def list_calendars(
    tickets: TicketsDep, _: CalendarReader, limit: LimitQuery = 50, cursor: CursorQuery = None
) -> Response:
    """List the latest version of every calendar."""
    shown = [calendar_view(calendar) for calendar in await tickets.catalogue.calendars()]
    return JSONResponse(_page_of(shown, _id_of, limit, cursor))


@router.get("/v1/calendars/{calendar_id}", tags=["promises"], response_model=StoredCalendar, responses=VERSIONED)
async def read_calendar(tickets: TicketsDep, _: CalendarReader, calendar_id: str) -> Response:
    """Show the latest version of one calendar."""
    calendar = next((it for it in await tickets.catalogue.calendars() if it.id == calendar_id), None)
    if calendar is None:
        raise NotFound
    return JSONResponse(calendar_view(calendar), headers={"ETag": etag(calendar.version)})


@router.put(
    "/v1/calendars/{calendar_id}",
    tags=["promises"],
    response_model=StoredCalendar,
    responses=VERSIONED,
    openapi_extra=CONDITIONAL,
)
async def put_calendar(
    request: Request,
    tickets: TicketsDep,
    _: CalendarWriter,
    calendar_id: Code,
    draft: Annotated[CalendarBody, Body()],
    publish: Publish = False,
) -> Response:
    """Store the next version of a calendar; with `publish=true` clocks that start from now on use it."""
    calendar = await tickets.promising.put_calendar(calendar_id, draft, publish=publish, if_match=if_match(request))
    return JSONResponse(calendar_view(calendar), headers={"ETag": etag(calendar.version)})


@router.post("/v1/calendars/evaluate", tags=["promises"], response_model=EvaluateResponse)
async def evaluate_calendar(
    request: Request, tickets: TicketsDep, caller: CalendarReader, ask: Annotated[EvaluateRequest, Body()]
) -> Response:
    """Calculate on a calendar given in the call, or a stored one; nothing is stored."""
    return await tickets.once(request, caller, lambda: tickets.promising.evaluate(ask))


def _page_of(
    items: Sequence[dict[str, Any]], name: Callable[[dict[str, Any]], str], limit: int, cursor: str | None
) -> dict[str, Any]:
    """A page of a list that is short enough to be held whole; the cursor names the last item shown."""
    names = [name(item) for item in items]
    start = 0
    if cursor is not None:
        last = decode_cursor(cursor, str)[0]
        if last not in names:
            raise ValidationFailed.at("/cursor", "invalid_cursor", "the cursor is of another list")
        start = names.index(last) + 1
    shown = items[start : start + limit]
    more = start + limit < len(items)
    return page(shown, encode_cursor([names[start + limit - 1]]) if more else None)


def _id_of(item: dict[str, Any]) -> str:
    return str(item["id"])
