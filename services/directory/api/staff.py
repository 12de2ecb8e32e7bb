"""Departments, staff and API keys over HTTP, and the record of who changed them."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from sqlalchemy import ColumnElement, RowMapping, Table, true
from sqlalchemy.ext.asyncio import AsyncConnection

from services.contracts.directory import ApiKey, Department, StaffMember
from services.contracts.page import Page
from services.contracts.permissions import Action, may
from services.directory import changes, keys, people, visibility
from services.directory.grants import reaches
from services.directory.schemas import (
    ApiKeyChange,
    AuditEntry,
    DepartmentChange,
    IssuedApiKey,
    NewApiKey,
    NewDepartment,
    NewStaff,
    StaffChange,
)
from services.directory.service import Auditor, DirectoryDep, DirectoryService, Reader, Writer
from services.directory.tables import api_keys, departments, staff
from services.runtime.http.openapi import LOCATED
from services.runtime.http.paging import CursorQuery, LimitQuery, decode_cursor, encode_cursor
from services.runtime.postgres.idempotency import HttpAnswer
from services.runtime.security.auth import Caller

router = APIRouter(tags=["directory"])
_ALL = true()


@router.get("/v1/departments")
async def list_departments(
    _: Reader, directory: DirectoryDep, limit: LimitQuery = 50, cursor: CursorQuery = None
) -> Page[Department]:
    """List departments in the order in which routing tries them: the order in which they were made."""
    rows, following = await _rows(directory, departments, limit, cursor)
    return Page[Department](items=tuple(changes.read_as(Department, row) for row in rows), next_cursor=following)


@router.get("/v1/departments/{identifier}")
async def show_department(identifier: str, _: Reader, directory: DirectoryDep) -> Department:
    """Show one department."""
    async with directory.database.read() as connection:
        return changes.read_as(Department, await changes.find(connection, departments, identifier))


@router.post("/v1/departments", status_code=201, response_model=Department, responses=LOCATED)
async def create_department(request: Request, new: NewDepartment, by: Writer, directory: DirectoryDep) -> JSONResponse:
    """Make a department. One with `default` takes that over from the one before."""

    async def work(connection: AsyncConnection) -> HttpAnswer:
        return _created(await people.create_department(connection, by, new))

    return await directory.idempotency.once(request, by, work)


@router.patch("/v1/departments/{identifier}")
async def change_department(
    identifier: str, change: DepartmentChange, by: Writer, directory: DirectoryDep
) -> Department:
    """Change a department. The default one stays so, and active, until another takes over (409)."""
    async with directory.database.begin() as connection:
        return await people.change_department(connection, by, identifier, change)


@router.get("/v1/staff")
async def list_staff(
    caller: Reader, directory: DirectoryDep, limit: LimitQuery = 50, cursor: CursorQuery = None
) -> Page[StaffMember]:
    """List staff, those who left included, in the order in which they were made."""
    rows, following = await _rows(directory, staff, limit, cursor)
    return Page[StaffMember](items=tuple(_member_for(caller, row) for row in rows), next_cursor=following)


@router.get("/v1/staff/{identifier}")
async def show_staff_member(identifier: str, caller: Reader, directory: DirectoryDep) -> StaffMember:
    """Show one member of staff; their address only to themselves and to those who keep the directory."""
    async with directory.database.read() as connection:
        return _member_for(caller, await changes.find(connection, staff, identifier))


@router.post("/v1/staff", status_code=201, response_model=StaffMember, responses=LOCATED)
async def create_staff(request: Request, new: NewStaff, by: Writer, directory: DirectoryDep) -> JSONResponse:
    """Make a member of staff. User names are unique, whatever their case (409)."""
    password_hash = await directory.hash_given(new.password)

    async def work(connection: AsyncConnection) -> HttpAnswer:
        return _created(await people.create_staff(connection, by, new, password_hash))

    return await directory.idempotency.once(request, by, work)


@router.patch("/v1/staff/{identifier}")
async def change_staff(identifier: str, change: StaffChange, by: Writer, directory: DirectoryDep) -> StaffMember:
    """Change a member of staff. 409 for the last administrator.

    Everything holds within seconds: changed roles, `active` false, which signs them out, and a new password, which ends
    all sessions that began with the old one.
    """
    password_hash = await directory.hash_given(change.password)
    async with directory.database.begin() as connection:
        return await people.change_staff(connection, by, identifier, change, password_hash)


@router.get("/v1/api-keys")
async def list_api_keys(
    caller: Reader, directory: DirectoryDep, limit: LimitQuery = 50, cursor: CursorQuery = None
) -> Page[ApiKey]:
    """List keys, revoked ones included, without their secrets.

    A key of a department sees those of its department; staff of one see those of the centre beside them.
    """
    rows, following = await _rows(directory, api_keys, limit, cursor, visibility.seen_keys(caller))
    return Page[ApiKey](items=tuple(changes.read_as(ApiKey, row) for row in rows), next_cursor=following)


@router.get("/v1/api-keys/{identifier}")
async def show_api_key(identifier: str, caller: Reader, directory: DirectoryDep) -> ApiKey:
    """Show one key without its secret; 403 for one that the caller's list leaves out."""
    async with directory.database.read() as connection:
        row = await visibility.find(connection, api_keys, identifier, visibility.seen_keys(caller))
    return changes.read_as(ApiKey, row)


