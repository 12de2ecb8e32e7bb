"""Whom a complaint is about: they neither see its texts nor are given its work (product.md 2)."""

from collections.abc import Sequence

from services.contracts.accused import is_about
from services.contracts.directory import StaffMember
from services.runtime.auth import Caller
from services.workflow.views import TicketRow


def is_accused(ticket: TicketRow, caller: Caller) -> bool:
    """Whether the complaint is about the caller."""
    about = ticket.row["complaint_about"]
    return bool(about) and is_about(about, {caller.id, caller.name, caller.username})


def staff_named(about: str | None, staff: Sequence[StaffMember]) -> str | None:
    """The id of the one active member of staff whom a complaint names; None where it names nobody, or several."""
    named = [it.id for it in staff if about and it.active and is_about(about, {it.id, it.name, it.username})]
    return named[0] if len(named) == 1 else None
