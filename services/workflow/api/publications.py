"""HTTP of previews and publications: trying a policy or a calendar on tickets, and putting it in force (api.md)."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Query, Request, Response
from fastapi.responses import JSONResponse
from sqlalchemy.ext.asyncio import AsyncConnection

from services.access.rights import allowed_to
from services.contracts.base import Code, format_instant
from services.contracts.permissions import Action
from services.contracts.publication import SubjectKind
from services.runtime.http.paging import CursorQuery, LimitQuery, decode_cursor, encode_cursor, page
from services.runtime.postgres.idempotency import HttpAnswer
from services.runtime.security.auth import Caller
from services.workflow.publications import schemas as answers
from services.workflow.publications.previews import TURNS, Listing
from services.workflow.publications.publications import Subject
from services.workflow.publications.trial import Trial
from services.workflow.service import TicketsDep, TicketService

router = APIRouter(tags=["publications"])

PolicyWriter = Annotated[Caller, Depends(allowed_to(Action.WRITE_POLICY))]
CalendarWriter = Annotated[Caller, Depends(allowed_to(Action.WRITE_CALENDAR))]
PolicyReader = Annotated[Caller, Depends(allowed_to(Action.READ_POLICY))]


@router.post("/v1/policies/{policy_id}/preview", response_model=answers.PreviewView, dependencies=[TURNS.of_question()])
async def preview_policy(
    request: Request,
    tickets: TicketsDep,
    caller: PolicyWriter,
    policy_id: Code,
    asked: Annotated[answers.PolicyPreview, Body()],
) -> Response:
    """Try a policy on all open tickets and on the last 90 days; nothing is stored."""

    propose = partial(tickets.proposals.policy, policy_id, asked.version, asked.policy)
    return await tickets.idempotency.once_computed(
        request, caller, lambda: _preview(tickets, caller, asked.items, propose)
    )


@router.post(
    "/v1/calendars/{calendar_id}/preview", response_model=answers.PreviewView, dependencies=[TURNS.of_question()]
)
async def preview_calendar(
    request: Request,
    tickets: TicketsDep,
    caller: CalendarWriter,
    calendar_id: Code,
    asked: Annotated[answers.CalendarPreview, Body()],
) -> Response:
    """Try a calendar on all open tickets and on the last 90 days; nothing is stored."""

    propose = partial(tickets.proposals.calendar, calendar_id, asked.version, asked.calendar)
    return await tickets.idempotency.once_computed(
        request, caller, lambda: _preview(tickets, caller, asked.items, propose)
    )


@router.post("/v1/policies/{policy_id}/publish", response_model=answers.PublicationView)
async def publish_policy(
    request: Request,
    tickets: TicketsDep,
    caller: PolicyWriter,
    policy_id: Code,
    asked: Annotated[answers.Publish, Body()],
) -> Response:
    """Put a stored version in force for new tickets; with `recalculate` open ones follow, in batches."""
    return await _publish(request, tickets, caller, SubjectKind.POLICY, policy_id, asked)


@router.post("/v1/calendars/{calendar_id}/publish", response_model=answers.PublicationView)
async def publish_calendar(
    request: Request,
    tickets: TicketsDep,
    caller: CalendarWriter,
    calendar_id: Code,
    asked: Annotated[answers.Publish, Body()],
) -> Response:
    """Put a stored version in force for clocks that start from now on; with `recalculate` running ones follow."""
    return await _publish(request, tickets, caller, SubjectKind.CALENDAR, calendar_id, asked)


@router.get("/v1/publications", response_model=answers.PublicationPage)
async def list_publications(
    tickets: TicketsDep, _: PolicyReader, limit: LimitQuery = 50, cursor: CursorQuery = None
) -> Response:
    """List what was published, the latest first, with the progress of each recalculation."""
    return JSONResponse(page(*await tickets.publications.page(limit, cursor)))


@router.get("/v1/publications/{publication_id}", response_model=answers.PublicationView)
async def read_publication(tickets: TicketsDep, _: PolicyReader, publication_id: str) -> Response:
    """Show one publication and how far its recalculation is."""
    return JSONResponse(await tickets.publications.one(publication_id))


@router.get("/v1/publications/{publication_id}/changes", response_model=answers.TicketChangePage)
async def list_changes(
    tickets: TicketsDep,
    caller: PolicyReader,
    publication_id: str,
    limit: LimitQuery = 50,
    cursor: CursorQuery = None,
    moved: Annotated[bool, Query(description="Leave out tickets of which no clock moved.")] = False,
) -> Response:
    """List what a publication changed, ticket by ticket, and which tickets it could not reach; those that you may
    read, or all for whoever publishes for the whole centre."""
    return JSONResponse(page(*await tickets.publications.changes(publication_id, caller, limit, cursor, moved=moved)))


@router.post("/v1/publications/{publication_id}/retry", response_model=answers.PublicationView)
async def retry_publication(
    request: Request,
    tickets: TicketsDep,
    caller: PolicyWriter,
    publication_id: str,
    _: Annotated[answers.Retry, Body()],
) -> Response:
    """Try again the tickets that could not be recalculated, or go on where a running publication stands still; where
    nothing failed, nothing happens."""

    async def work(connection: AsyncConnection) -> HttpAnswer:
        return HttpAnswer(await tickets.publications.retry(connection, publication_id))

    return await tickets.idempotency.once(request, caller, work)


async def _preview(
    tickets: TicketService,
    caller: Caller,
    items: answers.ItemsAsked,
    propose: Callable[[], Awaitable[tuple[Subject, Trial]]],
) -> dict[str, Any]:
    after = decode_cursor(items.cursor, int, str, int) if items.cursor else None
    listing, at = Listing(items.limit, after), datetime.now(UTC)
    subject, trial = await propose()
    figures = await tickets.previews.preview(trial, at, caller, listing)
    return {
        "subject": {"kind": subject.kind, "id": subject.id, "version": subject.version},
        "at": format_instant(at),
        **figures,
        **page(listing.items, encode_cursor(list(listing.more)) if listing.more else None),
    }


async def _publish(
    request: Request, tickets: TicketService, caller: Caller, kind: SubjectKind, id_: str, asked: answers.Publish
) -> Response:
    async def work(connection: AsyncConnection) -> HttpAnswer:
        subject = await tickets.proposals.subject(kind, id_, asked.version)
        if kind is SubjectKind.POLICY:
            await tickets.proposals.policy(id_, subject.version, None)
        publications = tickets.publications
        return HttpAnswer(await publications.publish(connection, subject, caller, recalculate=asked.recalculate))

    answer = await tickets.idempotency.once(request, caller, work)
    await tickets.promising.tell_intake()
    return answer
