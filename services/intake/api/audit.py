"""The audit log of contacts over HTTP (api.md)."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from services.access.rights import allowed_to
from services.contracts.permissions import Action
from services.intake.audit.log import Filters
from services.intake.audit.views import page_of_log
from services.intake.schemas import (
    ContactReadingPage,
)
from services.intake.service import IntakeDep
from services.runtime.http.paging import CursorQuery, LimitQuery, decode_cursor, encode_cursor
from services.runtime.security.auth import Caller

router = APIRouter(tags=["intake"])

Auditor = Annotated[Caller, Depends(allowed_to(Action.READ_AUDIT))]
Filter = Annotated[str | None, Query(max_length=100)]


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
    filters = Filters(ticket_no, customer_id, reader_id)
    lines, following = await page_of_log(intake.database, intake.tickets, caller, filters, limit, before)
    return ContactReadingPage(items=tuple(lines), next_cursor=None if following is None else encode_cursor([following]))
