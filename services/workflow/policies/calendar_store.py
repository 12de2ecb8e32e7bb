"""The register of calendars: every version of each, and which one is in force."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Select, func, select

from services.promises.calendars import Calendar
from services.promises.statutory import official_until
from services.runtime.errors import NotFound
from services.runtime.postgres.database import Database
from services.workflow.policies.calendar_schemas import CalendarVersion, RegisteredCalendar
from services.workflow.policies.versions import every_version, latest_versions, one_version
from services.workflow.tables import calendars


class CalendarRegister:
    """Reads calendars; the catalogue stores them, and knows what is in force."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def calendars(self) -> list[RegisteredCalendar]:
        """The latest version of every calendar."""
        query = _registered(latest_versions(calendars).subquery())
        return [_calendar(row) for row in await self._database.rows(query)]

    async def calendar(self, id_: str, version: int | None = None) -> RegisteredCalendar:
        """One version, the latest by default.

        Raises:
            NotFound: there is none.
        """
        found = await self.find(id_, version)
        if found is None:
            raise NotFound
        return found

    async def find(self, id_: str, version: int | None = None) -> RegisteredCalendar | None:
        """The same; None when there is none."""
        asked = one_version(calendars, id_, version).subquery()
        row = await self._database.row(_registered(asked))
        return _calendar(row) if row else None

    async def versions(self, id_: str) -> list[CalendarVersion]:
        """Every version, the latest first.

        Raises:
            NotFound: there is none.
        """
        return [CalendarVersion(**row) for row in await every_version(self._database, calendars, id_)]


def own_official_until(values: Mapping[str, Any]) -> str | None:
    """The date that an author gave, unless it is the country's, which grows as years are announced."""
    given: str | None = values.get("official_until")
    announced = official_until(values["country"]) if values.get("country") else None
    return None if announced and given == announced.isoformat() else given


def _registered(asked: Any) -> Select[Any]:
    published = (
        select(func.max(calendars.c.version))
        .where(calendars.c.id == asked.c.id, calendars.c.published_at.is_not(None))
        .scalar_subquery()
        .label("published_version")
    )
    return select(asked, published).order_by(asked.c.id)


def _calendar(row: Mapping[Any, Any]) -> RegisteredCalendar:
    stands = {name: row[name] for name in ("created_at", "created_by", "published_at", "published_version")}
    stored = RegisteredCalendar.model_validate({**row["body"], **stands})
    announced = Calendar.compile(stored).official_until
    return stored.model_copy(update={"official_until": announced.isoformat() if announced else None})
