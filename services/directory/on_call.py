"""Shifts: who is on call, when, for which department (product.md 6)."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from services.contracts.directory import Shift
from services.directory import changes
from services.directory.grants import require_reach
from services.directory.people import require_answering, require_department
from services.directory.refusals import wrong
from services.directory.schemas import NewShift, ShiftChange
from services.directory.tables import on_call
from services.runtime.security.auth import Caller


@dataclass(frozen=True)
class ShiftFilters:
    """Filters of a list of shifts: the shifts on duty `at` an instant, or those that touch a period."""

    department: str | None = None
    at: datetime | None = None
    from_: datetime | None = None
    to: datetime | None = None


async def create_shift(connection: AsyncConnection, by: Caller, new: NewShift) -> Shift:
    """Make a shift. Shifts may overlap: everybody on duty is told."""
    require_reach(by, new.department)
    await changes.lock_writers(connection)
    values = {"id": f"c-{secrets.token_hex(8)}", **new.model_dump()}
    await _require_sound(connection, values)
    return changes.read_as(Shift, await changes.insert(connection, by, "shift", on_call, values))


async def change_shift(connection: AsyncConnection, by: Caller, identifier: str, change: ShiftChange) -> Shift:
    """Change a shift; it then must be as sound as a new one."""
    await changes.lock_writers(connection)
    row = await changes.find(connection, on_call, identifier)
    values = change.model_dump(exclude_unset=True)
    after = {**row, **values}
    for state in (row, after):
        require_reach(by, state["department"])
    await _require_sound(connection, after)
    return changes.read_as(Shift, await changes.update(connection, by, "shift", on_call, row, values))


async def remove_shift(connection: AsyncConnection, by: Caller, identifier: str) -> Shift:
    """Take a shift off the plan and answer it; the audit log keeps what it was."""
    await changes.lock_writers(connection)
    row = await changes.find(connection, on_call, identifier)
    require_reach(by, row["department"])
    await changes.remove(connection, by, "shift", on_call, row)
    return changes.read_as(Shift, row)


async def list_shifts(
    connection: AsyncConnection,
    seen: ColumnElement[bool],
    filters: ShiftFilters,
    *,
    after: Sequence[Any] | None,
    limit: int,
) -> Sequence[RowMapping]:
    """A page of the shifts that are `seen`, by their beginning, and one row more when there are more."""
    query = select(on_call).where(seen).order_by(on_call.c.from_at, on_call.c.id).limit(limit + 1)
    if filters.department is not None:
        query = query.where(on_call.c.department == filters.department)
    if filters.at is not None:
        query = query.where(on_call.c.from_at <= filters.at, on_call.c.to_at > filters.at)
    if filters.from_ is not None:
        query = query.where(on_call.c.to_at > filters.from_)
    if filters.to is not None:
        query = query.where(on_call.c.from_at < filters.to)
    if after is not None:
        query = query.where(tuple_(on_call.c.from_at, on_call.c.id) > tuple_(*after))
    return (await connection.execute(query)).mappings().all()


async def _require_sound(connection: AsyncConnection, values: Mapping[str, Any]) -> None:
    if values["to_at"] <= values["from_at"]:
        raise wrong("/to_at", "not_after_beginning")
    await require_department(connection, values["department"])
    await require_answering(connection, values["staff"], values["department"], "/staff")
