"""Calendars as their authors handle them: stored, looked at day by day, tried out, and carried in and out of files."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from services.contracts.policy import CalendarDraft, StoredCalendar
from services.promises.calendar_faults import CalendarErrors
from services.promises.calendars import Calendar
from services.promises.days import days_of, text_of
from services.promises.drafts import read_draft
from services.promises.evaluate import CheckErrors, EvaluateRequest, evaluate
from services.promises.ical_reader import Imported, read_ical
from services.promises.ical_writer import write_ical
from services.runtime.errors import FieldError, ValidationFailed
from services.runtime.http.conditions import IfMatch
from services.runtime.turns import Turns, in_thread
from services.workflow.policies.calendar_schemas import RegisteredCalendar
from services.workflow.policies.calendar_store import CalendarRegister, own_official_until
from services.workflow.policies.catalogue import Catalogue
from services.workflow.policies.policy_schemas import differences
from services.workflow.policies.push_to_intake import Promising

TURNS = Turns(at_once=4, each=2)


class CalendarKeeping:
    """The service that the endpoints work with."""

    def __init__(self, register: CalendarRegister, catalogue: Catalogue, promising: Promising) -> None:
        self.register = register
        self._catalogue = catalogue
        self._promising = promising

    async def put(
        self, id_: str, values: dict[str, Any], *, publish: bool, if_match: IfMatch | None, by: str
    ) -> RegisteredCalendar:
        """Store the next version; published, clocks that start from now on use it.

        Raises:
            ValidationFailed: with every problem's pointer.
            StaleVersion: `if_match` is not the latest version.
        """
        draft = StoredCalendar(**values, id=id_, version=1)
        _compile(draft)
        draft = draft.model_copy(update={"official_until": own_official_until(values)})
        stored = await self._catalogue.put_calendar(id_, draft, publish=publish, if_match=if_match, by=by)
        if publish:
            await self._promising.tell_intake()
        return await self.register.calendar(id_, stored.version)

    async def read_file(self, id_: str, content: bytes) -> Imported:
        """Read what an iCalendar file makes of a calendar; nothing is stored.

        Raises:
            ValidationFailed: it is no such file, or is too large.
        """
        latest = await self.register.find(id_)
        base = _authored(latest) if latest else None
        try:
            # A file of thousands of events takes a while; nobody else waits for it.
            return await in_thread(read_ical, content, base, datetime.now(UTC).date())
        except CalendarErrors as error:
            raise refusal_of(error.errors) from error

    async def write_file(self, id_: str, version: int | None, years: tuple[int, int], language: str) -> bytes:
        """A calendar as an iCalendar file.

        Raises:
            NotFound: there is none.
        """
        stored = _authored(await self.register.calendar(id_, version))
        return await in_thread(write_ical, stored, years, language, datetime.now(UTC))

    async def draft(self, id_: str, version: int | None) -> dict[str, Any]:
        """A calendar as JSON that `PUT` and import take.

        Raises:
            NotFound: there is none.
        """
        return _authored(await self.register.calendar(id_, version)).model_dump(mode="json", exclude={"version"})

    async def days(self, id_: str, version: int | None, year: int) -> dict[str, Any]:
        """A year, day by day.

        Raises:
            NotFound: there is none.
        """
        stored = await self.register.calendar(id_, version)
        days = [
            {
                "date": day.date.isoformat(),
                "kind": day.kind,
                "name": day.name,
                "hours": text_of(day.hours),
                "breaks": text_of(day.breaks),
                "own": day.own,
            }
            for day in days_of(read_draft(stored), year)
        ]
        told = {"id": stored.id, "version": stored.version, "year": year, "time_zone": stored.time_zone}
        return {**told, "official_until": stored.official_until, "days": days}

    async def compare(self, id_: str, older: int, newer: int) -> list[dict[str, Any]]:
        """Everything in which two versions differ.

        Raises:
            NotFound: there is no such version.
        """
        return differences(await self.draft(id_, older), await self.draft(id_, newer))

    async def evaluate(self, ask: EvaluateRequest) -> dict[str, Any]:
        """Answer what-if questions on a calendar.

        Raises:
            ValidationFailed: a check without an answer, an impossible calendar or an unknown one.
        """
        calendar = _compile(ask.calendar) if ask.calendar else await self._named(ask.calendar_id or "", ask.version)
        try:
            # A thousand checks on a strange calendar take a while; nobody else waits for them.
            answer = await in_thread(evaluate, calendar, ask.checks)
            return answer.model_dump(mode="json")
        except CheckErrors as error:
            refusal = refusal_of(error.errors)
            refusal.code = error.code
            raise refusal from error

    async def _named(self, id_: str, version: int | None) -> Calendar:
        if version is not None:
            stored = await self.register.find(id_, version)
            if stored is None:
                raise ValidationFailed.at(
                    "/version",
                    "unknown",
                    {"en": "there is no such version of this calendar", "zh": "该日历没有这个版本"},
                )
            return Calendar.compile(stored)
        calendars = (await self._catalogue.in_force()).calendars
        if id_ not in calendars:
            raise ValidationFailed.at(
                "/calendar_id", "unknown", {"en": "no calendar of this id is published", "zh": "没有已发布的此编号日历"}
            )
        return calendars[id_]


def _authored(found: RegisteredCalendar) -> StoredCalendar:
    """The calendar as its author wrote it, without what the country has announced since."""
    values = found.model_dump(mode="json", include=set(StoredCalendar.model_fields))
    return StoredCalendar.model_validate({**values, "official_until": own_official_until(values)})


def _compile(draft: CalendarDraft) -> Calendar:
    try:
        return Calendar.compile(draft)
    except CalendarErrors as error:
        prefix = "" if isinstance(draft, StoredCalendar) else "/calendar"
        raise refusal_of(error.errors, prefix) from error


def refusal_of(faults: Sequence[Any], prefix: str = "") -> ValidationFailed:
    """The refusal of a draft; `prefix` is where it stands in what was sent."""
    errors: list[FieldError] = [
        {"pointer": prefix + fault.pointer, "code": fault.code, "message": fault.words} for fault in faults
    ]
    return ValidationFailed(errors)
