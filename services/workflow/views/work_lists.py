"""The lists that people work from, as filters: a count and the list that it leads to are made of the same ones."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum

from services.contracts.base import format_instant
from services.contracts.vocabulary import Phase, Status
from services.workflow.views.filters import TicketFilters

_OPEN = [Status.PENDING, Status.PROCESSING, Status.RESOLVED]
_ORDERING = {"sort", "limit", "cursor"}


class View(StrEnum):
    """A list's name."""

    OPEN = "open"
    MINE = "mine"
    REVIEW = "review"
    UNASSIGNED = "unassigned"
    OVERDUE = "overdue"
    DUE_TODAY = "due_today"
    WAITING = "waiting"
    CALLBACK = "callback"


def work_lists(caller_id: str, now: datetime) -> Mapping[View, TicketFilters]:
    """Every list's filters for this caller; `now` is in the business time zone, whose day ends "today"."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    tomorrow = (midnight + timedelta(days=1)).replace(fold=0)
    return {
        View.OPEN: TicketFilters(status=_OPEN),
        View.MINE: TicketFilters(status=_OPEN, owner=[caller_id]),
        View.REVIEW: TicketFilters(phase=[Phase.REVIEW]),
        View.UNASSIGNED: TicketFilters(status=_OPEN, assigned=False),
        View.OVERDUE: TicketFilters(status=_OPEN, overdue=True),
        View.DUE_TODAY: TicketFilters(status=_OPEN, overdue=False, due_before=tomorrow),
        View.WAITING: TicketFilters(phase=[Phase.AWAITING_INFORMATION, Phase.WAITING]),
        View.CALLBACK: TicketFilters(phase=[Phase.AWAITING_CALLBACK, Phase.AWAITING_SECOND_CALLBACK]),
    }


def parameters(filters: TicketFilters) -> dict[str, list[str]]:
    """Filters as query parameters of the list of tickets, each with its values."""
    given = filters.model_dump(exclude_unset=True, exclude=_ORDERING)
    return {
        name: [_text(each) for each in (value if isinstance(value, list) else [value])] for name, value in given.items()
    }


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return format_instant(value)
    return str(value)
