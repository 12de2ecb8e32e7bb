"""Ends of tickets, and new beginnings: reopening, its window, information that never comes (product.md section 3)."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from services.contracts.policy import ClockRule
from services.contracts.vocabulary import ClockName, ClockState, CommandName
from services.workflow.client import NoWorkflow, Refused
from tests.flow.ticket_harness import HAN_MEIMEI, TicketHarness
from tests.flow.working_weeks import Week

C, K = CommandName, ClockName
SECOND, MARGIN, HOUR, DAY = timedelta(seconds=1), timedelta(seconds=60), timedelta(hours=1), timedelta(days=1)


async def test_a_ticket_reopens_within_the_window_and_ends_with_it(harness: TicketHarness) -> None:
    await harness.promise({K.RESOLUTION: ClockRule(target="PT24H", warn_at=()), K.CALLBACK: ClockRule(target="PT24H")})
    ticket = await harness.open()
    await ticket.do(C.ACCEPT)
    await ticket.move_to(await ticket.now() + 25 * HOUR)
    await ticket.do(C.RESOLVE, result="resolved")
    await ticket.do(C.RECORD_CALLBACK, outcome="satisfied", channel="phone")
    closed_at = (await ticket.row())["closed_at"]
    await ticket.move_to(closed_at + 7 * DAY - MARGIN)
    await ticket.do(C.REOPEN, HAN_MEIMEI)
    assert await ticket.phase() == "processing.assigned"
    first, second = await ticket.clock(K.RESOLUTION, cycle=1), await ticket.clock(K.RESOLUTION, cycle=2)
    assert (first.state, second.state) == (ClockState.MET_LATE, ClockState.RUNNING)
    assert second.due_at == second.started_at + 24 * HOUR
    assert (await ticket.row())["close_reason"] is None
    await ticket.do(C.RESOLVE, result="resolved")
    await ticket.do(C.CONFIRM, HAN_MEIMEI)
    closed_again_at = (await ticket.row())["closed_at"]
    await ticket.move_to(closed_again_at + 7 * DAY + SECOND)
    await ticket.handle.result()
    row = await ticket.row()
    assert (row["phase"], row["ended"], row["cycle"]) == ("closed", True, 2)
    with pytest.raises(NoWorkflow):
        await ticket.do(C.REOPEN, HAN_MEIMEI)
    assert await ticket.breaches() == ["resolution"]


async def test_information_that_never_comes_closes_the_ticket_after_two_reminders(harness: TicketHarness) -> None:
    week = Week()
    await harness.promise({K.ACCEPTANCE: ClockRule(target="PT2WH")}, week.calendar(), information_wait="P5WD")
    silent, supplied = await asyncio.gather(harness.open(complete=False), harness.open(complete=False))

    async def ask(ticket_is_supplied: bool) -> None:
        ticket = supplied if ticket_is_supplied else silent
        await ticket.move_to(week.at("mon", "10:00"))
        await ticket.do(C.REQUEST_INFORMATION, fields=["product.serial_no"])
        await ticket.move_to(week.at("mon", "18:00", weeks=1) - MARGIN)
        reminders = await ticket.events("ticket.information_requested")
        assert [it["data"].get("reminder") for it in reminders] == [None, 1, 2]
        assert await ticket.phase() == "pending.awaiting_information"
        if ticket_is_supplied:
            await ticket.do(C.SUPPLY_INFORMATION, HAN_MEIMEI, complete=True)
        await ticket.move_to(week.at("mon", "18:00", weeks=1) + SECOND)

    await asyncio.gather(ask(False), ask(True))
    row = await silent.row()
    assert (row["close_reason"], row["closed_at"]) == ("information_not_supplied", week.at("mon", "18:00", weeks=1))
    assert row["close_note"] is not None
    assert "系统" in row["close_note"]
    assert await silent.breaches() == []
    assert await supplied.phase() == "pending.review"


async def test_a_merged_ticket_ends_at_once_and_a_withdrawn_one_waits_for_its_window(harness: TicketHarness) -> None:
    await harness.promise({K.ACCEPTANCE: ClockRule(target="PT2H")})
    merged, withdrawn = await harness.open(), await harness.open()
    await merged.do(C.MERGE, into=withdrawn.ticket_no)
    await merged.handle.result()
    row = await merged.row()
    assert (row["close_reason"], row["merged_into"], row["ended"]) == ("merged", withdrawn.ticket_no, True)
    await withdrawn.do(C.WITHDRAW, HAN_MEIMEI)
    await withdrawn.move_to(await withdrawn.now() + 3 * HOUR)
    assert await withdrawn.breaches() == []
    assert (await withdrawn.clock(K.ACCEPTANCE)).state is ClockState.CANCELLED
    await withdrawn.do(C.REOPEN, HAN_MEIMEI)
    assert await withdrawn.phase() == "pending.review"


async def test_an_illegal_command_leaves_no_trace(harness: TicketHarness) -> None:
    await harness.promise({K.ACCEPTANCE: ClockRule(target="PT2H")})
    ticket = await harness.open()
    before = await ticket.row()
    for command in (C.RESUME, C.APPROVE_PLAN, C.REOPEN):
        with pytest.raises(Refused) as refusal:
            await ticket.do(command)
        assert refusal.value.code == "illegal_transition"
    assert await ticket.row() == before


@pytest.mark.parametrize(
    "untruth",
    [
        "status = 'closed'",
        "status = 'closed', closed_at = now()",
        "status = 'closed', closed_at = now(), close_reason = 'confirmed'",
        "status = 'closed', closed_at = now(), close_reason = 'confirmed', confirmed_at = now()",
        "status = 'closed', closed_at = now(), close_reason = 'unresolved'",
        "status = 'closed', closed_at = now(), close_reason = 'unresolved', close_note = '  '",
        "status = 'closed', closed_at = now(), close_reason = 'merged', close_note = '重复'",
        "status = 'closed', closed_at = now(), close_reason = 'forgotten', close_note = '忘了'",
        "close_reason = 'withdrawn', close_note = '客户撤回'",
    ],
)
async def test_the_database_refuses_a_close_without_evidence_or_reason(harness: TicketHarness, untruth: str) -> None:
    ticket = await harness.open(start=False)
    with pytest.raises(IntegrityError):
        async with harness.database.begin() as connection:
            await connection.execute(
                text(f"UPDATE workflow.tickets SET {untruth} WHERE ticket_no = :no"), {"no": ticket.ticket_no}
            )


@pytest.mark.parametrize(
    "rewriting",
    [
        "UPDATE workflow.journal SET type = 'ticket.closed' WHERE ticket_no = :no",
        "UPDATE workflow.journal SET at = now() WHERE ticket_no = :no",
        "DELETE FROM workflow.journal WHERE ticket_no = :no",
    ],
)
async def test_the_database_refuses_to_rewrite_the_journal(harness: TicketHarness, rewriting: str) -> None:
    ticket = await harness.open(start=False)
    with pytest.raises(DBAPIError):
        async with harness.database.begin() as connection:
            await connection.execute(text(rewriting), {"no": ticket.ticket_no})
