"""A copy of the published calendars: people are reached by them, also while the workflow service is away."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from services.contracts.policy import StoredCalendar
from services.notify.hours.tables import calendars_in_force
from services.promises.calendars import Calendar, CalendarErrors
from services.promises.policies import built_in
from services.runtime.postgres.database import Database
from services.runtime.service_client import ServiceClient
from services.runtime.telemetry import log

REFRESHED_EVERY = timedelta(seconds=15)


class PublishedCalendars:
    """One generation of calendars by id, each compiled when somebody is first reached by it."""

    def __init__(self, generation: int, stored: Iterable[StoredCalendar]) -> None:
        self.generation = generation
        self._stored = {each.id: each for each in stored}
        self._compiled: dict[str, Calendar | None] = {}

    def find(self, id_: str) -> Calendar | None:
        """The calendar of this id; None where none is published, or none that can be read."""
        if id_ not in self._compiled:
            self._compiled[id_] = self._compile(id_)
        return self._compiled[id_]

    def _compile(self, id_: str) -> Calendar | None:
        stored = self._stored.get(id_)
        if stored is None:
            log().warning("a department goes by a calendar that is not published", calendar=id_)
            return None
        try:
            return Calendar.compile(stored)
        except CalendarErrors:
            log().error("a published calendar cannot be read", calendar=id_)
            return None


class CalendarsCopy:
    """Calendars published last, as far as they were heard of; PostgreSQL keeps them for the next start."""

    def __init__(self, database: Database, tickets: ServiceClient) -> None:
        self._database = database
        self._tickets = tickets
        self._current: PublishedCalendars | None = None

    async def current(self) -> PublishedCalendars:
        """The calendars by which people are reached now; reads PostgreSQL the first time, never waits for a peer."""
        if self._current is None:
            self._take_over(await self._kept())
        return self._current or PublishedCalendars(0, ())

    async def refresh(self) -> None:
        """Ask what is in force, and keep it where it is news.

        Raises:
            Unavailable: the workflow service or PostgreSQL is away; the last copy serves on.
        """
        current = await self.current()
        told = await self._tickets.get("/internal/promises")
        if int(told["generation"]) <= current.generation:
            return
        stored = [StoredCalendar.model_validate(each) for each in told["calendars"]]
        await self._keep(int(told["generation"]), stored)
        self._take_over(PublishedCalendars(int(told["generation"]), stored))

    async def _kept(self) -> PublishedCalendars:
        async with self._database.read() as connection:
            row: Any = (await connection.execute(select(calendars_in_force))).one_or_none()
        if row is None:
            return PublishedCalendars(0, built_in().calendars)
        return PublishedCalendars(row.generation, map(StoredCalendar.model_validate, row.calendars))

    async def _keep(self, generation: int, stored: Iterable[StoredCalendar]) -> None:
        row = {"one": 1, "generation": generation, "calendars": [each.model_dump(mode="json") for each in stored]}
        kept = insert(calendars_in_force).values(row)
        newer = kept.on_conflict_do_update(
            index_elements=["one"], set_=row, where=calendars_in_force.c.generation < generation
        )
        async with self._database.begin() as connection:
            await connection.execute(newer)

    def _take_over(self, found: PublishedCalendars) -> None:
        if self._current is None or self._current.generation < found.generation:
            self._current = found
