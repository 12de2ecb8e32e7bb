"""Sessions: how a sign-in ends before its token expires, and what other processes are told of it.

A session has its person's generation of then; a new password and a deactivation raise that of the person, so that all
older sessions end at once, but for the one that chose the new password. Signing out ends one session by its id.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import RowMapping, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.directory import changes
from services.directory.schemas import EndedSession, SessionsNow
from services.directory.tables import ended_sessions, staff
from services.runtime.errors import Unauthenticated
from services.runtime.security.auth import Caller
from services.runtime.security.sessions import Session, StaffStanding

MOST_AT_ONCE = 10_000
_KEPT_AFTER_EXPIRY = timedelta(hours=1)


async def end(connection: AsyncConnection, caller: Caller) -> None:
    """End the session that the caller asks by. Ending it again changes nothing."""
    if caller.session is None:
        raise Unauthenticated
    # Positions then grow in the order of commits, so that nobody who goes on from one misses another.
    await changes.lock_writers(connection)
    ended = {
        "id": caller.session.id,
        "staff": caller.id,
        "expires_at": datetime.fromtimestamp(caller.session.expires_at, UTC),
    }
    await connection.execute(insert(ended_sessions).values(ended).on_conflict_do_nothing())


async def counts(connection: AsyncConnection, row: RowMapping, session: Session) -> bool:
    """Whether a session of a member of staff still counts, by what is stored at this moment."""
    if standing_of(row).ends(session):
        return False
    return await connection.scalar(select(ended_sessions.c.id).where(ended_sessions.c.id == session.id)) is None


def ending(row: Mapping[str, Any] | RowMapping, kept: Session | None = None) -> dict[str, Any]:
    """Columns of a member of staff whose sessions end, but for `kept`."""
    return {"session_generation": row["session_generation"] + 1, "kept_session": kept.id if kept else None}


async def news(connection: AsyncConnection, generation: int, position: int) -> SessionsNow:
    """Read what changed since the directory's `generation`, and who signed out since `position`."""
    # Read first: rows may be newer than the generation that vouches for them, never older.
    latest = await changes.generation(connection)
    ended = await connection.execute(
        select(ended_sessions)
        .where(ended_sessions.c.position > position, ended_sessions.c.expires_at > func.now())
        .order_by(ended_sessions.c.position)
        .limit(MOST_AT_ONCE)
    )
    gone = ended.mappings().all()
    everybody = None if latest == generation else (await connection.execute(select(staff))).mappings().all()
    return SessionsNow(
        generation=latest,
        staff=None if everybody is None else tuple(map(standing_of, everybody)),
        position=gone[-1]["position"] if gone else position,
        ended=tuple(EndedSession(id=row["id"], expires_at=row["expires_at"].timestamp()) for row in gone),
        more=len(gone) == MOST_AT_ONCE,
    )


async def sweep(connection: AsyncConnection) -> None:
    """Forget sessions that have expired by themselves."""
    await connection.execute(
        delete(ended_sessions).where(ended_sessions.c.expires_at < func.now() - _KEPT_AFTER_EXPIRY)
    )


def standing_of(row: RowMapping) -> StaffStanding:
    """The part of a row that decides about the sessions of a member of staff."""
    same = {name: row[name] for name in ("id", "name", "username", "department", "active", "kept_session")}
    return StaffStanding(**same, roles=frozenset(row["roles"]), generation=row["session_generation"])
