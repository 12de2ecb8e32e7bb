"""Who is found on a rung of a ladder: by role, by shift, and who stands in while nobody is on duty (product.md 6)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.contracts.alert import Rung
from services.contracts.directory import RecipientsQuestion, StaffRole
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

    staff: Sequence[RowMapping]
    shifts: Sequence[RowMapping]
    fallbacks: Mapping[str, str]
    fallback: str | None

    def answer(self, question: RecipientsQuestion) -> tuple[str, ...]:
        """The ids of those found on a rung; an owner is not the directory's to know."""
        if question.rung is Rung.ON_CALL:
            return self._on_duty(question.department, question.at)
        role = _BY_ROLE.get(question.rung)
        return self._with_role(role, question.department) if role else ()

    def _with_role(self, role: StaffRole, department: str | None) -> tuple[str, ...]:
        """Those of the department; where it has none, those who serve the whole centre. A ticket without a department
        is within everybody's reach, so anybody of the role serves when the centre has none of its own."""
        having = [member for member in self.staff if role in member["roles"]]
        of_centre = [member for member in having if member["department"] is None]
        if department is None:
            return _ids(of_centre or having)
        return _ids([member for member in having if member["department"] == department] or of_centre)

    def _on_duty(self, department: str | None, at: datetime) -> tuple[str, ...]:
        """Shifts of the department go before those of the whole centre; after them the person named, then the
        supervisors."""
        covering = [shift for shift in self.shifts if shift["from_at"] <= at < shift["to_at"]]
        for of in dict.fromkeys((department, None)):
            on_shift = {shift["staff"] for shift in covering if shift["department"] == of}
            if found := self._reaching(on_shift, department):
                return found
        for named in (self.fallbacks.get(department or ""), self.fallback):
            if named and (found := self._reaching({named}, department)):
                return found
        return self._with_role(StaffRole.SUPERVISOR, department)

    def _reaching(self, named: Iterable[str], department: str | None) -> tuple[str, ...]:
        """Those who may read and answer an alert of the department: it would help nobody to tell others (I16)."""
        wanted = set(named)
        return _ids(
            member
            for member in self.staff
            if wanted & {member["id"], member["username"]}
            and may_answer(member)
            and (department is None or member["department"] in {None, department})
        )


async def read_crew(connection: AsyncConnection, questions: Sequence[RecipientsQuestion], fallback: str | None) -> Crew:
    """Read what answers these questions, in three statements."""
    instants = [question.at for question in questions]
    shifts: Sequence[RowMapping] = ()
    if instants:
        covering = (on_call.c.from_at <= max(instants), on_call.c.to_at > min(instants))
        shifts = (await connection.execute(select(on_call).where(*covering))).mappings().all()
    members = await connection.execute(select(staff).where(staff.c.active).order_by(staff.c.position))
    columns = (departments.c.id, departments.c.on_call_fallback)
    named: Iterable[Any] = await connection.execute(select(*columns).where(departments.c.on_call_fallback.is_not(None)))
    return Crew(members.mappings().all(), shifts, {row.id: row.on_call_fallback for row in named}, fallback)


def _ids(members: Iterable[RowMapping]) -> tuple[str, ...]:
    return tuple(member["id"] for member in members)