@router.post("/v1/api-keys", status_code=201, response_model=IssuedApiKey, responses=LOCATED)
async def create_api_key(request: Request, new: NewApiKey, by: Writer, directory: DirectoryDep) -> JSONResponse:
    """Make a key. `key` is shown in this answer, and in its replay, and never again."""

    async def work(connection: AsyncConnection) -> HttpAnswer:
        secret = keys.draw_key()
        made = _created(await keys.create_key(connection, by, new, secret))
        return HttpAnswer({**made.body, "key": directory.seal.close(secret)}, made.status, made.headers)

    return await directory.idempotency.once(request, by, work, partial(directory.seal.opened, "key"))


@router.patch("/v1/api-keys/{identifier}")
async def change_api_key(identifier: str, change: ApiKeyChange, by: Writer, directory: DirectoryDep) -> ApiKey:
    """Change a key; `active` false revokes it within seconds."""
    async with directory.database.begin() as connection:
        return await keys.change_key(connection, by, identifier, change)


@router.get("/v1/directory-audit")
async def list_audit(
    caller: Auditor, directory: DirectoryDep, limit: LimitQuery = 50, cursor: CursorQuery = None
) -> Page[AuditEntry]:
    """List who changed which department, person or key, newest first; a caller of one department sees what concerns it,
    its people, keys and shifts."""
    seen = visibility.seen_changes(caller)
    before = None if cursor is None else decode_cursor(cursor, int)[0]
    async with directory.database.read() as connection:
        entries = await changes.list_audit(connection, seen, before=before, limit=limit)
    following = encode_cursor([int(entries[limit - 1].id)]) if len(entries) > limit else None
    return Page[AuditEntry](items=tuple(entries[:limit]), next_cursor=following)


def _member_for(caller: Caller, row: RowMapping) -> StaffMember:
    entitled = caller.id == row["id"] or (may(caller, Action.WRITE_DIRECTORY) and reaches(caller, row["department"]))
    return changes.read_as(StaffMember, row) if entitled else people.colleague_of(row)


async def _rows(
    directory: DirectoryService, table: Table, limit: int, cursor: str | None, seen: ColumnElement[bool] = _ALL
) -> tuple[Sequence[RowMapping], str | None]:
    after = None if cursor is None else decode_cursor(cursor, int)[0]
    async with directory.database.read() as connection:
        rows = await changes.list_rows(connection, table, seen, after=after, limit=limit)
    return rows[:limit], encode_cursor([rows[limit - 1]["position"]]) if len(rows) > limit else None


def _created(made: Department | StaffMember | ApiKey) -> HttpAnswer:
    collection: dict[type[Any], str] = {Department: "departments", StaffMember: "staff", ApiKey: "api-keys"}
    location = f"/v1/{collection[type(made)]}/{made.id}"
    return HttpAnswer(made.model_dump(mode="json"), 201, {"Location": location})
