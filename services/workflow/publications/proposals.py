"""From what a preview names to what is tried: a stored version, or a draft, among everything that is in force."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, select

from services.contracts.policy import CalendarDraft, Policy, PolicyDraft, StoredCalendar
from services.contracts.publication import SubjectKind
from services.promises.calendar_faults import CalendarErrors
from services.promises.calendars import Calendar
from services.promises.faults import Level
from services.promises.linting import Surroundings, lint
from services.runtime.errors import NotFound
from services.runtime.postgres.database import Database
from services.runtime.turns import in_thread
from services.workflow.policies.calendars import refusal_of
from services.workflow.policies.catalogue import Catalogue
from services.workflow.publications.publications import TABLES, Subject
from services.workflow.publications.trial import Trial
from services.workflow.tables import policy_order


class Proposals:
    """Makes trials."""

    def __init__(self, database: Database, catalogue: Catalogue) -> None:
        self._database = database
        self._catalogue = catalogue

    async def subject(self, kind: SubjectKind, id_: str, version: int | None) -> Subject:
        """The version named, or the latest stored.

        Raises:
            NotFound: there is none.
        """
        if version is None:
            version = await self._latest(kind, id_)
        if not version:
            raise NotFound
        return Subject(kind, id_, version)

    async def policy(self, id_: str, version: int | None, draft: PolicyDraft | None) -> tuple[Subject, Trial]:
        """A policy in its place in the order; one that is new comes first, as when it is stored.

        Raises:
            NotFound: there is no such version.
            ValidationFailed: something in it could not be kept on a ticket.
        """
        subject = await self._subject(SubjectKind.POLICY, id_, version, draft)
        in_force = await self._catalogue.in_force()
        tried = await self._drafted_policy(subject, draft)
        faults = await in_thread(lint, tried, Surroundings(calendars=in_force.calendars, at=datetime.now(UTC)))
        if errors := [fault for fault in faults if fault.level is Level.ERROR]:
            raise refusal_of(errors, "/policy" if draft else "")
        places = await self._places()
        found = {policy.id: policy for policy in in_force.promises.policies} | {id_: tried}
        policies = sorted(found.values(), key=lambda policy: places.get(policy.id, -1))
        return subject, Trial(
            policies, in_force.calendars, in_force.calendars, in_force.promises.generation + 1, policy=id_
        )

    async def calendar(self, id_: str, version: int | None, draft: CalendarDraft | None) -> tuple[Subject, Trial]:
        """A calendar in the place of the one in force.

        Raises:
            NotFound: there is no such version.
            ValidationFailed: it cannot be computed with.
        """
        subject = await self._subject(SubjectKind.CALENDAR, id_, version, draft)
        in_force = await self._catalogue.in_force()
        calendar = await self._drafted_calendar(subject, draft)
        calendars = {**in_force.calendars, id_: calendar}
        promises = in_force.promises
        return subject, Trial(promises.policies, calendars, in_force.calendars, promises.generation + 1, calendar=id_)

    async def _subject(self, kind: SubjectKind, id_: str, version: int | None, draft: object) -> Subject:
        if draft is None:
            return await self.subject(kind, id_, version)
        return Subject(kind, id_, await self._latest(kind, id_) + 1)

    async def _drafted_policy(self, subject: Subject, draft: PolicyDraft | None) -> Policy:
        if draft is None:
            return Policy.model_validate(await self._body(subject))
        values = draft.model_dump(include=set(PolicyDraft.model_fields), exclude={"id", "version"})
        return Policy(**values, id=subject.id, version=subject.version)

    async def _drafted_calendar(self, subject: Subject, draft: CalendarDraft | None) -> Calendar:
        if draft is None:
            return Calendar.compile(StoredCalendar.model_validate(await self._body(subject)))
        values = draft.model_dump(mode="json", include=set(StoredCalendar.model_fields), exclude={"id", "version"})
        try:
            return Calendar.compile(StoredCalendar(**values, id=subject.id, version=subject.version))
        except CalendarErrors as error:
            raise refusal_of(error.errors, "/calendar") from error

    async def _latest(self, kind: SubjectKind, id_: str) -> int:
        table = TABLES[kind]
        return await self._database.scalar(select(func.max(table.c.version)).where(table.c.id == id_)) or 0

    async def _body(self, subject: Subject) -> Any:
        table = TABLES[subject.kind]
        mine = (table.c.id == subject.id, table.c.version == subject.version)
        body = await self._database.scalar(select(table.c.body).where(*mine))
        if body is None:
            raise subject.not_found
        return body

    async def _places(self) -> dict[str, int]:
        query = select(policy_order.c.id).order_by(policy_order.c.position, policy_order.c.id)
        async with self._database.read() as connection:
            return {id_: place for place, id_ in enumerate(await connection.scalars(query))}
