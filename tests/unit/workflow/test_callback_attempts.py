"""Vain callback attempts: on different working days and channels, the sooner ones are on record and do not count
(product.md 3.6)."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from services.contracts.base import format_instant
from services.contracts.feedback import CustomerView
from services.contracts.vocabulary import ClockName, ClockState, CloseReason, CommandName, Kind, Phase
from services.workflow.commands.callbacks import channels_of
from tests.unit.workflow.ticket_driver import BY_ID, DAY, HOUR, MINUTE, MONDAY_9, TICK, Case, promises

C, K = CommandName, ClockName
NOW = timedelta(0)
FRIDAY_9 = MONDAY_9 + 4 * DAY
BOTH = ("phone", "email")
MIDNIGHT = MONDAY_9 + 15 * HOUR
"""Between Monday and Tuesday in Shanghai."""


class UnreachedTicket:
    """A resolved ticket in Shanghai, whose customer is called back in vain."""

    def __init__(self, *customer_channels: str, kind: Kind = Kind.FAULT, retry_after: str = "P1WD") -> None:
        targets = {K.CALLBACK: "P1WD", K.SECOND_CALLBACK: "P1WD"}
        self.case = Case(promises(targets, calendar="cn", callback_retry_after=retry_after), kind=kind)
        self.case.do(C.ACCEPT).do(C.RESOLVE, result="resolved")
        self.customer_channels = customer_channels

    def call(
        self,
        channel: str = "phone",
        outcome: str = "not_reached",
        after: timedelta = NOW,
        called_at: datetime | None = None,
    ) -> "UnreachedTicket":
        """One more attempt."""
        self.case.wait(after)
        next_at = BY_ID["cn"].next_working_day(self.case.now)
        self.case.do(
            C.RECORD_CALLBACK,
            outcome=outcome,
            channel=channel,
            called_at=format_instant(called_at) if called_at else None,
            next_counts_from=format_instant(next_at),
            customer_channels=list(self.customer_channels),
        )
        return self

    @property
    def counted(self) -> list[bool | None]:
        """The journal's verdict on each attempt."""
        return [event.data.get("counts") for event in self.case.events("ticket.callback_recorded")]  # type: ignore[misc]


def test_three_attempts_within_a_second_are_on_record_and_close_nothing() -> None:
    ticket = UnreachedTicket().call().call().call()
    assert ticket.case.phase is Phase.AWAITING_CALLBACK
    assert ticket.counted == [True, False, False]
    assert ticket.case.state.callback_attempts == 1


@pytest.mark.parametrize(
    ("at", "counts"),
    [(MIDNIGHT - TICK, False), (MIDNIGHT, True), (MIDNIGHT + TICK, True)],
    ids=["before", "at", "after"],
)
def test_the_next_attempt_counts_from_the_midnight_of_the_calendar(at: object, counts: bool) -> None:
    ticket = UnreachedTicket().call()
    ticket.case.wait_until(at)  # type: ignore[arg-type]
    assert ticket.call().counted == [True, counts]


def test_nothing_counts_on_days_off_after_an_attempt_on_a_friday() -> None:
    ticket = UnreachedTicket()
    ticket.case.wait_until(FRIDAY_9)
    ticket.call().call(after=DAY).call(after=DAY).call(after=DAY)
    assert ticket.counted == [True, False, False, True]


def test_a_first_attempt_on_a_day_off_stands_for_the_next_working_day() -> None:
    ticket = UnreachedTicket()
    ticket.case.wait_until(FRIDAY_9 + DAY)
    ticket.call().call(after=2 * DAY).call(after=DAY)
    assert ticket.counted == [True, False, True]


def test_an_attempt_too_soon_leaves_the_clock_of_the_next_one_alone() -> None:
    ticket = UnreachedTicket().call()
    due_at = ticket.case.clock(K.CALLBACK, round_=2).due_at
    ticket.call(after=MINUTE)
    clock = ticket.case.clock(K.CALLBACK)
    assert (clock.round, clock.state, clock.due_at) == (2, ClockState.RUNNING, due_at)


def test_an_appointment_of_the_same_day_is_kept_by_an_attempt_that_does_not_count() -> None:
    ticket = UnreachedTicket().call()
    until = ticket.case.now + 5 * HOUR
    ticket.case.do(C.WAIT, after=HOUR, reason="appointment", until=format_instant(until))
    ticket.call(after=4 * HOUR - MINUTE)
    assert ticket.counted == [True, False]
    assert ticket.case.state_of(K.CALLBACK, round_=2) is ClockState.MET
    following = ticket.case.clock(K.CALLBACK)
    assert (following.round, following.state) == (3, ClockState.RUNNING)
    assert following.due_at is not None
    assert following.due_at > until
    assert ticket.case.wait(HOUR).breaches() == []


