"""Publishing policies and calendars, and trying calendars out."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from pydantic import Field

from services.contracts.base import Code, Instant
from services.contracts.policy import CalendarDraft, Policy, PolicyDraft, StoredCalendar
from services.promises.calendars import Calendar
from services.promises.drafts import CalendarErrors
from services.promises.evaluate import CheckErrors, EvaluateRequest, evaluate
from services.promises.publishing import policy_faults
from services.runtime.errors import FieldError, Refusal, ValidationFailed
from services.runtime.peers import Peer
from services.runtime.telemetry import log
from services.workflow.catalogue import Catalogue


class PolicyBody(PolicyDraft):
    """The body of `PUT /v1/policies/{id}`. `id`, `version` and `published_at`, where given, are what was read and are
    not stored."""

    published_at: Instant | None = None


class CalendarBody(CalendarDraft):
    """The body of `PUT /v1/calendars/{id}`. `id` and `version`, where given, are what was read and are not stored."""

    id: Code | None = None
    version: int | None = None
    title: Mapping[str, str] = Field(default_factory=dict)
    country: str | None = None
    official_until: date | None = None


class Promising:
    """Changes what is promised, and tells intake at once."""

    def __init__(self, catalogue: Catalogue, intake: Peer) -> None:
        self._catalogue = catalogue
        self._intake = intake

    async def put_policy(self, id_: str, draft: PolicyDraft, *, publish: bool, if_match: int | None) -> Policy:
        """Store the next version; published, the next feedback is promised by it.

        Raises:
            ValidationFailed: something in it could not be kept on a ticket.
            StaleVersion: `if_match` is not the latest version.
        """
        in_force = await self._catalogue.in_force()
        faults = policy_faults(draft, in_force.calendars, datetime.now(UTC))
        if faults:
            raise _invalid(faults)
        policy = await self._catalogue.put_policy(id_, draft, publish=publish, if_match=if_match)
        if publish:
            await self.tell_intake()
        return policy

    async def put_calendar(
        self, id_: str, body: CalendarBody, *, publish: bool, if_match: int | None
    ) -> StoredCalendar:
        """Store the next version of a calendar.

        Raises:
            ValidationFailed: with every problem's pointer.
            StaleVersion: `if_match` is not the latest version.
        """
        values = body.model_dump(mode="json", exclude={"id", "version"})
        draft = StoredCalendar(**values, id=id_, version=1)
        _compile(draft)
        calendar = await self._catalogue.put_calendar(id_, draft, publish=publish, if_match=if_match)
        if publish:
            await self.tell_intake()
        return calendar

    async def tell_intake(self) -> None:
        """Send what is in force; an intake that does not answer asks again by itself."""
        promises = (await self._catalogue.in_force()).promises
        try:
            await self._intake.put("/internal/promises", promises.model_dump(mode="json"))
        except Refusal:
            log().warning("intake was not told of new promises")

    async def evaluate(self, ask: EvaluateRequest) -> dict[str, Any]:
        """Answer what-if questions on a calendar.

        Raises:
            ValidationFailed: a check without an answer, an impossible calendar or an unknown one.
        """
        calendar = _compile(ask.calendar) if ask.calendar else await self._named(ask.calendar_id or "")
        try:
            # A thousand checks on a strange calendar take a while; nobody else waits for them.
            answer = await asyncio.to_thread(evaluate, calendar, ask.checks)
            return answer.model_dump(mode="json")
        except CheckErrors as error:
            refusal = _invalid(error.errors)
            refusal.code = error.code
            raise refusal from error

    async def _named(self, id_: str) -> Calendar:
        calendars = (await self._catalogue.in_force()).calendars
        if id_ not in calendars:
            raise ValidationFailed.at("/calendar_id", "unknown", "there is no calendar of this id")
        return calendars[id_]


def calendar_view(stored: StoredCalendar) -> dict[str, Any]:
    """A stored calendar; `official_until` is the last day that its country has announced."""
    official_until = Calendar.compile(stored).official_until
    return {
        **stored.model_dump(mode="json"),
        "official_until": official_until.isoformat() if official_until else None,
    }


def _compile(draft: CalendarDraft) -> Calendar:
    try:
        return Calendar.compile(draft)
    except CalendarErrors as error:
        prefix = "" if isinstance(draft, StoredCalendar) else "/calendar"
        raise _invalid(error.errors, prefix) from error


def _invalid(faults: Sequence[Any], prefix: str = "") -> ValidationFailed:
    errors: list[FieldError] = [
        {"pointer": prefix + fault.pointer, "code": fault.code, "message": fault.message} for fault in faults
    ]
    return ValidationFailed(errors)
