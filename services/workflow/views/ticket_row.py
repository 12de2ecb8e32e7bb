"""A row of `tickets`, as every answer and every permission starts from it."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from services.contracts.ticket import TicketState
from services.contracts.vocabulary import CommandName, Phase
from services.workflow.lifecycle.transitions import legal_commands

Row = Mapping[Any, Any]


class TicketRow:
    """A row of `tickets`, with the questions that the permission table asks."""

    def __init__(self, row: Row) -> None:
        self.row = row
        self.department: str | None = row["department"]
        self.owner: str | None = row["owner"]
        self.co_owners: Sequence[str] = row["co_owners"]
        self.phase = Phase(row["phase"])

    @cached_property
    def state(self) -> TicketState:
        """The state as recorded last; reading it is the dearest of a list's work."""
        return TicketState.model_validate(self.row["state"])

    @cached_property
    def legal(self) -> Sequence[CommandName]:
        """The commands that are legal, whoever asks."""
        return legal_commands(self.state)
