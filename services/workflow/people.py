"""A copy of the directory's departments and staff: where tickets are routed, who may be named on them."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from services.contracts.accused import is_about
from services.contracts.directory import Department, StaffMember
from services.contracts.vocabulary import Category
from services.runtime.errors import Refusal
from services.runtime.service_client import Peer

FRESH_SECONDS = 1.0
"""Somebody who has left counts as nobody within it; a copy that is still true costs one small answer."""


@dataclass(frozen=True)
class Roll:
    """Everybody as of one moment; `generation` is the directory's at it."""

    departments: tuple[Department, ...] = ()
    staff: tuple[StaffMember, ...] = ()
    generation: int | None = None

    @cached_property
    def left(self) -> frozenset[str]:
        """The ids of those who have left: as an owner they count as nobody."""
        return frozenset(member.id for member in self.staff if not member.active)

    def route(self, category: Category) -> str | None:
        """The department that takes a category; else the default one; else none."""
        active = [department for department in self.departments if department.active]
        by_category = (department.id for department in active if category in department.categories)
        return next(by_category, next((department.id for department in active if department.default), None))

    def has_department(self, id_: str) -> bool:
        """Whether an active department has this id."""
        return any(department.id == id_ and department.active for department in self.departments)

    def member(self, id_: str) -> StaffMember | None:
        """The active member of staff with this id or user name."""
        return next((member for member in self.staff if member.active and id_ in {member.id, member.username}), None)


class People:
    """Asks the directory at most every second; when it does not answer, the last copy serves."""

    def __init__(self, directory: Peer) -> None:
        self._directory = directory
        self._roll: Roll | None = None
        self._asked_at = 0.0

    async def roll(self, *, must_have: Sequence[str] = ()) -> Roll:
        """Everybody; asks again at once when somebody in `must_have` is not known yet.

        Raises:
            Unavailable: the directory does not answer and there is no copy yet.
        """
        known = self._roll
        stale = time.monotonic() - self._asked_at > FRESH_SECONDS
        if known is not None and not stale and all(self._knows(known, id_) for id_ in must_have):
            return known
        try:
            self._roll = await self._renewed(known)
        except Refusal:
            if known is None:
                raise
            return known
        self._asked_at = time.monotonic()
        return self._roll

    async def left(self) -> frozenset[str]:
        """The ids of those who have left; of nobody while the directory has never answered."""
        try:
            return (await self.roll()).left
        except Refusal:
            return frozenset()

    async def _renewed(self, known: Roll | None) -> Roll:
        already = {} if known is None or known.generation is None else {"known": known.generation}
        told = await self._directory.get("/internal/people", **already)
        if known is not None and told.get("unchanged"):
            return known
        return Roll(
            departments=tuple(Department.model_validate(item) for item in told["departments"]),
            staff=tuple(StaffMember.model_validate(item) for item in told["staff"]),
            generation=told.get("generation"),
        )

    @staticmethod
    def _knows(roll: Roll, id_: str) -> bool:
        return roll.member(id_) is not None or roll.has_department(id_)


def staff_named(about: str | None, staff: Sequence[StaffMember]) -> str | None:
    """The id of the one active member of staff whom a complaint names; None where it names nobody, or several."""
    named = [it.id for it in staff if about and it.active and is_about(about, {it.id, it.name, it.username})]
    return named[0] if len(named) == 1 else None
