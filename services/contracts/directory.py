"""Roles, scopes, staff, departments and keys, as other services see them."""

from collections.abc import Mapping
from enum import StrEnum

from pydantic import Field

from services.contracts.alert import Rung
from services.contracts.base import Code, Instant, Line, Message
from services.contracts.policy import Weekday
from services.contracts.vocabulary import Category


class StaffRole(StrEnum):
    """Roles of product.md section 2; on-call is a shift, customer and integrator are no staff."""

    CLERK = "clerk"
    HANDLER = "handler"
    DEPARTMENT_HEAD = "department_head"
    SUPERVISOR = "supervisor"
    MANAGER = "manager"
    AUDITOR = "auditor"
    ADMIN = "admin"


class StaffLanguage(StrEnum):
    """Languages that texts for staff are written in."""

    CHINESE = "zh-CN"
    ENGLISH = "en"


class Scope(StrEnum):
    """A right that an API key may be given."""

    FEEDBACK_WRITE = "feedback:write"
    FEEDBACK_READ = "feedback:read"
    TICKETS_READ = "tickets:read"
    TICKETS_WRITE = "tickets:write"
    TICKETS_SUPERVISE = "tickets:supervise"
    CONTACTS_READ = "contacts:read"
    NOTES_READ = "notes:read"
    CUSTOMERS_READ = "customers:read"
    CUSTOMERS_WRITE = "customers:write"
    EVENTS_READ = "events:read"
    POLICIES_READ = "policies:read"
    POLICIES_WRITE = "policies:write"
    CALENDARS_READ = "calendars:read"
    CALENDARS_WRITE = "calendars:write"
    DIRECTORY_READ = "directory:read"
    DIRECTORY_WRITE = "directory:write"
    AUDIT_READ = "audit:read"
    ALERTS_READ = "alerts:read"
    ALERTS_WRITE = "alerts:write"
    NOTICES_READ = "notices:read"
    NOTICES_WRITE = "notices:write"
    WEBHOOKS_READ = "webhooks:read"
    WEBHOOKS_WRITE = "webhooks:write"
    SURVEYS_READ = "surveys:read"
    SURVEYS_WRITE = "surveys:write"
    REPORTS_READ = "reports:read"


class Department(Message):
    """A department; `categories` routes tickets to it, the one with `default` takes the rest.

    `on_call_fallback` is the member of staff who is told while nobody is on duty. `calendar` is the id of the calendar
    by whose hours its people are reached; without one, by that of the ticket's promise.
    """

    id: Code
    name: Line
    categories: tuple[Category, ...] = ()
    default: bool = False
    on_call_fallback: str | None = None
    calendar: Code | None = None
    active: bool = True


class StaffMember(Message):
    """A member of staff. Without a department they serve the whole centre.

    `email` and `language` are how they are told of things. The address is shown to themselves and to those who keep
    the directory; to others it is null. `hours` are their own weekly hours, written as a calendar's, in `time_zone`;
    outside of them only what is urgent reaches them. Without any, their department's calendar holds.
    """

    id: str
    username: Code
    name: Line
    roles: tuple[StaffRole, ...]
    department: Code | None = None
    email: str | None = None
    language: StaffLanguage | None = None
    hours: Mapping[Weekday, Mapping[str, str]] | None = None
    time_zone: str | None = None
    active: bool = True
    created_at: Instant | None = None


class StaffAddress(Message):
    """The address and language in which a member of staff is told; for services alone, at the moment of sending."""

    id: str
    name: Line
    email: str | None
    language: StaffLanguage | None
    active: bool


class Shift(Message):
    """Somebody is on call from `from_at` until `to_at`, exclusive; without a department for the whole centre."""

    id: str
    staff: str
    department: Code | None = None
    from_at: Instant
    to_at: Instant


class RecipientsQuestion(Message):
    """A question for the people on a rung of a ladder, for tickets of a department, at an instant."""

    rung: Rung
    department: Code | None
    at: Instant


class RecipientsAsked(Message):
    """Questions to the directory; owners are the asker's own knowledge: which of `also` are there is answered.

    With `hours_at`, the hours of those found, and of those in `also`, are answered as of that instant.
    """

    items: tuple[RecipientsQuestion, ...] = Field(max_length=1_000)
    hours_at: Instant | None = None
    also: tuple[str, ...] = Field(default=(), max_length=1_000)


class WorkingHours(Message):
    """Hours in which a member of staff is reached: while a shift of theirs lasts, else by their own hours, else by the
    calendar of their department, else by that of the ticket's promise.

    `on_shift` is of `hours_at`; `shifts` are the beginnings and ends of all between the instants asked about.
    """

    staff: str
    on_shift: bool
    shifts: tuple[tuple[Instant, Instant], ...] = ()
    hours: Mapping[Weekday, Mapping[str, str]] | None = None
    time_zone: str | None = None
    calendar: Code | None = None


class Recipients(Message):
    """Answers in the order of the questions: ids of active staff who may answer an alert of the department.

    `hours`, `next_shift_at` (when the next shift of anybody begins) and `generation` (it grows with every change of the
    directory) are answered where hours were asked for.
    """

    items: tuple[tuple[str, ...], ...]
    present: tuple[str, ...] = ()
    """Those of `also` who have not left."""
    hours: tuple[WorkingHours, ...] = ()
    next_shift_at: Instant | None = None
    generation: int = 0


class ApiKey(Message):
    """An API key as lists show it; the secret is shown once, when it is made."""

    id: str
    name: Line
    scopes: tuple[Scope, ...] = Field(min_length=1)
    department: Code | None = None
    active: bool = True
    created_at: Instant | None = None
    last_used_at: Instant | None = None
