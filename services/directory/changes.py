"""Writing to the directory: one writer at a time, every change in the audit log."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, TypeVar

from sqlalchemy import ColumnElement, RowMapping, Table, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.contracts.base import Message, format_instant
from services.directory.schemas import AuditEntry
from services.directory.tables import audit
from services.runtime.errors import NotFound
from services.runtime.security.auth import Caller

Subject = Literal["department", "staff", "api_key", "shift"]
Change = Literal["created", "changed", "removed"]
Read = TypeVar("Read", bound=Message)
_WRITERS_LOCK = 0x6469726563746F72
_NOT_CHOSEN = frozenset({"id", "position", "created_at"})
_UNSPOKEN = frozenset({"password_hash", "key_hash", "email"})
_UNTOLD = frozenset({"session_generation", "kept_session"})
"""What follows from another change, and is part of no entry."""


async def lock_writers(connection: AsyncConnection) -> None:
    """Let one transaction write at a time: rules over several rows (the last administrator, the one default
    department) hold, and the numbers of the audit log grow in the order of commits."""
    await connection.execute(select(func.pg_advisory_xact_lock(_WRITERS_LOCK)))


async def find(connection: AsyncConnection, table: Table, identifier: str) -> RowMapping:
    """One row by its id; 404 when there is none."""
    found = await connection.execute(select(table).where(table.c.id == identifier))
    row = found.mappings().one_or_none()
    if row is None:
        raise NotFound
    return row


def read_as(message: type[Read], row: Mapping[str, Any] | RowMapping) -> Read:
    """The part of a row that a message tells."""
    return message.model_validate({name: row[name] for name in message.model_fields})


async def insert(
    connection: AsyncConnection, by: Caller, subject: Subject, table: Table, values: Mapping[str, Any]
) -> RowMapping:
    """Add a row and its audit entry. Returns the row as stored."""
    stored = await connection.execute(table.insert().values(**values).returning(*table.c))
    row = stored.mappings().one()
    new = {name: (None, _spoken(name, value)) for name, value in values.items() if name != "id"}
    await _note(connection, by, subject, row["id"], "created", new)
    return row


async def update(
    connection: AsyncConnection, by: Caller, subject: Subject, table: Table, row: RowMapping, values: Mapping[str, Any]
) -> RowMapping:
    """Change what differs from `row` and say so in the audit log; no difference, no write. Returns the row after."""
    changed = {name: value for name, value in values.items() if row[name] != value}
    if not changed:
        return row
    stored = await connection.execute(
        table.update().where(table.c.id == row["id"]).values(**changed).returning(*table.c)
    )
    fields = {
        name: (_spoken(name, row[name]), _spoken(name, value)) for name, value in changed.items() if name not in _UNTOLD
    }
    await _note(connection, by, subject, row["id"], "changed", fields)
    return stored.mappings().one()


async def remove(connection: AsyncConnection, by: Caller, subject: Subject, table: Table, row: RowMapping) -> None:
    """Take a row away and say so in the audit log."""
    await connection.execute(table.delete().where(table.c.id == row["id"]))
    gone = {name: (_spoken(name, value), None) for name, value in row.items() if name not in _NOT_CHOSEN}
    await _note(connection, by, subject, row["id"], "removed", gone)


async def list_rows(
    connection: AsyncConnection, table: Table, seen: ColumnElement[bool], *, after: int | None, limit: int
) -> list[RowMapping]:
    """A page of what is `seen`, in the order in which rows were made, and one row more when there are more."""
    query = select(table).where(seen).order_by(table.c.position).limit(limit + 1)
    found = await connection.execute(query if after is None else query.where(table.c.position > after))
    return list(found.mappings())


async def list_audit(
    connection: AsyncConnection, seen: ColumnElement[bool], *, before: int | None, limit: int
) -> list[AuditEntry]:
    """A page of what is `seen` of the audit log, newest first, and one entry more when there are more."""
    query = select(audit).where(seen).order_by(audit.c.id.desc()).limit(limit + 1)
    found = await connection.execute(query if before is None else query.where(audit.c.id < before))
    return [AuditEntry.model_validate({**row, "id": str(row["id"])}) for row in found.mappings()]


async def generation(connection: AsyncConnection) -> int:
    """The number of the last change; read it before the rows that it vouches for."""
    return int(await connection.scalar(select(func.coalesce(func.max(audit.c.id), 0))) or 0)


def _spoken(name: str, value: Any) -> Any:
    if name in _UNSPOKEN and value is not None:
        return "***"
    return format_instant(value) if isinstance(value, datetime) else value


async def _note(
    connection: AsyncConnection,
    by: Caller,
    subject: Subject,
    identifier: str,
    change: Change,
    fields: Mapping[str, tuple[Any, Any]],
) -> None:
    entry = {
        "actor_kind": by.kind,
        "actor_id": by.id,
        "subject_kind": subject,
        "subject_id": identifier,
        "change": change,
        "fields": fields,
    }
    await connection.execute(audit.insert().values(entry))
