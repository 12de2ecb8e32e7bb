"""Hours and days pass for real workflows: before, at and after each boundary."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from services.contracts.policy import ClockRule
from services.contracts.vocabulary import ClockName, ClockState, CommandName, Kind, Urgency
from tests.flow.ticket_harness import HAN_MEIMEI, LI_LEI, WANG_FANG, Ticket, TicketHarness
from tests.flow.working_weeks import Week

C, K = CommandName, ClockName
SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)
MARGIN = timedelta(seconds=60)
"""Time goes on while a test looks, so \"before\" is a minute before; `tests/unit/workflow` goes to the microsecond."""


def rule(target: Any, warn_at: tuple[float | str, ...] = ()) -> ClockRule:
    """A promise, without warnings unless told otherwise."""
    return ClockRule(target=target, warn_at=warn_at)


async def assert_boundary(kept: Ticket, missed: Ticket, clock: ClockName, due_at: datetime, **how: Any) -> None:
    """One ticket keeps the promise shortly before it is due, the other is a second late."""
    command, actor = how.pop("keep"), how.pop("actor", LI_LEI)

    async def shortly_before() -> None:
        assert (await kept.clock(clock)).due_at == due_at
        await kept.move_to(due_at - MARGIN)
        assert await kept.breaches() == []
        await kept.do(command, actor, **how)
        await kept.move_to(due_at + SECOND)
        assert await kept.breaches() == []

    async def a_second_after() -> None:
        await missed.move_to(due_at + SECOND)
        assert await missed.breaches() == [clock]
        breached = await missed.clock(clock)
        assert (breached.state, breached.breached_at) == (ClockState.BREACHED, due_at)
        assert breached.detected_at is not None
        assert timedelta(0) < breached.detected_at - due_at < MARGIN
        await missed.do(command, actor, **how)
        assert await missed.breaches() == [clock]

    await asyncio.gather(shortly_before(), a_second_after())
    (met,) = [it for it in await _all_rounds(kept, clock) if it.ended_at and it.ended_at < due_at]
    assert met.state is ClockState.MET
    assert ClockState.MET_LATE in {it.state for it in await _all_rounds(missed, clock)}


async def _all_rounds(ticket: Ticket, name: ClockName) -> list[Any]:
    newest = await ticket.clock(name)
    rounds = range(1, newest.round + 1)
    return [await ticket.clock(name, cycle=newest.cycle, round_=round_) for round_ in rounds]


async def two(harness: TicketHarness, at: datetime | None = None, **options: Any) -> tuple[Ticket, Ticket]:
    """Two tickets of the same kind, received now and moved to `at`."""
    tickets = await harness.open(**options), await harness.open(**options)
    if at:
        await asyncio.gather(*(ticket.move_to(at) for ticket in tickets))
    return tickets


async def test_acceptance_is_due_two_working_hours_after_receipt_with_lunch_between(harness: TicketHarness) -> None:
    week = Week()
    await harness.promise({K.ACCEPTANCE: rule("PT2WH")}, week.calendar())
    kept, missed = await two(harness, received_at=week.at("mon", "11:00"))
    await assert_boundary(kept, missed, K.ACCEPTANCE, week.at("mon", "14:30"), keep=C.ACCEPT)


async def test_an_urgent_ticket_is_answered_within_24_hours_also_on_a_saturday(harness: TicketHarness) -> None:
    week = Week()
    await harness.promise({K.RESPONSE: rule({"urgent": "PT24H", "normal": "P3WD"})}, week.calendar())
    kept, missed = await two(harness, received_at=week.at("fri", "16:00"), urgency=Urgency.URGENT)
    await assert_boundary(kept, missed, K.RESPONSE, week.at("sat", "16:00"), keep=C.RESPOND)


