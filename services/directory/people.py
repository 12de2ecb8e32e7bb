"""Departments and staff: the rules under which they are made and changed."""

import secrets
from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import RowMapping, func, select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from services.contracts.directory import Department, StaffMember, StaffRole
from services.contracts.permissions import BY_ROLE, Action
from services.directory import changes, sessions
from services.directory.grants import require_reach, require_roles
from services.directory.hours import require_readable_hours
from services.directory.refusals import AlreadyExists, DefaultDepartment, LastAdmin, wrong
from services.directory.schemas import DepartmentChange, NewDepartment, NewStaff, StaffChange
from services.directory.tables import departments, staff
from services.runtime.security.auth import Caller


async def create_department(connection: AsyncConnection, by: Caller, new: NewDepartment) -> Department:
    """Make a department; one that is to be the default takes that from the one before. 409 when the id is taken."""
    require_reach(by, None)
    await changes.lock_writers(connection)
    values = {**new.model_dump(mode="json"), "id": new.id or f"d-{secrets.token_hex(6)}"}
    _require_active_default(values)
    await _require_fallback(connection, values)
    if await connection.scalar(select(departments.c.id).where(departments.c.id == values["id"])):
        raise AlreadyExists(values["id"])
    await _hand_over_default(connection, by, values)
    return changes.read_as(Department, await changes.insert(connection, by, "department", departments, values))


async def change_department(
    connection: AsyncConnection, by: Caller, identifier: str, change: DepartmentChange
) -> Department:
    """Change a department. The default one stays active and default until another takes over (409)."""
    require_reach(by, None)
    await changes.lock_writers(connection)
    row = await changes.find(connection, departments, identifier)
    values = change.model_dump(mode="json", exclude_unset=True)
    if row["default"] and not (values.get("default", True) and values.get("active", True)):
        raise DefaultDepartment
    _require_active_default({**row, **values})
    await _require_fallback(connection, {"id": identifier, **values})
    await _hand_over_default(connection, by, values, row)
    return changes.read_as(Department, await changes.update(connection, by, "department", departments, row, values))


async def create_staff(
    connection: AsyncConnection, by: Caller, new: NewStaff, password_hash: str | None
) -> StaffMember:
    """Make a member of staff. 409 when the user name is taken, whatever its case; 422 for an unknown department."""
    _require_grantable(by, new.roles, new.department)
    await changes.lock_writers(connection)
    await require_department(connection, new.department)
    await _require_free(connection, new.username)
    values = new.model_dump(mode="json", exclude={"password"})
    require_readable_hours(values)
    values |= {"id": f"s-{secrets.token_hex(8)}", "password_hash": password_hash}
    return changes.read_as(StaffMember, await changes.insert(connection, by, "staff", staff, values))


async def change_staff(
    connection: AsyncConnection, by: Caller, identifier: str, change: StaffChange, password_hash: str | None
) -> StaffMember:
    """Change a member of staff. 409 `last_admin` when nobody would be left to change the directory.

    A new password and leaving end all their sessions; somebody who gives themselves a password goes on.
    """
    await changes.lock_writers(connection)
    row = await changes.find(connection, staff, identifier)
    values = change.model_dump(mode="json", exclude_unset=True, exclude={"password"})
    after = {**row, **values}
    require_readable_hours(after)
    for state in (row, after):
        _require_grantable(by, state["roles"], state["department"])
    if after["department"] != row["department"]:
        await require_department(connection, after["department"])
    if after["username"].lower() != row["username"].lower():
        await _require_free(connection, after["username"])
    await _require_an_admin(connection, row, after)
    if password_hash is not None:
        values |= {"password_hash": password_hash, **sessions.ending(row, by.session if by.id == row["id"] else None)}
    elif row["active"] and not after["active"]:
        values |= sessions.ending(row)
    return changes.read_as(StaffMember, await changes.update(connection, by, "staff", staff, row, values))


