"""Quiet hours as stored: every version, and who set it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.hours.quiet_hours import QuietHours
from services.notify.hours.tables import quiet_hours
from services.runtime.http.conditions import IfMatch, require_version

_WRITERS_LOCK = 0x7175696574


@dataclass(frozen=True)
class StoredQuietHours:
    """The quiet hours in force; version 0, set by nobody, are none."""

    hours: QuietHours = field(default_factory=QuietHours)
    version: int = 0
    updated_at: datetime | None = None
    updated_by: str | None = None


async def in_force(connection: AsyncConnection) -> StoredQuietHours:
    """Read the quiet hours that hold now."""
    latest = select(quiet_hours).order_by(quiet_hours.c.version.desc()).limit(1)
    row = (await connection.execute(latest)).mappings().one_or_none()
    return StoredQuietHours() if row is None else _of(row)


async def put(connection: AsyncConnection, hours: QuietHours, *, by: str, if_match: IfMatch | None) -> StoredQuietHours:
    """Store the next version; what the former ones held, `notices.submission.release_held` lets go.

    Raises:
        StaleVersion: `if_match` is not the version in force.
    """
    await connection.execute(select(func.pg_advisory_xact_lock(_WRITERS_LOCK)))
    current = await in_force(connection)
    require_version(if_match, current.version)
    values = {"version": current.version + 1, "hours": hours.model_dump(mode="json"), "created_by": by}
    row = (await connection.execute(insert(quiet_hours).values(values).returning(quiet_hours))).mappings().one()
    return _of(row)


def _of(row: Mapping[Any, Any]) -> StoredQuietHours:
    hours = QuietHours.model_validate(row["hours"])
    return StoredQuietHours(hours, row["version"], row["created_at"], row["created_by"])
