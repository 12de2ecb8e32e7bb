"""Rules of semantics.md that wait, and that no other flow test waits for: the rule's number is in the name."""

from datetime import datetime, timedelta
from typing import Any

from services.contracts.base import format_instant
from services.contracts.policy import ClockRule
from services.contracts.vocabulary import ClockName, ClockState, CommandName
from tests.flow.ticket_harness import HAN_MEIMEI, WANG_FANG, Ticket, TicketHarness

C, K = CommandName, ClockName
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def rules(targets: dict[ClockName, Any]) -> dict[ClockName, ClockRule]:
    """Promises without warnings."""
    return {name: ClockRule(target=target, warn_at=()) for name, target in targets.items()}


async def due_of(ticket: Ticket, name: ClockName) -> datetime:
    """The due time of a clock; it must have one."""
    due_at = (await ticket.clock(name)).due_at
    assert due_at is not None
    return due_at


async def assert_breached_at(ticket: Ticket, name: ClockName, due_at: datetime) -> None:
    """Not a minute before, and dated at the due instant."""
    await ticket.move_to(due_at - MINUTE)
    assert name not in await ticket.breaches()
    await ticket.move_to(due_at + MINUTE)
    breached = await ticket.clock(name)
    assert (breached.state, breached.breached_at) == (ClockState.BREACHED, due_at)
    assert (await ticket.breaches()).count(name) == 1


async def test_rule_9_an_appointment_is_when_the_callback_is_due(harness: TicketHarness) -> None:
    await harness.promise(rules({K.CALLBACK: "PT24H"}))
    ticket = await harness.open()
    await ticket.do(C.ACCEPT)
    await ticket.do(C.RESOLVE, result="resolved")
    until = await due_of(ticket, K.CALLBACK) + 30 * HOUR
    await ticket.do(C.WAIT, reason="appointment", until=format_instant(until))
    await assert_breached_at(ticket, K.CALLBACK, until)


async def test_rule_15_the_oldest_unanswered_message_waits_whatever_comes_after_it(harness: TicketHarness) -> None:
    await harness.promise(rules({K.CUSTOMER_WAIT: "PT4H"}))
    ticket = await harness.open()
    await ticket.do(C.ACCEPT)
    await ticket.do(C.CUSTOMER_MESSAGE, HAN_MEIMEI)
    due_at = await due_of(ticket, K.CUSTOMER_WAIT)
    await ticket.move_to(due_at - 2 * HOUR)
    await ticket.do(C.CUSTOMER_MESSAGE, HAN_MEIMEI)
    await ticket.do(C.PROGRESS, visible=False)
    await assert_breached_at(ticket, K.CUSTOMER_WAIT, due_at)
    await ticket.do(C.PROGRESS, visible=True)
    assert (await ticket.clock(K.CUSTOMER_WAIT)).state is ClockState.MET_LATE


async def test_rule_17_a_due_time_that_has_passed_already_is_one_breach_and_says_so(harness: TicketHarness) -> None:
    warned = ClockRule(target={"urgent": "PT4H", "*": "PT72H"}, warn_at=(0.5, 0.9))
    await harness.promise({K.RESOLUTION: warned})
    ticket = await harness.open()
    started_at = (await ticket.clock(K.RESOLUTION)).started_at
    await ticket.move_to(started_at + 10 * HOUR)
    await ticket.do(C.RECLASSIFY, urgency="urgent")
    await ticket.move_to(started_at + 11 * HOUR)
    (breach,) = await ticket.events("clock.breached")
    assert (breach["at"], breach["data"]["retargeted"]) == (started_at + 4 * HOUR, True)
    assert await ticket.events("clock.warned") == []


async def test_rule_18_a_promised_date_stands_through_pause_and_new_urgency(harness: TicketHarness) -> None:
    await harness.promise(rules({K.RESOLUTION: {"urgent": "PT4H", "*": "PT72H"}}))
    ticket = await harness.open()
    promised = await due_of(ticket, K.RESOLUTION) - 24 * HOUR
    await ticket.do(C.ACCEPT)
    await ticket.do(C.PROMISE, WANG_FANG, resolve_by=format_instant(promised))
    await ticket.do(C.WAIT, WANG_FANG, reason="parts", until=format_instant(promised - 40 * HOUR))
    await ticket.do(C.RECLASSIFY, urgency="urgent")
    assert (await ticket.clock(K.RESOLUTION)).due_at is None
    await assert_breached_at(ticket, K.RESOLUTION, promised)


async def test_rule_20_the_next_cycle_counts_from_the_reopening_and_keeps_the_old_verdict(
    harness: TicketHarness,
) -> None:
    await harness.promise(rules({K.RESPONSE: "PT2H", K.RESOLUTION: "PT24H", K.CALLBACK: "PT24H"}))
    ticket = await harness.open()
    await ticket.do(C.ACCEPT)
    await ticket.do(C.RESOLVE, result="resolved")
    await ticket.move_to(await due_of(ticket, K.CALLBACK) - HOUR)
    await ticket.do(C.RECORD_CALLBACK, outcome="dissatisfied", channel="phone")
    reopened_at = (await ticket.events("ticket.reopened"))[0]["at"]
    await assert_breached_at(ticket, K.RESOLUTION, reopened_at + 24 * HOUR)
    assert (await ticket.clock(K.RESOLUTION, cycle=1)).state is ClockState.MET
    assert (await ticket.clock(K.RESPONSE)).cycle == 1


async def test_a_later_attempt_at_a_callback_has_a_date_of_its_own(harness: TicketHarness) -> None:
    await harness.promise(rules({K.CALLBACK: "PT24H"}), callback_retry_after="PT16H")
    ticket = await harness.open()
    await ticket.do(C.ACCEPT)
    await ticket.do(C.RESOLVE, result="resolved")
    await ticket.do(C.RECORD_CALLBACK, outcome="not_reached", channel="phone")
    attempted_at = (await ticket.events("ticket.callback_recorded"))[0]["at"]
    await assert_breached_at(ticket, K.CALLBACK, attempted_at + 16 * HOUR)
