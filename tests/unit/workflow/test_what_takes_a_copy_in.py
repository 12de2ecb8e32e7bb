"""Tickets that a copy may be merged into (product.md 3)."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.contracts.commands.ending import Merge
from services.contracts.ticket import Deadline, DeadlineName
from services.contracts.vocabulary import CloseReason
from services.runtime.errors import ValidationFailed
from services.workflow.commands.checks import require_keepable
from services.workflow.views.ticket_row import TicketRow
from tests.unit.workflow.ticket_driver import HAN_MEIMEI, HOUR, Case

NOW = timedelta(0)
COPY, KEPT = "20260302002", "20260302001"


def ticket(ticket_no: str, deadlines: tuple[Deadline, ...] = (), **columns: Any) -> TicketRow:
    """A row of 韩梅梅's as the journal has it."""
    state = Case().state.model_copy(update={"deadlines": list(deadlines)})
    row: dict[str, Any] = {
        "ticket_no": ticket_no,
        "customer_id": HAN_MEIMEI.id,
        "phase": state.phase,
        "department": None,
        "owner": None,
        "co_owners": [],
        "close_reason": None,
        "merged_into": None,
        "ended": False,
    }
    return TicketRow({**row, "state": state.model_dump(mode="json"), **columns})


def closed(left: timedelta, name: DeadlineName = DeadlineName.REOPEN_WINDOW) -> TicketRow:
    """A closed ticket whose workflow has not ended, with so much of its window left."""
    now = datetime.now(UTC)
    window = Deadline(name=name, started_at=now, after="P7D", calendar=None, at=now + left)
    return ticket(KEPT, (window,), phase="closed", close_reason=CloseReason.CONFIRMED)


def code(kept: TicketRow, **said: Any) -> str | None:
    """The code of the refusal; None where the copy may go in."""
    try:
        require_keepable(ticket(COPY), kept, Merge(into=KEPT, **said))
    except ValidationFailed as refusal:
        (error,) = refusal.errors
        return error["code"]
    return None


@pytest.mark.parametrize(("left", "refused"), [(HOUR, None), (NOW, "closed"), (-HOUR, "closed")])
def test_a_closed_ticket_takes_a_copy_in_until_its_reopening_window_is_over(
    left: timedelta, refused: str | None
) -> None:
    assert code(closed(left)) == refused


def test_another_deadline_that_has_passed_keeps_no_copy_out() -> None:
    assert code(closed(-HOUR, DeadlineName.INFORMATION_WAIT)) is None


def test_a_ticket_that_has_ended_takes_nothing_in() -> None:
    assert code(ticket(KEPT, ended=True)) == "closed"


def test_a_merged_ticket_takes_nothing_in() -> None:
    assert code(ticket(KEPT, close_reason=CloseReason.MERGED, merged_into="20260302003")) == "merged"


@pytest.mark.parametrize(("said", "refused"), [({}, "other_customer"), ({"other_customer": True}, None)])
def test_another_customer_s_ticket_takes_a_copy_in_only_where_that_is_said(
    said: dict[str, Any], refused: str | None
) -> None:
    assert code(ticket(KEPT, customer_id="li-hua"), **said) == refused
