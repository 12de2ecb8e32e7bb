"""Storage of versions of policies and calendars: each once, numbered from 1, never changed."""

from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, func, select, text
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncConnection

from services.contracts.policy import Policy, StoredCalendar
from services.runtime.errors import NotFound
from services.runtime.http.conditions import IfMatch, require_version
from services.runtime.postgres.database import Database

NOT_IN_THE_BODY = frozenset({"published_at"})


def version_row(
    stored: Policy | StoredCalendar, now: datetime, *, published: bool, by: str | None = None
) -> dict[str, Any]:
    """The row of a version; `by` is whoever stored it, None for what ships with Bihuan."""
    return {
        "id": stored.id,
        "version": stored.version,
        "body": stored.model_dump(mode="json", exclude=set(NOT_IN_THE_BODY)),
        "created_at": now,
        "created_by": by,
        "published_at": now if published else None,
    }


def latest_versions(table: Any, *, only_published: bool = False) -> Any:
    """The latest version of each id."""
    query = select(table).ext(distinct_on(table.c.id)).order_by(table.c.id, table.c.version.desc())
    return query.where(table.c.published_at.is_not(None)) if only_published else query


def one_version(table: Any, id_: str, version: int | None) -> Any:
    """One version of an id, the latest by default."""
    mine = select(table).where(table.c.id == id_).order_by(table.c.version.desc()).limit(1)
    return mine if version is None else mine.where(table.c.version == version)


async def every_version(database: Database, table: Any, id_: str) -> list[RowMapping]:
    """Rows of the versions of an id, the latest first.

    Raises:
        NotFound: there is none.
    """
    columns = (table.c.version, table.c.created_at, table.c.created_by, table.c.published_at)
    query = select(*columns).where(table.c.id == id_).order_by(table.c.version.desc())
    rows = await database.rows(query)
    if not rows:
        raise NotFound
    return rows


async def last_version(connection: AsyncConnection, table: Any, id_: str, if_match: IfMatch | None) -> int:
    """The number of the latest version of an id, 0 for none; until the transaction ends nobody else stores another.

    Raises:
        StaleVersion: `if_match` is another version.
    """
    # One writer at a time for an id, or two would store the same version.
    await connection.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:id, 0))"), {"id": f"{table.name}/{id_}"}
    )
    last = int(await connection.scalar(select(func.max(table.c.version)).where(table.c.id == id_)) or 0)
    require_version(if_match, last, exists=last > 0)
    return last
