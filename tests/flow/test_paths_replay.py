"""One ticket a path: what the engine has stored of it replays. With BIHUAN_RECORD=1 it becomes the path's recording."""

import os
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from services.contracts.journal import EventType
from services.contracts.policy import ClockRule
from services.contracts.vocabulary import ClockName, CommandName, Kind
from tests.flow.ticket_harness import HAN_MEIMEI, WANG_FANG, Ticket, TicketHarness
from tests.replay.recordings import record, replay

C, K, T = CommandName, ClockName, EventType
SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)
TARGETS = {
    K.ACCEPTANCE: "PT2WH",
    K.INFORMATION_REQUEST: "P1WD",
    K.RESPONSE: "P3WD",
    K.PLAN: "PT24H",
    K.PROGRESS: "PT24H",
    K.RESOLUTION: "P3WD",
    K.CALLBACK: "P1WD",
    K.SECOND_CALLBACK: "PT24H",
    K.CUSTOMER_WAIT: "PT4WH",
}
Path = Callable[[TicketHarness], Awaitable[Ticket]]


async def _handled(harness: TicketHarness, kind: Kind = Kind.FAULT) -> Ticket:
    ticket = await harness.open(kind=kind)
    await ticket.do(C.ACCEPT, owner="li-lei", complex=True)
    await ticket.do(C.RESPOND)
    await ticket.do(C.PLAN)
    await ticket.do(C.APPROVE_PLAN, WANG_FANG)
    await ticket.do(C.PROGRESS, visible=True)
    await ticket.do(C.RESOLVE, result="resolved", cause="hardware")
    return ticket


async def _call_back(ticket: Ticket, outcome: str) -> None:
    await ticket.do(C.RECORD_CALLBACK, outcome=outcome, channel="phone")


async def _end(ticket: Ticket) -> Ticket:
    """Let the reopening window pass."""
    closed_at = (await ticket.row())["closed_at"]
    await ticket.move_to(closed_at + 7 * DAY + SECOND)
    await ticket.handle.result()
    return ticket


async def closed_confirmed(harness: TicketHarness) -> Ticket:
    """From receipt to the end of the window."""
    ticket = await _handled(harness)
    await _call_back(ticket, "not_reached")
    await _call_back(ticket, "satisfied")
    return await _end(ticket)


async def complaint_second_callback(harness: TicketHarness) -> Ticket:
    """Both callbacks of a complaint."""
    ticket = await _handled(harness, Kind.COMPLAINT)
    await _call_back(ticket, "satisfied")
    await _call_back(ticket, "satisfied")
    return ticket


async def reopened(harness: TicketHarness) -> Ticket:
    """Twice: by a callback and by the customer after closing."""
    ticket = await _handled(harness)
    await _call_back(ticket, "residual_issue")
    await ticket.do(C.RESOLVE, result="partly_resolved")
    await ticket.do(C.CONFIRM, HAN_MEIMEI)
    await ticket.do(C.REOPEN, HAN_MEIMEI)
    return ticket


async def information_not_supplied(harness: TicketHarness) -> Ticket:
    """Two reminders and the closing by the system."""
    ticket = await harness.open(complete=False)
    await ticket.do(C.REQUEST_INFORMATION, fields=["product.serial_no"])
    await ticket.move_to(await ticket.now() + 60 * DAY)
    await ticket.handle.result()
    return ticket


async def wait_and_resume(harness: TicketHarness) -> Ticket:
    """Waiting for parts, for the customer, and until a date."""
    ticket = await harness.open()
    await ticket.do(C.ACCEPT)
    await ticket.do(C.WAIT, reason="parts")
    await ticket.do(C.WAIT, reason="customer")
    await ticket.do(C.CUSTOMER_MESSAGE, HAN_MEIMEI)
    await ticket.do(C.RESUME)
    until = await ticket.now() + 5 * HOUR
    await ticket.do(C.WAIT, reason="third_party", until=until.isoformat())
    await ticket.move_to(until + SECOND)
    await ticket.do(C.RECLASSIFY, urgency="urgent")
    return ticket


async def withdrawn(harness: TicketHarness) -> Ticket:
    """Taken back by the customer."""
    ticket = await harness.open()
    await ticket.do(C.WITHDRAW, HAN_MEIMEI)
    return await _end(ticket)


async def merged(harness: TicketHarness) -> Ticket:
    """A duplicate."""
    ticket = await harness.open()
    await ticket.do(C.MERGE, into="20260101999")
    await ticket.handle.result()
    return ticket


async def breached(harness: TicketHarness) -> Ticket:
    """Warned, missed, met late, explained."""
    ticket = await harness.open()
    await ticket.move_to(await ticket.now() + 14 * DAY)
    await ticket.do(C.ACCEPT)
    await ticket.do(C.EXPLAIN_BREACH, clock="acceptance")
    await ticket.do(C.RESOLVE, result="resolved")
    return ticket


async def remarked(harness: TicketHarness) -> Ticket:
    """Alerts and a survey in the journal of a ticket that is missed, closed and reopened."""
    ticket = await harness.open()
    await ticket.move_to(await ticket.now() + 14 * DAY)
    await ticket.hear(T.ALERT_RAISED, alert_id="a-1", clock="acceptance", due_at="2026-01-05T03:00:00Z")
    await ticket.do(C.ACCEPT)
    await ticket.hear(T.ALERT_RESOLVED, alert_id="a-1")
    await ticket.do(C.RESOLVE, result="resolved")
    await ticket.do(C.CONFIRM, HAN_MEIMEI)
    await ticket.hear(T.SURVEY_SENT, survey_id="s-1")
    await ticket.do(C.REOPEN, HAN_MEIMEI)
    await ticket.hear(T.SURVEY_EXPIRED, survey_id="s-1")
    return ticket


async def answered_while_waiting(harness: TicketHarness) -> Ticket:
    """Asked back, told of progress while the customer is waited for, called about what they wrote since."""
    ticket = await harness.open(kind=Kind.COMPLAINT, complete=False)
    await ticket.do(C.CUSTOMER_MESSAGE, HAN_MEIMEI)
    await ticket.do(C.REQUEST_INFORMATION, fields=["product.serial_no"])
    await ticket.do(C.SUPPLY_INFORMATION, HAN_MEIMEI, fields=["product.serial_no"])
    await ticket.do(C.ACCEPT, owner="li-lei")
    await ticket.do(C.WAIT, reason="customer")
    await ticket.do(C.PROGRESS, visible=True)
    await ticket.do(C.CUSTOMER_MESSAGE, HAN_MEIMEI)
    await ticket.do(C.RESOLVE, result="resolved")
    await ticket.do(C.CUSTOMER_MESSAGE, HAN_MEIMEI)
    await _call_back(ticket, "satisfied")
    return ticket


PATHS: tuple[Path, ...] = (
    closed_confirmed,
    complaint_second_callback,
    reopened,
    information_not_supplied,
    wait_and_resume,
    withdrawn,
    merged,
    breached,
    remarked,
    answered_while_waiting,
)


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.__name__)
async def test_what_the_engine_stored_of_a_path_replays(harness: TicketHarness, path: Path) -> None:
    await harness.promise({name: ClockRule(target=target) for name, target in TARGETS.items()}, calendar_id="cn")
    ticket = await path(harness)
    history = await ticket.handle.fetch_history()
    await replay(history)
    if os.environ.get("BIHUAN_RECORD"):
        record(path.__name__, history)
