"""The part that a caller of one department sees of keys, shifts and the record of changes; people are everybody's.

A key sees its own department. Staff also see the keys that act for the whole centre, because those act on their tickets
and are named in the journal; whoever keeps the directory sees all.
"""

from sqlalchemy import ColumnElement, RowMapping, Table, and_, or_, select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from services.contracts.permissions import Action, may
from services.directory import changes
from services.directory.tables import api_keys, audit, on_call, staff
from services.runtime.errors import Forbidden
from services.runtime.security.auth import Caller


def seen_keys(caller: Caller) -> ColumnElement[bool]:
    """The keys that the caller may see."""
    own = api_keys.c.department == caller.department
    if caller.department is None:
        return true()
    if caller.kind == "api_key":
        return own
    return true() if may(caller, Action.WRITE_DIRECTORY) else or_(own, api_keys.c.department.is_(None))


def seen_shifts(caller: Caller) -> ColumnElement[bool]:
    """The shifts that the caller may see. Staff see all, to know whom to call; a key those that answer its department's
    alerts: its own and the centre's."""
    if caller.kind != "api_key" or caller.department is None:
        return true()
    return or_(on_call.c.department == caller.department, on_call.c.department.is_(None))


def seen_changes(caller: Caller) -> ColumnElement[bool]:
    """The entries of the record that the caller may see: of their department, its people, keys and shifts.

    People and keys are where they are now; a shift belongs to every department that it was ever in, because one that
    was taken off the plan is only in the record.
    """
    if caller.department is None:
        return true()
    subject = {
        "department": audit.c.subject_id == caller.department,
        "staff": audit.c.subject_id.in_(select(staff.c.id).where(staff.c.department == caller.department)),
        "api_key": audit.c.subject_id.in_(select(api_keys.c.id).where(api_keys.c.department == caller.department)),
        "shift": _is_of_its_shifts(caller.department),
    }
    return or_(*(and_(audit.c.subject_kind == kind, its) for kind, its in subject.items()))


async def find(connection: AsyncConnection, table: Table, identifier: str, seen: ColumnElement[bool]) -> RowMapping:
    """One row of a list. Raises `NotFound`, and `Forbidden` for one that is not among what is `seen`."""
    row = await changes.find(connection, table, identifier)
    if await connection.scalar(select(table.c.id).where(table.c.id == identifier, seen)) is None:
        raise Forbidden
    return row


def _is_of_its_shifts(department: str) -> ColumnElement[bool]:
    earlier = audit.alias("earlier")
    named = select(earlier.c.subject_id).where(
        earlier.c.subject_kind == "shift", earlier.c.fields.contains({"department": [department]})
    )
    planned = select(on_call.c.id).where(on_call.c.department == department)
    return or_(audit.c.subject_id.in_(planned), audit.c.subject_id.in_(named))
