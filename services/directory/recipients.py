"""Recipients on a rung of a ladder: by role, by shift, and the stand-in while nobody is on duty (product.md 6)."""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.access.directory_copy import Roll
from services.contracts.alert import Rung
from services.contracts.directory import RecipientsAsked, RecipientsQuestion, StaffMember, StaffRole, WorkingHours
from services.directory import changes
from services.directory.people import may_answer
from services.directory.tables import departments, on_call, staff

_BY_ROLE: Mapping[Rung, StaffRole] = {
    Rung.CLERKS: StaffRole.CLERK,
    Rung.DEPARTMENT_HEAD: StaffRole.DEPARTMENT_HEAD,
    Rung.SUPERVISOR: StaffRole.SUPERVISOR,
    Rung.ADMIN: StaffRole.ADMIN,
}


@dataclass(frozen=True)
class Crew:
    """Everybody active, the shifts in question, and the persons named for when nobody is on duty."""

    roll: Roll
    shifts: Sequence[RowMapping]
    fallbacks: Mapping[str, str]
    fallback: str | None
    calendars: Mapping[str | None, str]
    """Of departments that name one."""

    def answer(self, question: RecipientsQuestion) -> tuple[str, ...]:
        """The ids of those found on a rung; an owner is not the directory's to know."""
        if question.rung is Rung.ON_CALL:
            return self._on_duty(question.department, question.at)
        role = _BY_ROLE.get(question.rung)
        return self.roll.with_role(role, question.department) if role else ()

    def present(self, people: Iterable[str]) -> tuple[str, ...]:
        """Those of these people who have not left."""
        here = {member.id for member in self.roll.staff}
        return tuple(id_ for id_ in people if id_ in here)

    def hours(self, people: Iterable[str], at: datetime) -> tuple[WorkingHours, ...]:
        """Hours in which these people are reached, as of an instant."""
        wanted = set(people)
        on_shift = {shift["staff"] for shift in self.shifts if shift["from_at"] <= at < shift["to_at"]}
        return tuple(self._hours_of(member, on_shift) for member in self.roll.staff if member.id in wanted)

    def _hours_of(self, member: StaffMember, on_shift: Container[str]) -> WorkingHours:
        return WorkingHours(
            staff=member.id,
            on_shift=member.id in on_shift,
            shifts=tuple((each["from_at"], each["to_at"]) for each in self.shifts if each["staff"] == member.id),
            hours=member.hours,
            time_zone=member.time_zone,
            calendar=self.calendars.get(member.department),
        )

    def _on_duty(self, department: str | None, at: datetime) -> tuple[str, ...]:
        """Shifts of the department go before the centre's; after them the person named, then the supervisors."""
        covering = [shift for shift in self.shifts if shift["from_at"] <= at < shift["to_at"]]
        for of in dict.fromkeys((department, None)):
            on_shift = {shift["staff"] for shift in covering if shift["department"] == of}
            if found := self._reaching(on_shift, department):
                return found
        for named in (self.fallbacks.get(department or ""), self.fallback):
            if named and (found := self._reaching({named}, department)):
                return found
        return self.roll.with_role(StaffRole.SUPERVISOR, department)

    def _reaching(self, named: Iterable[str], department: str | None) -> tuple[str, ...]:
        """Those who may read and answer an alert of the department: it would help nobody to tell others (I16)."""
        wanted = set(named)
        return tuple(
            member.id
            for member in self.roll.staff
            if wanted & {member.id, member.username}
            and may_answer(member.roles)
            and (department is None or member.department in {None, department})
        )


async def read_crew(connection: AsyncConnection, asked: RecipientsAsked, fallback: str | None) -> Crew:
    """Read what answers these questions, in three statements."""
    instants = [question.at for question in asked.items] + ([asked.hours_at] if asked.hours_at else [])
    shifts: Sequence[RowMapping] = ()
    if instants:
        covering = (on_call.c.from_at <= max(instants), on_call.c.to_at > min(instants))
        shifts = (await connection.execute(select(on_call).where(*covering))).mappings().all()
    members = await connection.execute(select(staff).where(staff.c.active).order_by(staff.c.position))
    columns = (departments.c.id, departments.c.on_call_fallback, departments.c.calendar)
    some = departments.c.on_call_fallback.is_not(None) | departments.c.calendar.is_not(None)
    named: Sequence[Any] = (await connection.execute(select(*columns).where(some))).all()
    return Crew(
        roll=Roll(staff=tuple(changes.read_as(StaffMember, row) for row in members.mappings())),
        shifts=shifts,
        fallbacks={row.id: row.on_call_fallback for row in named if row.on_call_fallback},
        fallback=fallback,
        calendars={row.id: row.calendar for row in named if row.calendar},
    )


async def next_shift_at(connection: AsyncConnection, at: datetime) -> datetime | None:
    """The beginning of anybody's next shift: then somebody else may be found on the rung of those on call."""
    begins: datetime | None = await connection.scalar(select(func.min(on_call.c.from_at)).where(on_call.c.from_at > at))
    return begins
