"""The person a complaint is about: they neither see its texts nor are given its work (product.md 2)."""

from services.contracts.accused import is_about
from services.runtime.security.auth import Caller
from services.workflow.views.ticket_row import TicketRow


def is_accused(ticket: TicketRow, caller: Caller) -> bool:
    """Whether the complaint is about the caller."""
    about = ticket.row["complaint_about"]
    return bool(about) and is_about(about, {caller.id, caller.name, caller.username})
