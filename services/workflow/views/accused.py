"""The person a complaint is about: they neither see its texts nor are given its work (product.md 2)."""

from services.contracts.accused import is_about
from services.contracts.vocabulary import CommandName
from services.runtime.security.auth import Caller
from services.workflow.views.ticket_row import TicketRow

_BARRED = frozenset(
    {CommandName.RECORD_CALLBACK, CommandName.CLOSE_UNRESOLVED, CommandName.WITHDRAW, CommandName.MERGE}
)


def is_barred(ticket: TicketRow, caller: Caller, command: CommandName) -> bool:
    """Whether the complaint is about the caller, who may not call back or close it (product.md 3)."""
    about = ticket.row["complaint_about"]
    return command in _BARRED and bool(about) and is_about(about, {caller.id, caller.name, caller.username})
