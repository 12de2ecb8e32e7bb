"""Every phase and every command (product.md section 3): what is legal, where it leads, what is refused untouched."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from services.contracts.vocabulary import CommandName, Kind, Phase
from services.workflow.lifecycle.life import IllegalCommand
from services.workflow.lifecycle.transitions import legal_commands
from tests.unit.workflow.ticket_driver import DAY, HOUR, Case, assert_legal_journal

C = CommandName


def _accepted() -> Case:
    return Case().do(C.ACCEPT)


def _resolved(kind: Kind = Kind.FAULT) -> Case:
    return Case(kind=kind).do(C.ACCEPT).do(C.RESOLVE, result="resolved")


IN_PHASE: dict[Phase, Callable[[], Case]] = {
    Phase.REVIEW: Case,
    Phase.AWAITING_INFORMATION: lambda: Case(complete=False).do(C.REQUEST_INFORMATION, fields=["product.serial_no"]),
    Phase.ASSIGNED: _accepted,
    Phase.PLANNED: lambda: _accepted().do(C.PLAN),
    Phase.WAITING: lambda: _accepted().do(C.WAIT, reason="parts"),
    Phase.AWAITING_CALLBACK: _resolved,
    Phase.AWAITING_SECOND_CALLBACK: lambda: _resolved(Kind.COMPLAINT).do(
        C.RECORD_CALLBACK, outcome="satisfied", channel="phone"
    ),
    Phase.CLOSED: lambda: _resolved().do(C.RECORD_CALLBACK, outcome="satisfied", channel="phone"),
}

DECISIONS: dict[CommandName, dict[str, Any]] = {
    C.REQUEST_INFORMATION: {"fields": ["product.serial_no"]},
    C.ASSIGN: {"owner": "li-lei"},
    C.PROGRESS: {"visible": True},
    C.WAIT: {"reason": "parts"},
    C.RESOLVE: {"result": "resolved"},
    C.RECORD_CALLBACK: {"outcome": "satisfied", "channel": "phone"},
    C.CLOSE_UNRESOLVED: {"reason_code": "no_spare_parts"},
    C.MERGE: {"into": "20260302002"},
    C.JOIN: {"copy_no": "20260302003"},
    C.RECLASSIFY: {"category": "process"},
    C.EXPLAIN_BREACH: {"clock": "acceptance"},
    C.TAG: {"add": ["vip-care"]},
    C.PROMISE: {"resolve_by": "2026-03-04T01:00:00Z"},
}

# Where each command leads from each phase; "=" stays there, "" is refused. Columns in the order of the phases.
TABLE = """
                     review   awaiting_information assigned planned  waiting  callback second   closed