async def find_staff(connection: AsyncConnection, identifier: str) -> RowMapping | None:
    """The row of a member of staff, password hash included."""
    found = await connection.execute(select(staff).where(staff.c.id == identifier))
    return found.mappings().one_or_none()


async def set_own_password(connection: AsyncConnection, by: Caller, password_hash: str) -> StaffMember:
    """Keep a new password of the member of staff who asks, and end all their sessions but the one they ask by."""
    await changes.lock_writers(connection)
    row = await changes.find(connection, staff, by.id)
    values = {"password_hash": password_hash, **sessions.ending(row, by.session)}
    return changes.read_as(StaffMember, await changes.update(connection, by, "staff", staff, row, values))


async def require_department(connection: AsyncConnection, identifier: str | None) -> None:
    """Refuse (422) a department that does not exist or is no longer active; None is the whole centre."""
    if identifier is None:
        return
    known = select(departments.c.id).where(departments.c.id == identifier, departments.c.active)
    if await connection.scalar(known) is None:
        raise wrong("/department", "unknown_department")


def colleague_of(row: Mapping[str, Any] | RowMapping) -> StaffMember:
    """A member of staff as those see them who neither are them nor keep the directory: without their address."""
    return changes.read_as(StaffMember, {**row, "email": None})


async def require_answering(
    connection: AsyncConnection, identifier: str, department: str | None, pointer: str
) -> RowMapping:
    """The active member of staff who may answer alerts of a department; 422 at `pointer` for anybody else.

    Whoever belongs to another department may not read its tickets, so telling them would help nobody (I16). For the
    whole centre anybody may be named: they answer for what they reach.
    """
    row = await find_staff(connection, identifier)
    if row is None or not row["active"]:
        raise wrong(pointer, "unknown_staff")
    if not may_answer(row["roles"]):
        raise wrong(pointer, "may_not_answer")
    if department is not None and row["department"] not in {None, department}:
        raise wrong(pointer, "other_department")
    return row


def may_answer(roles: Collection[str]) -> bool:
    """Whether one of these roles may answer alerts."""
    return any(Action.ANSWER_ALERT in BY_ROLE[StaffRole(role)] for role in roles)


def _require_active_default(values: Mapping[str, Any]) -> None:
    if values["default"] and not values["active"]:
        raise wrong("/default", "inactive")


async def _require_fallback(connection: AsyncConnection, values: Mapping[str, Any]) -> None:
    if (fallback := values.get("on_call_fallback")) is not None:
        await require_answering(connection, fallback, values["id"], "/on_call_fallback")


async def _hand_over_default(
    connection: AsyncConnection, by: Caller, values: Mapping[str, Any], row: RowMapping | None = None
) -> None:
    if not values.get("default") or (row is not None and row["default"]):
        return
    found = await connection.execute(select(departments).where(departments.c.default == true()))
    before = found.mappings().one_or_none()
    if before is not None:
        await changes.update(connection, by, "department", departments, before, {"default": False})


def _require_grantable(by: Caller, roles: Collection[str], department: str | None) -> None:
    require_reach(by, department)
    require_roles(by, roles)


async def _require_free(connection: AsyncConnection, username: str) -> None:
    if await connection.scalar(select(staff.c.id).where(func.lower(staff.c.username) == username.lower())):
        raise AlreadyExists(username)


async def _require_an_admin(connection: AsyncConnection, row: RowMapping, after: Mapping[str, Any]) -> None:
    if not _administers(row) or _administers(after):
        return
    others = select(staff.c.id).where(
        staff.c.active, staff.c.id != row["id"], staff.c.roles.contains([StaffRole.ADMIN.value])
    )
    if await connection.scalar(others.limit(1)) is None:
        raise LastAdmin


def _administers(state: Mapping[str, Any] | RowMapping) -> bool:
    return bool(state["active"]) and StaffRole.ADMIN in state["roles"]