@pytest.mark.parametrize("saturday_is_worked", [False, True])
async def test_the_callback_is_due_at_the_end_of_the_next_working_day(
    harness: TicketHarness, saturday_is_worked: bool
) -> None:
    week = Week()
    make_up_days = (week.day("sat"),) if saturday_is_worked else ()
    await harness.promise({K.CALLBACK: rule("P1WD")}, week.calendar(make_up_days=make_up_days))
    kept, missed = await two(harness, week.at("fri", "15:00"))
    for ticket in (kept, missed):
        await ticket.do(C.ACCEPT)
        await ticket.do(C.RESOLVE, result="resolved")
    due_at = week.at("sat", "18:00") if saturday_is_worked else week.at("mon", "18:00", weeks=1)
    await assert_boundary(
        kept, missed, K.CALLBACK, due_at, keep=C.RECORD_CALLBACK, outcome="satisfied", channel="phone"
    )
    assert (await kept.phase(), await missed.phase()) == ("closed", "closed")


async def test_progress_is_due_every_four_hours_when_urgent_and_an_internal_note_does_not_count(
    harness: TicketHarness,
) -> None:
    await harness.promise({K.PROGRESS: rule({"urgent": "PT4H", "*": "PT24H"})})
    kept, missed = await two(harness, urgency=Urgency.URGENT)

    async def work(ticket: Ticket) -> None:
        await ticket.do(C.ACCEPT)
        await ticket.move_to(await ticket.now() + 3 * HOUR)
        await ticket.do(C.PROGRESS, visible=True)
        assert (await ticket.clock(K.PROGRESS)).round == 2

    await asyncio.gather(work(kept), work(missed))
    due_at = (await missed.clock(K.PROGRESS)).due_at
    assert due_at is not None
    assert due_at - (await missed.row())["accepted_at"] > 7 * HOUR
    await missed.do(C.PROGRESS, visible=False)
    await missed.move_to(due_at + SECOND)
    assert await missed.breaches() == ["progress"]
    await missed.move_to(due_at + 100 * HOUR)
    assert await missed.breaches() == ["progress"]
    await missed.do(C.PROGRESS, visible=True)
    assert (await missed.clock(K.PROGRESS, round_=2)).state is ClockState.MET_LATE
    assert await kept.breaches() == []


async def test_a_pause_across_a_holiday_gives_back_the_opening_time_that_it_took(harness: TicketHarness) -> None:
    week = Week()
    monday_off = week.calendar(holidays=(week.day("mon", weeks=1),))
    await harness.promise({K.RESOLUTION: rule("PT8WH")}, monday_off)
    kept, missed = await two(harness, week.at("fri", "14:00"), received_at=week.at("fri", "09:00"))

    async def wait_for_parts(ticket: Ticket) -> None:
        await ticket.do(C.ACCEPT)
        await ticket.do(C.WAIT, reason="parts", until=week.at("tue", "10:00", weeks=1).isoformat())
        assert (await ticket.row())["next_due_at"] is None
        await ticket.move_to(week.at("tue", "10:00", weeks=1) + SECOND)
        assert await ticket.phase() == "processing.assigned"

    await asyncio.gather(wait_for_parts(kept), wait_for_parts(missed))
    paused_at = (await kept.clock(K.RESOLUTION)).segments[1].from_at
    late_start = paused_at - week.at("fri", "14:00")
    # Eight hours would have ended at 09:30 of the next opening day: Tuesday, because Monday is a holiday.
    # Waiting took Friday from 14:00 and Tuesday until 10:00, five hours of opening.
    expected = week.at("tue", "16:00", weeks=1) - late_start
    assert (await kept.clock(K.RESOLUTION)).due_at == expected
    kept_due, missed_due = (await kept.clock(K.RESOLUTION)).due_at, (await missed.clock(K.RESOLUTION)).due_at
    assert kept_due is not None
    assert missed_due is not None
    await asyncio.gather(kept.move_to(kept_due - MARGIN), missed.move_to(missed_due + SECOND))
    assert (await kept.breaches(), await missed.breaches()) == ([], ["resolution"])


