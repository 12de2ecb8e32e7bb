"""On-call shifts over HTTP."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse
from sqlalchemy.ext.asyncio import AsyncConnection

from services.contracts.base import Code, Instant, format_instant
from services.contracts.directory import Shift
from services.contracts.page import Page
from services.directory import changes, on_call, visibility
from services.directory.schemas import NewShift, ShiftChange
from services.directory.service import DirectoryDep, Reader, Writer
from services.directory.tables import on_call as table
from services.runtime.http.openapi import LOCATED
from services.runtime.http.paging import CursorQuery, LimitQuery, decode_cursor, encode_cursor
from services.runtime.postgres.idempotency import HttpAnswer

router = APIRouter(tags=["on-call"])

AtQuery = Annotated[Instant | None, Query(description="Who is on duty at this instant.")]
FromQuery = Annotated[Instant | None, Query(alias="from", description="Shifts that end after this.")]
ToQuery = Annotated[Instant | None, Query(description="Shifts that begin before this.")]


@router.get("/v1/on-call")
async def list_shifts(
    caller: Reader,
    directory: DirectoryDep,
    department: Code | None = None,
    at: AtQuery = None,
    from_: FromQuery = None,
    to: ToQuery = None,
    limit: LimitQuery = 50,
    cursor: CursorQuery = None,
) -> Page[Shift]:
    """List shifts by their beginning: all, those on duty `at` an instant, or those that touch a period."""
    filters = on_call.ShiftFilters(department, at, from_, to)
    async with directory.database.read() as connection:
        rows = await on_call.list_shifts(
            connection, visibility.seen_shifts(caller), filters, after=decode_cursor(cursor, datetime, str), limit=limit
        )
    shifts = tuple(changes.read_as(Shift, row) for row in rows[:limit])
    following = encode_cursor([format_instant(shifts[-1].from_at), shifts[-1].id]) if len(rows) > limit else None
    return Page[Shift](items=shifts, next_cursor=following)


@router.get("/v1/on-call/{identifier}")
async def show_shift(identifier: str, caller: Reader, directory: DirectoryDep) -> Shift:
    """Show one shift; 403 for one that the caller's list leaves out."""
    async with directory.database.read() as connection:
        row = await visibility.find(connection, table, identifier, visibility.seen_shifts(caller))
    return changes.read_as(Shift, row)


@router.post("/v1/on-call", status_code=201, response_model=Shift, responses=LOCATED)
async def create_shift(request: Request, new: NewShift, by: Writer, directory: DirectoryDep) -> JSONResponse:
    """Put somebody on call. Alerts go to everybody on duty; a department's shifts go before the centre's."""

    async def work(connection: AsyncConnection) -> HttpAnswer:
        made = await on_call.create_shift(connection, by, new)
        return HttpAnswer(made.model_dump(mode="json"), 201, {"Location": f"/v1/on-call/{made.id}"})

    return await directory.idempotency.once(request, by, work)


@router.patch("/v1/on-call/{identifier}")
async def change_shift(identifier: str, change: ShiftChange, by: Writer, directory: DirectoryDep) -> Shift:
    """Change a shift: another person, another time, another department."""
    async with directory.database.begin() as connection:
        return await on_call.change_shift(connection, by, identifier, change)


@router.delete("/v1/on-call/{identifier}")
async def remove_shift(identifier: str, by: Writer, directory: DirectoryDep) -> Shift:
    """Take a shift off the plan; answers it as it was."""
    async with directory.database.begin() as connection:
        return await on_call.remove_shift(connection, by, identifier)
