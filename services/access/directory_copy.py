"""A copy of the directory: who works here, where tickets are routed, who may be named on them."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from services.contracts.accused import is_about
from services.contracts.directory import Department, StaffMember, StaffRole
from services.contracts.namesakes import Named, told_apart
from services.contracts.vocabulary import Category
from services.runtime.errors import Refusal
from services.runtime.service_client import ServiceClient

FRESH_SECONDS = 1.0
"""Somebody who has left counts as nobody within it; a copy that is still true costs one small answer."""


@dataclass(frozen=True)
class Roll:
    """Everybody as of one moment, those who left included; `generation` is the directory's at it."""

    departments: tuple[Department, ...] = ()
    staff: tuple[StaffMember, ...] = ()
    generation: int | None = None

    @cached_property
    def left(self) -> frozenset[str]:
        """The ids of those who have left: as an owner they count as nobody."""
        return frozenset(member.id for member in self.staff if not member.active)

    def member(self, id_: str) -> StaffMember | None:
        """The active member of staff with this id or user name."""
        return next((member for member in self.staff if member.active and id_ in {member.id, member.username}), None)

    def has(self, id_: str) -> bool:
        """Whether somebody of this id is here and has not left."""
        return any(member.id == id_ and member.active for member in self.staff)

    def has_department(self, id_: str) -> bool:
        """Whether an active department has this id."""
        return any(department.id == id_ and department.active for department in self.departments)

    def knows(self, id_: str) -> bool:
        """Whether this names an active member of staff or department."""
        return self.member(id_) is not None or self.has_department(id_)

    def with_role(self, role: StaffRole, department: str | None) -> tuple[str, ...]:
        """The ids of those who have this role in a department; where it has none, of those who serve all of them. A
        ticket without a department is within everybody's reach."""
        having = [member for member in self.staff if member.active and role in member.roles]
        near = [member.id for member in having if department is not None and member.department == department]
        of_centre = [member.id for member in having if member.department is None]
        return tuple(near or of_centre or [member.id for member in having if department is None])

    def route(self, category: Category) -> str | None:
        """The department that takes a category; else the default one; else none."""
        active = [department for department in self.departments if department.active]
        by_category = (department.id for department in active if category in department.categories)
        return next(by_category, next((department.id for department in active if department.default), None))

    def accused(self, about: str | None) -> str | None:
        """The id of the one active member of staff whom a complaint names; None where it names nobody, or several."""
        named = [it.id for it in self.staff if about and it.active and is_about(about, {it.id, it.name, it.username})]
        return named[0] if len(named) == 1 else None

    def name_of(self, id_: str) -> str | None:
        """The name of somebody, also after they left, with what tells them from others of that name."""
        return self._called.get(id_)

    @cached_property
    def _called(self) -> Mapping[str, str]:
        return told_apart(Named(it.id, it.name, it.department, it.username) for it in self.staff)


class DirectoryCopy:
    """Asks the directory at most every second; when it does not answer, the last copy serves."""

    def __init__(self, directory: ServiceClient) -> None:
        self._directory = directory
        self._roll: Roll | None = None
        self._asked_at = 0.0

    async def roll(self, *, must_have: Sequence[str] = (), at_once: bool = False) -> Roll:
        """Everybody; asks again when somebody in `must_have` is not known, and `at_once` where it matters who just
        left.

        Raises:
            Unavailable: the directory does not answer and there is no copy yet.
        """
        copy = self._roll
        is_fresh = time.monotonic() - self._asked_at <= FRESH_SECONDS
        if copy is not None and is_fresh and not at_once and all(map(copy.knows, must_have)):
            return copy
        try:
            self._roll = await self._renewed(copy)
        except Refusal:
            if copy is None:
                raise
            return copy
        self._asked_at = time.monotonic()
        return self._roll

    async def left(self) -> frozenset[str]:
        """The ids of those who have left; of nobody while the directory has never answered."""
        try:
            return (await self.roll()).left
        except Refusal:
            return frozenset()

    async def _renewed(self, copy: Roll | None) -> Roll:
        already = {} if copy is None or copy.generation is None else {"known": copy.generation}
        told = await self._directory.get("/internal/people", **already)
        if copy is not None and told.get("unchanged"):
            return copy
        return Roll(
            departments=tuple(map(Department.model_validate, told["departments"])),
            staff=tuple(map(StaffMember.model_validate, told["staff"])),
            generation=told.get("generation"),
        )