async def test_a_supervisor_calls_a_complaint_back_within_24_hours_of_the_first_satisfied(
    harness: TicketHarness,
) -> None:
    await harness.promise({K.CALLBACK: rule("PT24H"), K.SECOND_CALLBACK: rule("PT24H")})
    kept, missed = await two(harness, kind=Kind.COMPLAINT)

    async def first_callback(ticket: Ticket) -> datetime:
        await ticket.do(C.ACCEPT)
        await ticket.do(C.RESOLVE, result="resolved")
        await ticket.move_to(await ticket.now() + 2 * HOUR)
        await ticket.do(C.RECORD_CALLBACK, outcome="satisfied", channel="phone")
        assert await ticket.phase() == "resolved.awaiting_second_callback"
        clock = await ticket.clock(K.SECOND_CALLBACK)
        assert clock.due_at == clock.started_at + 24 * HOUR
        return clock.due_at

    kept_due, missed_due = await asyncio.gather(first_callback(kept), first_callback(missed))
    await asyncio.gather(kept.move_to(kept_due - MARGIN), missed.move_to(missed_due + SECOND))
    assert (await kept.breaches(), await missed.breaches()) == ([], ["second_callback"])
    for ticket, verdict in ((kept, ClockState.MET), (missed, ClockState.MET_LATE)):
        await ticket.do(C.RECORD_CALLBACK, WANG_FANG, outcome="satisfied", channel="phone")
        assert (await ticket.clock(K.SECOND_CALLBACK)).state is verdict
        assert (await ticket.row())["close_reason"] == "confirmed"


async def test_warnings_come_before_the_breach_and_are_dated_at_their_instants(harness: TicketHarness) -> None:
    await harness.promise({K.ACCEPTANCE: rule("PT4H", warn_at=(0.5, "PT30M"))})
    ticket = await harness.open()
    start = (await ticket.clock(K.ACCEPTANCE)).started_at
    await ticket.move_to(start + 5 * HOUR)
    events = await ticket.events("clock.warned", "clock.breached")
    assert [it["at"] - start for it in events] == [2 * HOUR, 3.5 * HOUR, 4 * HOUR]
    assert [it["type"] for it in events] == ["clock.warned", "clock.warned", "clock.breached"]


async def test_a_wait_ends_by_itself_or_when_the_customer_replies(harness: TicketHarness) -> None:
    await harness.promise({K.RESOLUTION: rule("PT24H")})
    alone, answered = await two(harness)
    for ticket in (alone, answered):
        await ticket.do(C.ACCEPT)
        until = await ticket.now() + 10 * HOUR
        await ticket.do(C.WAIT, reason="customer", until=until.isoformat())

    async def nobody_replies() -> None:
        until = (await alone.row())["state"]["waits"][0]["until"]
        await alone.move_to(datetime.fromisoformat(until) - MARGIN)
        assert await alone.phase() == "processing.waiting"
        await alone.move_to(datetime.fromisoformat(until) + SECOND)
        (resumed,) = await alone.events("ticket.resumed")
        assert resumed["at"] == datetime.fromisoformat(until)
        assert resumed["actor_kind"] == "system"

    async def the_customer_replies() -> None:
        await answered.move_to(await answered.now() + 5 * HOUR)
        await answered.do(C.CUSTOMER_MESSAGE, HAN_MEIMEI)
        assert await answered.phase() == "processing.assigned"
        await answered.move_to(await answered.now() + 6 * HOUR)
        assert await answered.events("ticket.resumed") == []

    await asyncio.gather(nobody_replies(), the_customer_replies())
    for ticket in (alone, answered):
        clock = await ticket.clock(K.RESOLUTION)
        paused = clock.segments[1]
        assert paused.to_at is not None
        assert clock.due_at == clock.started_at + 24 * HOUR + (paused.to_at - paused.from_at)