@pytest.mark.parametrize(
    ("until", "state"),
    [(MIDNIGHT - TICK, ClockState.MET), (MIDNIGHT, ClockState.RUNNING), (MIDNIGHT + TICK, ClockState.RUNNING)],
    ids=["before", "at", "after"],
)
def test_an_appointment_that_an_attempt_could_still_keep_waits_for_one_that_counts(
    until: datetime, state: ClockState
) -> None:
    ticket = UnreachedTicket().call()
    ticket.case.do(C.WAIT, after=HOUR, reason="appointment", until=format_instant(until))
    ticket.call(after=MINUTE)
    assert ticket.counted == [True, False]
    assert ticket.case.state_of(K.CALLBACK, round_=2) is state


def test_a_policy_that_asks_for_the_next_attempt_within_hours_is_not_broken_by_whoever_makes_it() -> None:
    ticket = UnreachedTicket(retry_after="PT4H").call().call(after=3 * HOUR).call(after=3 * HOUR)
    assert ticket.counted == [True, False, False]
    assert ticket.case.wait(3 * HOUR).breaches() == []


@pytest.mark.parametrize(
    ("called", "counts"),
    [(MIDNIGHT - MINUTE, False), (MIDNIGHT, True), (None, True)],
    ids=["the day before", "today", "unsaid"],
)
def test_a_call_of_the_same_day_does_not_count_because_it_is_recorded_on_the_next(
    called: datetime | None, counts: bool
) -> None:
    ticket = UnreachedTicket().call()
    ticket.case.wait_until(MIDNIGHT + HOUR)
    assert ticket.call(called_at=called).counted == [True, counts]


def test_a_call_that_is_said_to_lie_ahead_is_of_the_day_on_which_it_is_recorded() -> None:
    ticket = UnreachedTicket().call()
    ticket.case.wait_until(MIDNIGHT - MINUTE)
    assert ticket.call(called_at=MIDNIGHT).counted == [True, False]


@pytest.mark.parametrize(
    ("has", "tried", "counted"),
    [
        ((), ["phone", "phone", "phone"], [True, True, True]),
        (("phone",), ["phone", "phone", "phone"], [True, True, True]),
        (("phone",), ["visit", "visit", "visit"], [True, True, True]),
        (BOTH, ["phone", "phone", "email"], [True, False, True]),
        (BOTH, ["phone", "email", "phone"], [True, True, True]),
        (BOTH, ["phone", "email", "email"], [True, True, True]),
        (BOTH, ["phone", "visit", "phone"], [True, True, False]),
        (("phone", "email", "wechat"), ["phone", "email", "phone"], [True, True, False]),
        (("phone", "email", "wechat"), ["wechat", "email", "phone"], [True, True, True]),
    ],
)
def test_a_customer_of_several_channels_is_tried_by_each(
    has: tuple[str, ...], tried: list[str], counted: list[bool]
) -> None:
    ticket = UnreachedTicket(*has)
    for channel in tried:
        ticket.call(channel, after=DAY)
    assert ticket.counted == counted
    assert (ticket.case.state.close_reason is CloseReason.NOT_REACHED) == (counted == [True] * 3)


@pytest.mark.parametrize("outcome", ["satisfied", "dissatisfied", "residual_issue", "refused"])
def test_whoever_is_reached_at_once_is_heard(outcome: str) -> None:
    ticket = UnreachedTicket(*BOTH).call().call(outcome=outcome)
    assert ticket.counted == [True, None]
    assert ticket.case.phase is not Phase.AWAITING_CALLBACK


def test_the_second_callback_counts_from_its_own_first_attempt() -> None:
    ticket = UnreachedTicket(*BOTH, kind=Kind.COMPLAINT).call().call(outcome="satisfied").call()
    assert ticket.case.phase is Phase.AWAITING_SECOND_CALLBACK
    assert ticket.counted == [True, None, True]


def test_another_cycle_begins_without_attempts() -> None:
    ticket = UnreachedTicket(*BOTH).call().call(outcome="dissatisfied")
    ticket.case.do(C.RESOLVE, result="resolved")
    assert ticket.case.state.callback_counts_from is None
    assert ticket.call().counted == [True, None, True]


def test_a_command_stored_before_the_day_was_told_counts_by_dates_of_utc() -> None:
    case = Case(promises()).do(C.ACCEPT).do(C.RESOLVE, result="resolved")
    for after in (NOW, HOUR, DAY):
        case.do(C.RECORD_CALLBACK, after=after, outcome="not_reached", channel="phone")
    counted = [event.data["counts"] for event in case.events("ticket.callback_recorded")]
    assert counted == [True, False, True]


@pytest.mark.parametrize(
    ("contacts", "channels"),
    [
        ({}, ()),
        ({"phone": "138****1234", "email": "h***@example.com"}, BOTH),
        ({"phone": "138****800", "email": "h***@example.com", "unusable": ("phone",)}, ("email",)),
        ({"wechat_open_id": "o***1", "phone": "138****1234"}, ("phone", "wechat")),
    ],
)
def test_a_customer_s_channels_are_the_contacts_that_can_be_one(contacts: dict[str, Any], channels: object) -> None:
    assert channels_of(CustomerView(id="c-1", **contacts)) == channels
