"""Bodies of the endpoints of calendars, as the OpenAPI document declares them."""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import Any

from pydantic import Field

from services.contracts.base import Code, Instant, Message, Titles
from services.contracts.page import Page
from services.contracts.policy import CalendarDraft, StoredCalendar
from services.promises.drafts import DayKind


class CalendarBody(CalendarDraft):
    """The body of `PUT /v1/calendars/{id}`. What a reading of a calendar tells besides may be sent back; it is not
    stored: `id`, `version` and everything that is not the author's to say."""

    id: Code | None = None
    version: int | None = None
    title: Titles = Field(default_factory=dict)
    country: str | None = None
    official_until: date | None = None
    created_at: Instant | None = None
    created_by: str | None = None
    published_at: Instant | None = None
    published_version: int | None = None
    notes: tuple[Any, ...] = ()

    def values(self) -> dict[str, Any]:
        """The author's own values."""
        told = {"created_at", "created_by", "published_at", "published_version", "notes"}
        return self.model_dump(mode="json", exclude={"id", "version", *told})


class RegisteredCalendar(StoredCalendar):
    """One version of a calendar, and how the calendar stands. `published_at` is the version's own; `official_until` is
    the last date that is announced, by its country where the calendar says nothing."""

    created_at: Instant
    created_by: str | None = Field(description="The id of whoever stored it; null for what ships with Bihuan.")
    published_at: Instant | None
    published_version: int | None = Field(description="The version that is in force.")


class CalendarPage(Page[RegisteredCalendar]):
    """A page of calendars."""


class CalendarVersion(Message):
    """A stored version."""

    version: int
    created_at: Instant
    created_by: str | None
    published_at: Instant | None


class CalendarVersions(Page[CalendarVersion]):
    """A page of a calendar's versions, the latest first."""


class DayView(Message):
    """One date. `hours` are worked: the breaks are cut out of them."""

    date: date
    kind: DayKind
    name: Mapping[str, str] | None = Field(description="What the law calls it, by language.")
    hours: tuple[tuple[str, str], ...]
    breaks: tuple[tuple[str, str], ...]
    own: bool = Field(description="Set by the calendar's own dates, and not by its week or its country.")


class Days(Message):
    """A calendar's year, day by day."""

    id: str
    version: int
    year: int
    time_zone: str
    official_until: date | None = Field(description="Later holidays and make-up days may still change.")
    days: tuple[DayView, ...]


class NoteView(Message):
    """An event of a file that was read, or passed over; `message` is in the language of `Accept-Language`."""

    code: str
    message: str
    count: int
    line: int | None = Field(description="Where the event that was passed over begins.")
    summary: str


class ImportedCalendar(RegisteredCalendar):
    """A calendar that was stored from a file."""

    notes: tuple[NoteView, ...]


class ExportFormat(StrEnum):
    """The format that an export is written in."""

    ICAL = "ical"
    JSON = "json"
