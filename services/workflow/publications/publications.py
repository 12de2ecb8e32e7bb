"""Publications: a version is put in force, and what is known of the recalculation that follows (semantics.md 19)."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, case, exists, func, literal, null, or_, select, true, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.access.reach import within_reach
from services.contracts.base import format_instant
from services.contracts.journal import EventType
from services.contracts.permissions import Action, may
from services.contracts.publication import PublicationState, SubjectKind
from services.runtime.errors import Conflict, NotFound
from services.runtime.http.paging import decode_cursor, encode_cursor
from services.runtime.postgres.commit_notifier import wake
from services.runtime.postgres.database import Database
from services.runtime.security.auth import Caller
from services.workflow.journal.owed_recalculations import RUN_AGAIN
from services.workflow.policies.catalogue import advance
from services.workflow.policies.policy_store import bring_back
from services.workflow.tables import calendars, journal, policies, publication_failures, publications, tickets
from services.workflow.wake_channels import STARTER_CHANNEL

TABLES = {SubjectKind.POLICY: policies, SubjectKind.CALENDAR: calendars}
WRITES = {SubjectKind.POLICY: Action.WRITE_POLICY, SubjectKind.CALENDAR: Action.WRITE_CALENDAR}
IS_OPEN = tickets.c.status != literal("closed", literal_execute=True)
"""Written out, so that the index of open tickets serves a prepared statement."""
_FAILED = (
    select(func.count())
    .where(publication_failures.c.publication_id == publications.c.id)
    .scalar_subquery()
    .label("failed")
)
_ENTERED = (
    select(func.count())
    .where(journal.c.command_id == publications.c.id, journal.c.type == EventType.RECALCULATED)
    .scalar_subquery()
)
_ENTERED_SO_FAR = case((publications.c.state == PublicationState.RUNNING, _ENTERED), else_=0).label("entered")
"""The tickets that a walk has recalculated, those of the batch included that is not counted yet."""


@dataclass(frozen=True)
class Subject:
    """One version of a policy or a calendar."""

    kind: SubjectKind
    id: str
    version: int

    @property
    def not_found(self) -> NotFound:
        """The refusal where there is no such version."""
        en, zh = (
            f"{self.kind} {self.id} has no version {self.version}",
            f"{self.kind} {self.id} 没有第 {self.version} 版",
        )
        return NotFound({"en": en, "zh": zh})


class Publications:
    """Publishes, and reads what was published."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def publish(
        self, connection: AsyncConnection, subject: Subject, caller: Caller, *, recalculate: bool
    ) -> Mapping[str, Any]:
        """Put a version in force, and have open tickets recalculated if asked; in the caller's transaction.

        A version in force already is not published again; its publication recalculates.

        Raises:
            NotFound: there is no such version.
            Conflict: `superseded`, a later version is in force.
        """
        now = datetime.now(UTC)
        await self._put_in_force(connection, subject, now)
        open_now = select(func.count()).select_from(tickets).where(IS_OPEN)
        total = await connection.scalar(open_now) if recalculate else 0
        values = {
            "id": f"pub-{secrets.token_hex(8)}",
            "kind": subject.kind,
            "subject": subject.id,
            "version": subject.version,
            "recalculate": recalculate,
            "state": PublicationState.RUNNING if recalculate else PublicationState.DONE,
            "requested_by": caller.id,
            "requested_at": now,
            "finished_at": None if recalculate else now,
            "total": total,
        }
        row = (await connection.execute(insert(publications).values(values).returning(publications))).mappings().one()
        if recalculate:
            await wake(connection, STARTER_CHANNEL)
        return publication_view({**row, "failed": 0})

    async def retry(self, connection: AsyncConnection, id_: str) -> Mapping[str, Any]:
        """Try the tickets again that failed. One that is said to run gets its workflow back, should somebody have ended
        it by hand: a workflow that runs is attached to. Where nothing failed, nothing happens.

        Raises:
            NotFound: there is no such publication.
        """
        row = await self._row(connection, id_, lock=True)
        runs = row["state"] == PublicationState.RUNNING
        if not runs and not row["failed"]:
            return publication_view(row)
        if not runs:
            mine = publication_failures.c.publication_id == id_
            await connection.execute(update(publication_failures).where(mine).values(attempts=0))
        anew = {"engine_id": None, "engine_attempts": 0} if runs else RUN_AGAIN
        await connection.execute(update(publications).where(publications.c.id == id_).values(anew))
        await wake(connection, STARTER_CHANNEL)
        return publication_view(await self._row(connection, id_))

    async def one(self, id_: str) -> Mapping[str, Any]:
        """One publication.

        Raises:
            NotFound: there is none of this id.
        """
        async with self._database.read() as connection:
            return publication_view(await self._row(connection, id_))

    async def page(self, limit: int, cursor: str | None) -> tuple[list[Mapping[str, Any]], str | None]:
        """Publications, the latest first."""
        query = select(publications, _FAILED, _ENTERED_SO_FAR).order_by(
            publications.c.requested_at.desc(), publications.c.id.desc()
        )
        if cursor is not None:
            before = decode_cursor(cursor, datetime, str)
            query = query.where(tuple_(publications.c.requested_at, publications.c.id) < tuple_(*before))
        rows = await self._database.rows(query.limit(limit + 1))
        shown = [publication_view(row) for row in rows[:limit]]
        if len(rows) <= limit:
            return shown, None
        return shown, encode_cursor([rows[limit - 1]["requested_at"].isoformat(), rows[limit - 1]["id"]])

    async def changes(
        self, id_: str, caller: Caller, limit: int, cursor: str | None, *, moved: bool = False
    ) -> tuple[list[Mapping[str, Any]], str | None]:
        """Changes of a publication, ticket by ticket, and what failed; of the tickets that the caller may know of.
        `moved` leaves out those that live by the new version without any clock of theirs having moved.

        Raises:
            NotFound: there is no such publication.
        """
        after = decode_cursor(cursor, str)[0] if cursor else ""
        seen = _visible(caller)
        entries = _entries_of(id_).add_columns(null().label("error"))
        changed = entries.where(journal.c.ticket_no > after, seen(journal.c.ticket_no))
        if moved:
            changed = changed.where(_MOVED)
        failures = publication_failures.c
        failed = select(failures.ticket_no, failures.failed_at, null(), failures.error).where(
            failures.publication_id == id_,
            failures.ticket_no > after,
            seen(failures.ticket_no),
            ~exists(_entries_of(id_).where(journal.c.ticket_no == failures.ticket_no)),
        )
        async with self._database.read() as connection:
            await self._row(connection, id_)
            rows = await _merged(connection, changed, failed, limit + 1)
        shown = [_change_view(row) for row in rows[:limit]]
        return shown, encode_cursor([rows[limit - 1].ticket_no]) if len(rows) > limit else None

    async def _put_in_force(self, connection: AsyncConnection, subject: Subject, now: datetime) -> None:
        table = TABLES[subject.kind]
        query = select(table.c.version, table.c.published_at).where(table.c.id == subject.id)
        versions = {row.version: row.published_at for row in await connection.execute(query.with_for_update())}
        if subject.version not in versions:
            raise subject.not_found
        latest = max((version for version, at in versions.items() if at is not None), default=0)
        if latest > subject.version:
            raise Conflict(
                {
                    "en": f"Version {latest} is in force; store what version {subject.version} says as a new version.",
                    "zh": f"版本 {latest} 已生效；请把版本 {subject.version} 的内容另存为新版本后再发布。",
                },
                code="superseded",
                extra={"published_version": latest},
            )
        if latest < subject.version:
            mine = (table.c.id == subject.id, table.c.version == subject.version)
            await connection.execute(update(table).where(*mine).values(published_at=now))
        if subject.kind is SubjectKind.POLICY:
            await bring_back(connection, [subject.id])
        await advance(connection)

    async def _row(self, connection: AsyncConnection, id_: str, *, lock: bool = False) -> Mapping[Any, Any]:
        query: Select[Any] = select(publications, _FAILED, _ENTERED_SO_FAR).where(publications.c.id == id_)
        query = query.with_for_update(of=publications) if lock else query
        row: Mapping[Any, Any] | None = (await connection.execute(query)).mappings().first()
        if row is None:
            raise NotFound
        return row