accept               assigned assigned             .        .        .        .        .        .
request-information  info     =                    .        .        .        .        .        .
supply-information   =        review               =        =        =        .        .        .
customer-message     =        review               =        =        =        =        =        .
assign               =        =                    =        =        =        =        =        .
respond              =        =                    =        =        =        =        =        .
plan                 .        .                    planned  =        =        .        .        .
approve-plan         .        .                    .        .        .        .        .        .
reject-plan          .        .                    .        .        .        .        .        .
progress             .        .                    =        =        =        .        .        .
wait                 .        .                    waiting  waiting  =        =        =        .
resume               .        .                    .        .        assigned .        .        .
resolve              .        .                    callback callback callback .        .        .
record-callback      .        .                    .        .        .        closed   closed   .
confirm              .        .                    .        .        .        closed   closed   .
reopen               .        .                    .        .        .        assigned assigned assigned
close-unresolved     closed   closed               closed   closed   closed   closed   closed   .
withdraw             closed   closed               closed   closed   closed   closed   closed   .
merge                closed   closed               closed   closed   closed   closed   closed   .
join                 =        =                    =        =        =        =        =        assigned
reclassify           =        =                    =        =        =        =        =        .
explain-breach       .        .                    .        .        .        .        .        .
chase                =        =                    =        =        =        =        =        .
tag                  =        =                    =        =        =        =        =        =
promise              =        =                    =        =        =        .        .        .
"""
SHORT = {
    "review": Phase.REVIEW,
    "info": Phase.AWAITING_INFORMATION,
    "assigned": Phase.ASSIGNED,
    "planned": Phase.PLANNED,
    "waiting": Phase.WAITING,
    "callback": Phase.AWAITING_CALLBACK,
    "second": Phase.AWAITING_SECOND_CALLBACK,
    "closed": Phase.CLOSED,
}


def _cells() -> list[tuple[Phase, CommandName, Phase | None]]:
    rows = [line.split() for line in TABLE.strip().splitlines()[1:]]
    return [
        (phase, CommandName(name), phase if cell == "=" else SHORT.get(cell))
        for name, *cells in rows
        for phase, cell in zip(IN_PHASE, cells, strict=True)
    ]


def _decision(phase: Phase, command: CommandName) -> dict[str, Any]:
    if command is C.WAIT and phase in {Phase.AWAITING_CALLBACK, Phase.AWAITING_SECOND_CALLBACK}:
        return {"reason": "appointment", "until": "2026-03-05T01:00:00Z"}
    return DECISIONS.get(command, {})


def test_the_table_knows_every_command_and_every_phase() -> None:
    assert len(_cells()) == len(CommandName) * len(Phase)


@pytest.mark.parametrize(("phase", "command", "leads_to"), _cells())
def test_a_command_leads_where_the_table_says_or_is_refused(
    phase: Phase, command: CommandName, leads_to: Phase | None
) -> None:
    case = IN_PHASE[phase]()
    assert case.phase is phase
    before = case.state.model_dump()
    assert (command in legal_commands(case.state)) is (leads_to is not None)
    if leads_to is None:
        with pytest.raises(IllegalCommand) as refusal:
            case.do(command, **_decision(phase, command))
        assert refusal.value.allowed == legal_commands(case.state)
        assert case.state.model_dump() == before
        assert case.life.events == []
    else:
        case.do(command, **_decision(phase, command))
        assert case.phase is leads_to
    assert_legal_journal(case.journal)


@pytest.mark.parametrize("command", [C.APPROVE_PLAN, C.REJECT_PLAN])
def test_a_plan_is_approved_or_rejected_only_while_it_is_proposed(command: CommandName) -> None:
    case = _accepted().do(C.PLAN, complex=True)
    assert case.phase is Phase.ASSIGNED
    assert {C.APPROVE_PLAN, C.REJECT_PLAN} <= set(legal_commands(case.state))
    case.do(command)
    assert case.phase is (Phase.PLANNED if command is C.APPROVE_PLAN else Phase.ASSIGNED)
    assert not {C.APPROVE_PLAN, C.REJECT_PLAN} & set(legal_commands(case.state))


def test_a_rejected_plan_is_proposed_again() -> None:
    case = _accepted().do(C.PLAN, complex=True).do(C.REJECT_PLAN).do(C.PLAN)
    assert C.APPROVE_PLAN in legal_commands(case.state)


@pytest.mark.parametrize("reason", ["customer", "parts", "third_party"])
def test_a_resolved_ticket_waits_for_nothing_but_an_appointment(reason: str) -> None:
    case = _resolved()
    with pytest.raises(IllegalCommand):
        case.do(C.WAIT, reason=reason)
    assert case.phase is Phase.AWAITING_CALLBACK


def test_a_breach_is_explained_once_and_also_after_closing() -> None:
    case = Case().wait(3 * HOUR).do(C.ACCEPT).do(C.WITHDRAW)
    assert C.EXPLAIN_BREACH in legal_commands(case.state)
    case.do(C.EXPLAIN_BREACH, clock="acceptance")
    assert C.EXPLAIN_BREACH not in legal_commands(case.state)
    with pytest.raises(IllegalCommand):
        case.do(C.EXPLAIN_BREACH, clock="acceptance")


def test_a_breach_of_another_clock_is_not_explained_by_this_one() -> None:
    case = Case().wait(3 * HOUR)
    with pytest.raises(IllegalCommand):
        case.do(C.EXPLAIN_BREACH, clock="resolution")
    assert C.EXPLAIN_BREACH in legal_commands(case.state)


def test_a_merged_ticket_takes_no_command_any_more() -> None:
    case = Case().do(C.MERGE, into="20260302002")
    assert case.state.ended
    assert legal_commands(case.state) == ()


def test_a_closed_ticket_takes_no_command_after_its_window() -> None:
    case = _resolved().do(C.CONFIRM)
    case.wait(7 * DAY - timedelta(seconds=1))
    assert C.REOPEN in legal_commands(case.state)
    case.wait(timedelta(seconds=1))
    assert case.state.ended
    assert legal_commands(case.state) == ()
