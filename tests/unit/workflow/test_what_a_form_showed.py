"""Events of a ticket after which a customer's form is still taken as it was meant."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from services.contracts.basis import Basis, is_outdated
from services.contracts.customer import CUSTOMER_COMMANDS
from services.contracts.vocabulary import ClockName, CommandName
from tests.unit.workflow.ticket_driver import HAN_MEIMEI, HOUR, Case, promises

N = CommandName
Happens = Callable[[Case], object]


def reviewed() -> Case:
    return Case(promises(warn_at=(0.5,)))


def asked() -> Case:
    return reviewed().do(N.REQUEST_INFORMATION, fields=["product.serial_no"])


def accepted() -> Case:
    return reviewed().do(N.ACCEPT, owner="lin-tao")


def resolved() -> Case:
    return accepted().do(N.RESOLVE, result="resolved")


def again(result: str = "unresolved") -> Happens:
    return lambda case: case.do(N.REOPEN).do(N.RESOLVE, result=result)


@pytest.mark.parametrize(
    ("drawn", "command", "happens", "outdated"),
    [
        # What decides nothing about it.
        (resolved, N.CONFIRM, lambda case: case.do(N.TAG, add=["x"]), False),
        (resolved, N.CONFIRM, lambda case: case.wait(13 * HOUR), False),
        (resolved, N.CONFIRM, lambda case: case.do(N.CUSTOMER_MESSAGE, HAN_MEIMEI), False),
        (resolved, N.CONFIRM, lambda case: case.do(N.RESPOND), False),
        (accepted, N.WITHDRAW, lambda case: case.do(N.PLAN).do(N.WAIT, reason="parts"), False),
        (accepted, N.CUSTOMER_MESSAGE, lambda case: case.do(N.PLAN).do(N.ASSIGN, owner="li-lei"), False),
        (reviewed, N.CUSTOMER_MESSAGE, lambda case: case.do(N.ACCEPT), False),
        (asked, N.SUPPLY_INFORMATION, lambda case: case.wait(HOUR), False),
        (asked, N.SUPPLY_INFORMATION, lambda case: case.do(N.CUSTOMER_MESSAGE, HAN_MEIMEI), False),
        (asked, N.SUPPLY_INFORMATION, lambda case: case.do(N.ACCEPT), False),
        # Another cycle, phase or outcome than the one that was shown.
        (resolved, N.CONFIRM, lambda case: case.do(N.REOPEN), True),
        (resolved, N.CONFIRM, again(), True),
        (resolved, N.CONFIRM, again("resolved"), True),
        (resolved, N.REOPEN, again(), True),
        (resolved, N.REOPEN, lambda case: case.do(N.CONFIRM, HAN_MEIMEI), True),
        (resolved, N.WITHDRAW, again(), True),
        (resolved, N.CUSTOMER_MESSAGE, again(), True),
        (accepted, N.CUSTOMER_MESSAGE, lambda case: case.do(N.RESOLVE, result="unresolved"), True),
        (accepted, N.WITHDRAW, lambda case: case.do(N.RESOLVE, result="resolved"), True),
        (reviewed, N.WITHDRAW, lambda case: case.do(N.ACCEPT), True),
        # Another question than the one that was shown.
        (reviewed, N.SUPPLY_INFORMATION, lambda case: case.do(N.REQUEST_INFORMATION, fields=["occurred_at"]), True),
        (asked, N.SUPPLY_INFORMATION,
         lambda case: case.do(N.REQUEST_INFORMATION, after=HOUR, fields=["occurred_at"]), True),
    ],
)  # fmt: skip
def test_a_form_is_outdated_by_what_it_decides_on_and_by_nothing_else(
    drawn: Callable[[], Case], command: CommandName, happens: Happens, outdated: bool
) -> None:
    case = drawn()
    shown = Basis.of(case.state)
    happens(case)
    assert is_outdated(command, shown, Basis.of(case.state)) is outdated


def test_a_first_callback_of_a_complaint_is_another_phase_than_the_one_that_was_shown() -> None:
    case = Case(kind="complaint").do(N.ACCEPT).do(N.RESOLVE, result="resolved")  # type: ignore[arg-type]
    shown = Basis.of(case.state)
    case.do(N.RECORD_CALLBACK, outcome="satisfied", channel="phone")
    assert is_outdated(N.CONFIRM, shown, Basis.of(case.state))


@pytest.mark.parametrize("command", list(CUSTOMER_COMMANDS))
@pytest.mark.parametrize("drawn", [reviewed, asked, accepted, resolved])
def test_no_form_is_outdated_by_nothing(command: CommandName, drawn: Callable[[], Case]) -> None:
    shown = Basis.of(drawn().state)
    assert not is_outdated(command, shown, shown)


@pytest.mark.parametrize("drawn", [reviewed, asked, accepted, resolved])
def test_a_form_carries_what_it_was_drawn_from(drawn: Callable[[], Case]) -> None:
    case = drawn().wait(timedelta(microseconds=1))
    shown = Basis.of(case.state)
    assert Basis.read(shown.written()) == shown


@pytest.mark.parametrize(
    "said",
    ["", "1", "1/closed", "x/closed/-/-", "1/open/-/-", "1/closed/yesterday/-", "1/closed/-/-/-",
     "-/closed/-/-", "1/closed/-/\x00", "0/closed/-/-", "-1/closed/-/-", "1000001/closed/-/-",
     "9" * 5000 + "/closed/-/-", "1/closed/9999-12-31T23:59:59-23:59/-"],
)  # fmt: skip
def test_what_no_page_says_is_drawn_from_nothing(said: str) -> None:
    assert Basis.read(said) is None


def test_every_clock_that_a_test_lets_pass_warned() -> None:
    assert ClockName.CALLBACK in {event.data["clock"] for event in resolved().wait(13 * HOUR).events("clock.warned")}
