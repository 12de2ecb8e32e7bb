"""A ticket's course, as the journal tells it: with whom it was, what was explained, when the customer had replied."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from services.contracts.journal import Event
from services.contracts.ticket import Segment
from services.contracts.vocabulary import ClockName, CommandName, WaitReason
from services.workflow import due_times
from services.workflow.views.history import COURSE, TicketHistory
from tests.unit.workflow.ticket_driver import CALENDARS, DAY, HAN_MEIMEI, HOUR, LI_LEI, MONDAY_9, Case, promises

C, K = CommandName, ClockName


def course(case: Case) -> TicketHistory:
    """The course of a ticket, read as queries give it."""
    return TicketHistory([_row(event) for event in case.journal if event.type in COURSE])


def _row(event: Event) -> dict[str, Any]:
    return {"type": str(event.type), "at": event.at, "actor_kind": str(event.actor.kind), "data": event.data}


def told(case: Case) -> list[tuple[str | None, str | None, timedelta, timedelta | None]]:
    """Department, owner, and the stretch as time since the receipt."""
    stretches = course(case).stretches()
    return [
        (it.department, it.owner, it.from_at - MONDAY_9, it.to_at - MONDAY_9 if it.to_at else None) for it in stretches
    ]


class TestRule16:
    """Time that the ticket was with whom."""

    def test_each_department_and_owner_has_a_stretch_of_its_own(self) -> None:
        case = Case().do(C.ACCEPT, after=HOUR, department="repair", owner=LI_LEI.id)
        case.do(C.ASSIGN, after=2 * HOUR, owner="wu-gang").do(C.ASSIGN, after=3 * HOUR, department="sales")
        assert told(case) == [
            (None, None, 0 * HOUR, HOUR),
            ("repair", LI_LEI.id, HOUR, 3 * HOUR),
            ("repair", "wu-gang", 3 * HOUR, 6 * HOUR),
            ("sales", None, 6 * HOUR, None),
        ]

    def test_new_co_owners_change_nothing(self) -> None:
        case = Case().do(C.ACCEPT, department="repair", owner=LI_LEI.id)
        case.do(C.ASSIGN, after=HOUR, co_owners=["wu-gang"])
        assert told(case) == [("repair", LI_LEI.id, 0 * HOUR, None)]

    def test_from_the_resolution_to_the_reopening_it_is_with_nobody(self) -> None:
        case = Case().do(C.ACCEPT, department="repair", owner=LI_LEI.id).do(C.RESOLVE, after=HOUR, result="resolved")
        assert told(case) == [("repair", LI_LEI.id, 0 * HOUR, HOUR)]
        case.do(C.ASSIGN, after=HOUR, owner="wu-gang").do(C.REOPEN, after=DAY)
        assert told(case)[1:] == [("repair", "wu-gang", 2 * HOUR + DAY, None)]

    @pytest.mark.parametrize("command", [C.WITHDRAW, C.CLOSE_UNRESOLVED, C.MERGE])
    def test_it_ends_with_the_ticket(self, command: CommandName) -> None:
        decision: dict[str, Any] = {C.MERGE: {"into": "20260302002"}, C.CLOSE_UNRESOLVED: {"reason_code": "other"}}.get(
            command, {}
        )
        assert told(Case().do(command, after=HOUR, **decision)) == [(None, None, 0 * HOUR, HOUR)]


class TestRule10:
    """A pause in which the customer had already replied is reported."""

    def replied(self, case: Case) -> list[datetime | None]:
        """The reply that each segment of the resolution clock tells."""
        return [course(case).replied_at(segment) for segment in case.clock(K.RESOLUTION).segments]

    def test_waiting_for_a_customer_who_has_written_and_was_not_answered(self) -> None:
        case = Case().do(C.ACCEPT).do(C.CUSTOMER_MESSAGE, HAN_MEIMEI, after=HOUR)
        case.do(C.CUSTOMER_MESSAGE, HAN_MEIMEI, after=HOUR).do(C.WAIT, after=HOUR, reason="customer")
        assert self.replied(case) == [None, MONDAY_9 + HOUR]

    def test_waiting_after_an_answer_is_as_it_should_be(self) -> None:
        case = Case().do(C.ACCEPT).do(C.CUSTOMER_MESSAGE, HAN_MEIMEI, after=HOUR).do(C.RESPOND, after=HOUR)
        case.do(C.WAIT, reason="customer").do(C.CUSTOMER_MESSAGE, HAN_MEIMEI, after=HOUR)
        assert self.replied(case) == [None, None, None]

    def test_an_internal_note_is_no_answer_and_a_question_is_one(self) -> None:
        case = Case().do(C.CUSTOMER_MESSAGE, HAN_MEIMEI, after=HOUR).do(C.REQUEST_INFORMATION, fields=["a"])
        assert self.replied(case) == [None, None]
        case = Case().do(C.ACCEPT).do(C.CUSTOMER_MESSAGE, HAN_MEIMEI, after=HOUR).do(C.PROGRESS, visible=False)
        assert self.replied(case.do(C.WAIT, reason="customer")) == [None, MONDAY_9 + HOUR]

    @pytest.mark.parametrize(("outcome", "answered"), [("dissatisfied", True), ("not_reached", False)])
    def test_a_call_that_reached_the_customer_is_an_answer_too(self, outcome: str, answered: bool) -> None:
        case = Case().do(C.ACCEPT).do(C.RESOLVE, result="resolved").do(C.CUSTOMER_MESSAGE, HAN_MEIMEI, after=HOUR)
        case.do(C.RECORD_CALLBACK, after=HOUR, outcome=outcome, channel="phone")
        pause = Segment(from_at=case.now, reasons=(WaitReason.CUSTOMER,))
        assert course(case).replied_at(pause) == (None if answered else MONDAY_9 + HOUR)

    def test_waiting_for_parts_is_not_ended_by_a_reply_and_not_reported(self) -> None:
        case = Case().do(C.ACCEPT).do(C.CUSTOMER_MESSAGE, HAN_MEIMEI, after=HOUR).do(C.WAIT, reason="parts")
        assert self.replied(case) == [None, None]

    def test_a_reply_ends_the_pause_at_its_instant(self) -> None:
        case = Case().do(C.ACCEPT).do(C.WAIT, reason="customer").do(C.CUSTOMER_MESSAGE, HAN_MEIMEI, after=HOUR)
        (pause,) = [segment for segment in case.clock(K.RESOLUTION).segments if segment.reasons]
        assert (pause.to_at, course(case).replied_at(pause)) == (MONDAY_9 + HOUR, None)
        assert course(case).replied_at(Segment(from_at=MONDAY_9, reasons=(WaitReason.CUSTOMER,))) == MONDAY_9 + HOUR


def test_explained_breaches_are_known_by_their_round() -> None:
    case = Case(promises({K.PROGRESS: "PT1H"})).do(C.ACCEPT).do(C.PROGRESS, after=2 * HOUR, visible=True).wait(2 * HOUR)
    case.do(C.EXPLAIN_BREACH, clock="progress")
    assert course(case).explained == {"progress/1/1"}


class TestRule11And12:
    """The time of a clock is stored when it ends; what is overdue grows until then."""

    def test_rule_12_overdue_time_grows_until_the_clock_is_met_and_then_freezes(self) -> None:
        case = Case(promises({K.RESOLUTION: "PT8WH"}, calendar="cn")).do(C.ACCEPT)
        case.wait_until(MONDAY_9 + DAY + HOUR / 2)
        for ahead, overdue in ((0 * HOUR, None), (HOUR, 3600), (HOUR, 7200)):
            assert (
                due_times.spent_by(case.wait(ahead).clock(K.RESOLUTION), CALENDARS, case.now).get("overdue") == overdue
            )
        met = case.do(C.RESOLVE, result="resolved").clock(K.RESOLUTION)
        assert due_times.spent(met, CALENDARS) == due_times.spent_by(met, CALENDARS, case.now + 9 * DAY)
        assert due_times.spent(met, CALENDARS)["overdue"] == 7200

    def test_rule_11_a_clock_that_runs_counts_its_own_time_without_its_pauses(self) -> None:
        case = Case().do(C.ACCEPT).do(C.WAIT, after=HOUR, reason="parts").wait(5 * HOUR)
        assert due_times.spent_by(case.clock(K.RESOLUTION), CALENDARS, case.now) == {"elapsed": 3600}
        case.do(C.RESUME).wait(HOUR)
        assert due_times.spent_by(case.clock(K.RESOLUTION), CALENDARS, case.now) == {"elapsed": 7200}
