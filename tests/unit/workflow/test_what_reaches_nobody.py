"""Words to a customer that reach nobody: they promise nothing, unless they were told otherwise (13, 14, 15)."""

from typing import Any

import pytest

from services.contracts.vocabulary import ClockName, ClockState, CommandName, Phase
from tests.unit.workflow.ticket_driver import HAN_MEIMEI, HOUR, Case, promises

C, N = ClockName, CommandName
IN_VAIN: dict[str, Any] = {"reached": False}
HEARD: list[dict[str, Any]] = [
    {},
    {"reached": True},
    {"reached": False, "told_by": "phone"},
    {"reached": False, "told_by": "visit"},
    {"reached": True, "told_by": "other"},
]


def accepted(**of_policy: Any) -> Case:
    return Case(promises(**of_policy)).do(N.ACCEPT, owner="lin-tao")


def test_a_reply_that_reaches_nobody_meets_no_response_and_is_no_first_one() -> None:
    case = accepted().do(N.RESPOND, after=HOUR, **IN_VAIN)
    assert case.state_of(C.RESPONSE) is ClockState.RUNNING
    assert case.state.responded_at is None
    assert case.events("ticket.responded")[-1].data == {"first": False, "reached": False}
    case.do(N.RESPOND, after=HOUR, told_by="phone", **IN_VAIN)
    assert case.state_of(C.RESPONSE) is ClockState.MET
    assert case.clock(C.RESPONSE).met_at == case.now
    assert case.events("ticket.responded")[-1].data == {"first": True, "reached": False, "told_by": "phone"}


@pytest.mark.parametrize("how", HEARD)
def test_a_reply_that_is_heard_meets_the_response(how: dict[str, Any]) -> None:
    case = accepted().do(N.RESPOND, **how)
    assert case.state_of(C.RESPONSE) is ClockState.MET
    assert case.events("ticket.responded")[-1].data["first"] is True


def test_a_response_that_nobody_heard_is_breached_at_its_due_instant() -> None:
    case = accepted().do(N.RESPOND, **IN_VAIN).wait(24 * HOUR)
    assert "response" not in case.breaches()
    assert "response" in case.wait(HOUR).breaches()


@pytest.mark.parametrize(
    ("command", "says"),
    [(N.RESPOND, {}), (N.PROGRESS, {"visible": True}), (N.PLAN, {"complex": False})],
)
def test_progress_starts_anew_and_a_wait_ends_only_with_what_is_heard(
    command: CommandName, says: dict[str, Any]
) -> None:
    case = accepted().do(N.CUSTOMER_MESSAGE, HAN_MEIMEI)
    case.do(command, after=HOUR, **says, **IN_VAIN)
    assert (case.clock(C.PROGRESS).round, case.has(C.CUSTOMER_WAIT)) == (1, True)
    case.do(command, after=HOUR, told_by="phone", **says, **IN_VAIN)
    assert case.clock(C.PROGRESS).started_at == case.now
    assert not case.has(C.CUSTOMER_WAIT)


def test_an_approval_that_nobody_hears_lets_the_plan_stand_and_reports_no_progress() -> None:
    case = accepted().do(N.PLAN, complex=True).do(N.APPROVE_PLAN, after=HOUR, **IN_VAIN)
    assert (case.phase, case.state_of(C.PLAN)) == (Phase.PLANNED, ClockState.MET)
    assert case.clock(C.PROGRESS).round == 1


def test_who_was_asked_in_vain_owes_no_answer_and_is_not_closed_for_it() -> None:
    case = Case(promises(), complete=False).do(N.REQUEST_INFORMATION, fields=["product.serial_no"], **IN_VAIN)
    assert case.phase is Phase.REVIEW
    assert case.state_of(C.ACCEPTANCE) is ClockState.RUNNING
    assert case.has(C.INFORMATION_REQUEST)
    assert not case.state.deadlines
    case.do(N.REQUEST_INFORMATION, fields=["product.serial_no"], told_by="phone", **IN_VAIN)
    assert (case.phase, case.state_of(C.ACCEPTANCE)) == (Phase.AWAITING_INFORMATION, ClockState.PAUSED)


def test_an_internal_note_reaches_nobody_and_says_so_to_nobody() -> None:
    case = accepted().do(N.PROGRESS, visible=False)
    assert case.events("ticket.progressed")[-1].data == {"visible": False}