def publication_view(row: Mapping[Any, Any]) -> Mapping[str, Any]:
    """A publication as the API shows it; `done` tickets are those that need nothing any more. Figures are counted at
    the end of a batch; what its journals tell already is counted here."""
    ahead = max(row.get("entered", 0) - row["changed"], 0)
    done, changed = row["done"] + ahead, row["changed"] + ahead
    return {
        **{name: row[name] for name in ("id", "recalculate", "state", "requested_by", "excused", "failed")},
        "subject": {"kind": row["kind"], "id": row["subject"], "version": row["version"]},
        "requested_at": format_instant(row["requested_at"]),
        "finished_at": format_instant(row["finished_at"]) if row["finished_at"] else None,
        "total": None if row["total"] is None else max(row["total"], done),
        "done": done,
        "changed": changed,
    }


_MOVED = or_(
    func.jsonb_array_length(journal.c.data["changes"]) > 0, func.jsonb_array_length(journal.c.data["excused"]) > 0
)


def _entries_of(id_: str) -> Select[Any]:
    """Entries of a publication in journals. A ticket whose answer got lost is changed, though it counts as failed."""
    mine = (journal.c.command_id == id_, journal.c.type == EventType.RECALCULATED)
    return select(journal.c.ticket_no, journal.c.at, journal.c.data).where(*mine)


async def _merged(connection: AsyncConnection, changed: Select[Any], failed: Select[Any], limit: int) -> Sequence[Any]:
    """The first of both by ticket number; no ticket is in both."""
    rows = [
        *(await connection.execute(changed.order_by(journal.c.ticket_no).limit(limit))),
        *(await connection.execute(failed.order_by(publication_failures.c.ticket_no).limit(limit))),
    ]
    return sorted(rows, key=lambda row: row.ticket_no)[:limit]


def _change_view(row: Any) -> Mapping[str, Any]:
    ticket_no, at, data, error = row
    if data is None:
        return {"ticket_no": ticket_no, "at": format_instant(at), "changes": [], "error": error}
    changes = {f"{it['clock']}/{it['cycle']}/{it['round']}": {**it, "excused": False} for it in data["changes"]}
    for key in data["excused"]:
        name, cycle, round_ = key.split("/")
        plain = {"clock": name, "cycle": int(cycle), "round": int(round_), "due_from": None, "due_to": None}
        changes[key] = {**changes.get(key, plain), "excused": True}
    return {"ticket_no": ticket_no, "at": format_instant(at), "changes": list(changes.values()), "error": None}


def _visible(caller: Caller) -> Any:
    """Whoever publishes for the whole centre sees every ticket's number and due times; others those of their queue."""
    publishes = any(may(caller, action) for action in WRITES.values())
    if publishes and caller.department is None:
        return lambda _: true()

    def condition(number: ColumnElement[str]) -> ColumnElement[bool]:
        mine = select(literal(1)).select_from(tickets).where(within_reach(caller, Action.READ_TICKET, tickets))
        return exists(mine.where(tickets.c.ticket_no == number).correlate_except(tickets))

    return condition
