"""The basis of a customer's form: a page confirms what it showed, and nothing that came after (product.md 3)."""

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import Field, ValidationError

from services.contracts.base import Instant, Message, format_instant
from services.contracts.ticket import DeadlineName, TicketState
from services.contracts.vocabulary import CommandName, Phase, Status

_NONE = "-"
_PARTS, _MOST_CYCLES = 4, 1_000_000


class Basis(Message):
    """The state of a ticket that a form was drawn from. `asked_at` is when its question was last asked."""

    cycle: Annotated[int, Field(ge=1, le=_MOST_CYCLES)]
    phase: Phase
    resolved_at: Instant | None = None
    asked_at: Instant | None = None

    @property
    def status(self) -> Status:
        """The status that the page showed."""
        return self.phase.status

    @classmethod
    def of(cls, state: TicketState) -> Self:
        """The basis of a page that shows a ticket in this state."""
        asked = (it.started_at for it in state.deadlines if it.name is DeadlineName.INFORMATION_WAIT)
        return cls(cycle=state.cycle, phase=state.phase, resolved_at=state.resolved_at, asked_at=next(asked, None))

    def written(self) -> str:
        """As a form carries it."""
        instants = (format_instant(at) if at else _NONE for at in (self.resolved_at, self.asked_at))
        return "/".join((str(self.cycle), self.phase, *instants))

    @classmethod
    def read(cls, text: str) -> "Basis | None":
        """Read what a form carried; None for what no page of ours says."""
        parts = text.split("/")
        if len(parts) != _PARTS:
            return None
        names = ("cycle", "phase", "resolved_at", "asked_at")
        known = {name: part for name, part in zip(names, parts, strict=True) if part != _NONE}
        try:
            return cls.model_validate(known)
        except ValidationError:
            return None


_COUNTS: Mapping[CommandName, tuple[str, ...]] = {
    CommandName.CONFIRM: ("cycle", "phase", "resolved_at"),
    CommandName.REOPEN: ("cycle", "phase", "resolved_at"),
    CommandName.WITHDRAW: ("cycle", "status", "resolved_at"),
    CommandName.CUSTOMER_MESSAGE: ("cycle", "resolved_at"),
    CommandName.SUPPLY_INFORMATION: ("cycle",),
}
"""What must still be as it was shown for a form to mean what its sender saw. Words are no decision: a message only must
not answer an outcome that its page did not show."""


def is_outdated(command: CommandName, shown: Basis, present: Basis) -> bool:
    """Whether what matters for this form is no longer what its page showed.

    A question that was answered or dropped meanwhile asks for nothing else; another question than the shown one does.
    """
    if command is CommandName.SUPPLY_INFORMATION and present.asked_at not in {None, shown.asked_at}:
        return True
    return any(getattr(shown, name) != getattr(present, name) for name in _COUNTS.get(command, ()))
