"""A copy of the directory's staff: whom a step of a ticket concerns."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from services.contracts.directory import StaffMember, StaffRole
from services.contracts.namesakes import Named, told_apart
from services.runtime.errors import Refusal
from services.runtime.service_client import Peer

FRESH_SECONDS = 5.0


@dataclass(frozen=True)
class Roll:
    """Everybody who works here, as of one moment; `generation` is the directory's at it."""

    staff: tuple[StaffMember, ...] = ()
    generation: int | None = None

    def has(self, id_: str) -> bool:
        """Whether somebody is here and has not left."""
        return any(member.id == id_ and member.active for member in self.staff)

    def with_role(self, role: StaffRole, department: str | None) -> tuple[str, ...]:
        """The ids of those who have this role in a department; where it has none, of those who serve all of them. A
        ticket without a department is within everybody's reach."""
        having = [member for member in self.staff if member.active and role in member.roles]
        near = [member.id for member in having if department is not None and member.department == department]
        of_centre = [member.id for member in having if member.department is None]
        return tuple(near or of_centre or [member.id for member in having if department is None])

    def name_of(self, id_: str) -> str | None:
        """What somebody is called, also after they left, with what tells them from others of that name."""
        return self._called.get(id_)

    @cached_property
    def _called(self) -> Mapping[str, str]:
        return told_apart(Named(it.id, it.name, it.department, it.username) for it in self.staff)


class People:
    """Asks the directory at most every five seconds; when it does not answer, the last copy serves."""

    def __init__(self, directory: Peer) -> None:
        self._directory = directory
        self._roll: Roll | None = None
        self._asked_at = 0.0

    async def roll(self, *, must_have: Sequence[str] = (), at_once: bool = False) -> Roll:
        """Everybody; asks again at once when somebody in `must_have` is not known yet, and `at_once` where it matters
        who has just left: a copy that is still true costs a small answer.

        Raises:
            Unavailable: the directory does not answer and there is no copy yet.
        """
        known = self._roll
        is_fresh = time.monotonic() - self._asked_at <= FRESH_SECONDS
        if known is not None and is_fresh and not at_once and all(known.name_of(id_) for id_ in must_have):
            return known
        try:
            self._roll = await self._renewed(known)
        except Refusal:
            if known is None:
                raise
            return known
        self._asked_at = time.monotonic()
        return self._roll

    async def _renewed(self, known: Roll | None) -> Roll:
        already = {} if known is None or known.generation is None else {"known": known.generation}
        told = await self._directory.get("/internal/people", **already)
        if known is not None and told.get("unchanged"):
            return known
        return Roll(tuple(StaffMember.model_validate(item) for item in told["staff"]), told.get("generation"))
