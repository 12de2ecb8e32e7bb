"""Quiet hours as stored: every version, and who set it."""

from pydantic import Field
from sqlalchemy import RowMapping, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.contracts.base import Instant
from services.notify.hours.quiet_hours import QuietHours
from services.notify.hours.tables import quiet_hours
from services.runtime.http.conditions import IfMatch, require_version
from services.runtime.postgres.database import Database
from services.runtime.postgres.versioned_copy import VersionedCopy

_WRITERS_LOCK = 0x7175696574


class QuietHoursView(QuietHours):
    """The quiet hours in force."""

    version: int = Field(description="0 until somebody has set them.")
    updated_at: Instant | None
    updated_by: str | None


async def in_force(connection: AsyncConnection) -> QuietHoursView:
    """Read the quiet hours that hold now; before anybody has set them there are none."""
    latest = select(quiet_hours).order_by(quiet_hours.c.version.desc()).limit(1)
    row = (await connection.execute(latest)).mappings().one_or_none()
    return QuietHoursView(version=0, updated_at=None, updated_by=None) if row is None else _of(row)


def quiet_hours_copy(database: Database) -> VersionedCopy[QuietHours]:
    """A copy of the quiet hours in force, by their version."""

    async def read() -> tuple[int, QuietHours]:
        async with database.read() as connection:
            found = await in_force(connection)
        return found.version, found

    return VersionedCopy(read)


async def put(connection: AsyncConnection, hours: QuietHours, *, by: str, if_match: IfMatch | None) -> QuietHoursView:
    """Store the next version; what the former ones held, `notices.submission.release_held` lets go.

    Raises:
        StaleVersion: `if_match` is not the version in force.
    """
    await connection.execute(select(func.pg_advisory_xact_lock(_WRITERS_LOCK)))
    current = await in_force(connection)
    require_version(if_match, current.version)
    kept = hours.model_dump(mode="json", include=set(QuietHours.model_fields))
    values = {"version": current.version + 1, "hours": kept, "created_by": by}
    row = (await connection.execute(insert(quiet_hours).values(values).returning(quiet_hours))).mappings().one()
    return _of(row)


def _of(row: RowMapping) -> QuietHoursView:
    return QuietHoursView(
        **row["hours"], version=row["version"], updated_at=row["created_at"], updated_by=row["created_by"]
    )
