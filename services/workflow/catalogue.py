"""Policies and calendars: stored versions, what is in force, and the compiled calendars of this process."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.contracts.policy import Policy, PolicyDraft, Promises, StoredCalendar
from services.promises.calendars import Calendar
from services.promises.policies import built_in
from services.runtime.database import Database
from services.runtime.errors import StaleVersion
from services.workflow.due import Calendars
from services.workflow.tables import calendars, policies, policy_order, promises_in_force

CHANNEL = "workflow_promises"


@dataclass(frozen=True)
class InForce:
    """Everything published: policies in order, calendars compiled and keyed by id."""

    promises: Promises
    calendars: Mapping[str, Calendar]


class Catalogue:
    """One per process. Reading costs one short query; compiled versions are kept, because they never change."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._in_force: InForce | None = None
        self._compiled: dict[tuple[str, int], Calendar] = {}

    async def in_force(self, generation: int | None = None) -> InForce:
        """What is published now; `generation` spares the query when the caller has just read it."""
        if generation is None:
            async with self._database.read() as connection:
                generation = await connection.scalar(select(promises_in_force.c.generation))
        if self._in_force is None or self._in_force.promises.generation != generation:
            self._in_force = await self._load()
        return self._in_force

    async def calendars_for(self, versions: set[tuple[str, int]], generation: int) -> Calendars:
        """The calendars in force, and the pinned versions asked for."""
        in_force = await self.in_force(generation)
        found: dict[tuple[str, int | None], Calendar] = {(id_, None): it for id_, it in in_force.calendars.items()}
        for key in versions:
            calendar = self._compiled.get(key) or await self._compile_version(*key)
            if calendar is not None:
                found[key] = calendar
        return found

    async def seed(self) -> None:
        """Store and publish the built-in pack where nothing was stored yet; safe to repeat and to race."""
        pack, now = built_in(), datetime.now(UTC)
        async with self._database.begin() as connection:
            if not await _claim_first_generation(connection):
                return
            for calendar in pack.calendars:
                await connection.execute(insert(calendars).values(_row(calendar, now, published=True)))
            for position, policy in enumerate(pack.policies):
                await connection.execute(insert(policies).values(_row(policy, now, published=True)))
                await connection.execute(insert(policy_order).values(id=policy.id, position=position))

    async def put_policy(self, id_: str, draft: PolicyDraft, *, publish: bool, if_match: int | None) -> Policy:
        """Store the next version; published, it applies to tickets that are registered or accepted from now on.

        A new policy is tried before those that were there: the ones without a condition would hide it otherwise.

        Raises:
            StaleVersion: `if_match` is not the latest version.
        """
        now = datetime.now(UTC)
        async with self._database.begin() as connection:
            version = await _next_version(connection, policies, id_, if_match)
            values = draft.model_dump(exclude={"id", "version", "published_at"})
            policy = Policy(**values, id=id_, version=version, published_at=now if publish else None)
            await connection.execute(insert(policies).values(_row(policy, now, published=publish)))
            first = select(func.coalesce(func.min(policy_order.c.position), 0) - 1).scalar_subquery()
            await connection.execute(insert(policy_order).values(id=id_, position=first).on_conflict_do_nothing())
            if publish:
                await _advance(connection)
        return policy

    async def put_calendar(
        self, id_: str, draft: StoredCalendar, *, publish: bool, if_match: int | None
    ) -> StoredCalendar:
        """Store the next version of a calendar; published, clocks that start from now on use it.

        Raises:
            StaleVersion: `if_match` is not the latest version.
        """
        now = datetime.now(UTC)
        async with self._database.begin() as connection:
            version = await _next_version(connection, calendars, id_, if_match)
            calendar = draft.model_copy(update={"id": id_, "version": version})
            await connection.execute(insert(calendars).values(_row(calendar, now, published=publish)))
            if publish:
                await _advance(connection)
        return calendar

    async def policies(self) -> tuple[Policy, ...]:
        """The latest stored version of every policy, published or not, in the order in which they are tried."""
        latest = _latest(policies).subquery()
        query = select(latest.c.body, latest.c.published_at).join(policy_order, policy_order.c.id == latest.c.id)
        async with self._database.read() as connection:
            rows = await connection.execute(query.order_by(policy_order.c.position, latest.c.id))
            return tuple(Policy.model_validate({**row.body, "published_at": row.published_at}) for row in rows)

    async def calendars(self) -> tuple[StoredCalendar, ...]:
        """The latest stored version of every calendar."""
        async with self._database.read() as connection:
            rows = await connection.execute(_latest(calendars))
            return tuple(StoredCalendar.model_validate(row.body) for row in rows)

    async def _load(self) -> InForce:
        latest = _latest(policies, only_published=True).subquery()
        query = select(latest.c.body, latest.c.published_at).join(policy_order, policy_order.c.id == latest.c.id)
        async with self._database.begin() as connection:
            await connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
            generation = await connection.scalar(select(promises_in_force.c.generation))
            rows = (await connection.execute(query.order_by(policy_order.c.position, latest.c.id))).all()
            drafts = (await connection.execute(_latest(calendars, only_published=True))).all()
        stored = tuple(StoredCalendar.model_validate(row.body) for row in drafts)
        found = tuple(Policy.model_validate({**row.body, "published_at": row.published_at}) for row in rows)
        promises = Promises(generation=generation or 0, policies=found, calendars=stored)
        return InForce(promises, {calendar.id: self._compile(calendar) for calendar in stored})

    async def _compile_version(self, id_: str, version: int) -> Calendar | None:
        query = select(calendars.c.body).where(calendars.c.id == id_, calendars.c.version == version)
        async with self._database.read() as connection:
            body = await connection.scalar(query)
        return self._compile(StoredCalendar.model_validate(body)) if body else None

    def _compile(self, stored: StoredCalendar) -> Calendar:
        key = (stored.id, stored.version)
        if key not in self._compiled:
            self._compiled[key] = Calendar.compile(stored)
        return self._compiled[key]


def _row(stored: Policy | StoredCalendar, now: datetime, *, published: bool) -> dict[str, Any]:
    body = stored.model_dump(mode="json", exclude={"published_at"})
    return {
        "id": stored.id,
        "version": stored.version,
        "body": body,
        "created_at": now,
        "published_at": now if published else None,
    }


def _latest(table: Any, *, only_published: bool = False) -> Any:
    query = select(table).ext(distinct_on(table.c.id)).order_by(table.c.id, table.c.version.desc())
    return query.where(table.c.published_at.is_not(None)) if only_published else query


async def _next_version(connection: AsyncConnection, table: Any, id_: str, if_match: int | None) -> int:
    # One writer at a time for an id, or two would store the same version.
    await connection.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:id, 0))"), {"id": f"{table.name}/{id_}"}
    )
    last = await connection.scalar(select(func.max(table.c.version)).where(table.c.id == id_))
    if if_match not in {None, last or 0}:
        raise StaleVersion
    return int(last or 0) + 1


async def _claim_first_generation(connection: AsyncConnection) -> bool:
    statement = insert(promises_in_force).values(one=1, generation=1).on_conflict_do_nothing()
    return bool((await connection.execute(statement.returning(promises_in_force.c.one))).first())


async def _advance(connection: AsyncConnection) -> None:
    await connection.execute(text("UPDATE workflow.promises_in_force SET generation = generation + 1"))
    await connection.execute(text("SELECT pg_notify(:channel, '')"), {"channel": CHANNEL})
