"""Policies and calendars: stored versions, what is in force, and the compiled calendars of this process."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.contracts.policy import PackId, Policy, Promises, StoredCalendar
from services.promises.calendars import Calendar
from services.promises.policies import built_in
from services.runtime.http.conditions import IfMatch
from services.runtime.postgres.database import Database
from services.workflow.due_times import Calendars
from services.workflow.policies.versions import last_version, latest_versions, version_row
from services.workflow.tables import calendars, policies, policy_order, promises_in_force


@dataclass(frozen=True)
class InForce:
    """Everything published: policies in order, calendars compiled and keyed by id."""

    promises: Promises
    calendars: Mapping[str, Calendar]

    @property
    def by_version(self) -> dict[tuple[str, int | None], Calendar]:
        """The calendars as those of no certain version."""
        return {(id_, None): calendar for id_, calendar in self.calendars.items()}


class Catalogue:
    """One per process. Reading costs one short query; compiled versions are kept, because they never change."""

    def __init__(self, database: Database, pack: PackId = PackId.D0) -> None:
        self._database = database
        self._pack = pack
        self._in_force: InForce | None = None
        self._compiled: dict[tuple[str, int], Calendar | None] = {}
        self._loading = asyncio.Lock()

    async def in_force(self, generation: int | None = None) -> InForce:
        """The promises published now; `generation` spares the query when the caller has just read it."""
        if generation is None:
            generation = await self._database.scalar(select(promises_in_force.c.generation))
        # One load for everybody who finds something new in force at this moment.
        async with self._loading:
            if self._in_force is None or self._in_force.promises.generation != generation:
                self._in_force = await self._load()
            return self._in_force

    @property
    def generation(self) -> int | None:
        """The number of the promises that this process knows; others may have been published since."""
        return self._in_force.promises.generation if self._in_force else None

    def at_hand(self, versions: set[tuple[str, int]], generation: int) -> Calendars | None:
        """The same as `calendars_for` where nothing needs to be read; None where something does.

        For whoever holds a connection: in a burst everybody would wait for a second one that everybody else holds.
        """
        in_force = self._in_force
        if in_force is None or in_force.promises.generation != generation or not versions <= self._compiled.keys():
            return None
        return in_force.by_version | {
            key: calendar for key in versions if (calendar := self._compiled[key]) is not None
        }

    async def calendars_for(self, versions: set[tuple[str, int]], generation: int | None = None) -> Calendars:
        """The calendars in force, and the pinned versions asked for."""
        found = (await self.in_force(generation)).by_version
        for key in versions:
            calendar = self._compiled.get(key) or await self._compile_version(*key)
            if calendar is not None:
                found[key] = calendar
        return found

    async def seed(self) -> None:
        """Store and publish the installation's pack where nothing was stored yet; safe to repeat and to race."""
        pack, now = built_in(self._pack), datetime.now(UTC)
        async with self._database.begin() as connection:
            if not await _claim_first_generation(connection):
                return
            for calendar in pack.calendars:
                await connection.execute(insert(calendars).values(version_row(calendar, now, published=True)))
            for position, policy in enumerate(pack.policies):
                await connection.execute(insert(policies).values(version_row(policy, now, published=True)))
                await connection.execute(insert(policy_order).values(id=policy.id, position=position))

    async def put_calendar(
        self, id_: str, draft: StoredCalendar, *, publish: bool, if_match: IfMatch | None, by: str | None = None
    ) -> StoredCalendar:
        """Store the next version of a calendar; published, clocks that start from now on use it.

        Raises:
            StaleVersion: `if_match` is not the latest version.
        """
        now = datetime.now(UTC)
        async with self._database.begin() as connection:
            version = 1 + await last_version(connection, calendars, id_, if_match)
            calendar = draft.model_copy(update={"id": id_, "version": version})
            await connection.execute(insert(calendars).values(version_row(calendar, now, published=publish, by=by)))
            if publish:
                await advance(connection)
        return calendar

    async def _load(self) -> InForce:
        latest = latest_versions(policies, only_published=True).subquery()
        query = select(latest.c.body, latest.c.published_at).join(policy_order, policy_order.c.id == latest.c.id)
        query = query.where(policy_order.c.retired_at.is_(None))
        async with self._database.begin() as connection:
            await connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
            generation = await connection.scalar(select(promises_in_force.c.generation))
            rows = (await connection.execute(query.order_by(policy_order.c.position, latest.c.id))).all()
            drafts = (await connection.execute(latest_versions(calendars, only_published=True))).all()
        stored = tuple(StoredCalendar.model_validate(row.body) for row in drafts)
        found = tuple(Policy.model_validate({**row.body, "published_at": row.published_at}) for row in rows)
        promises = Promises(generation=generation or 0, policies=found, calendars=stored)
        return InForce(promises, {calendar.id: self._compile(calendar) for calendar in stored})

    async def _compile_version(self, id_: str, version: int) -> Calendar | None:
        query = select(calendars.c.body).where(calendars.c.id == id_, calendars.c.version == version)
        body = await self._database.scalar(query)
        if body is None:
            self._compiled[id_, version] = None
            return None
        return self._compile(StoredCalendar.model_validate(body))

    def _compile(self, stored: StoredCalendar) -> Calendar:
        key = (stored.id, stored.version)
        calendar = self._compiled.get(key) or Calendar.compile(stored)
        self._compiled[key] = calendar
        return calendar


async def _claim_first_generation(connection: AsyncConnection) -> bool:
    statement = insert(promises_in_force).values(one=1, generation=1).on_conflict_do_nothing()
    return bool((await connection.execute(statement.returning(promises_in_force.c.one))).first())


async def advance(connection: AsyncConnection) -> None:
    """Count that something else is in force: every cache sees by the number that it is behind."""
    await connection.execute(text("UPDATE workflow.promises_in_force SET generation = generation + 1"))
